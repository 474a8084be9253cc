"""What the API offers that belongs to no app: keys, the record, and how far work has come."""

import re
from typing import Any

from django.db import connection
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts.wire import Instant, Strict
from workspace import clock
from workspace import keys as verbs
from workspace.api import ScopePermission, actor_of
from workspace.door import Door
from workspace.models import Audit, Key

KEY_ID = re.compile(r"^(?:key_)?([0-9]{1,18})$")
LONGEST = 30 * 24


class SeesKeys(ScopePermission):
    """Keys: a program needs scope manage even to look, a person the permission to view them."""

    reading = "workspace.view_key"

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Ask for more than the usual before anything is shown."""
        if isinstance(request.auth, Key):
            return request.auth.scope == Key.Scope.MANAGE
        allowed = super().has_permission(request, view)
        return allowed and (request.method not in SAFE_METHODS or request.user.has_perm(self.reading))


class SeesRecord(SeesKeys):
    """The record: the same, with its own permission."""

    reading = "workspace.view_audit"


class KeyInput(Strict):
    """A key to be made."""

    name = serializers.CharField(max_length=120)
    scope = serializers.ChoiceField(Key.Scope.choices)
    public = serializers.BooleanField(required=False, default=False, help_text="May stand in a web page.")
    expires_at = Instant(required=False, allow_null=True)


class RotationInput(Strict):
    """How long the old key goes on beside the new one."""

    overlap_hours = serializers.IntegerField(required=False, default=24, min_value=0, max_value=LONGEST)


class KeyOutput(serializers.ModelSerializer[Key]):
    """A key; its secret is never shown again."""

    id = serializers.CharField(source="ref", help_text="key_3")
    status = serializers.SerializerMethodField(help_text="live, rotated (live until its end), expired or revoked")
    rotated_to = serializers.SerializerMethodField()

    class Meta:
        model = Key
        fields = [
            *("id", "name", "scope", "public", "prefix", "status", "created_at", "expires_at", "revoked_at"),
            *("last_used_at", "rotated_to"),
        ]

    def get_status(self, key: Key) -> str:
        """Return how it stands now."""
        return key.status(self.context["at"])

    def get_rotated_to(self, key: Key) -> str | None:
        """Return the successor."""
        return f"key_{key.successor_id}" if key.successor_id else None


class MadeKeyOutput(KeyOutput):
    """A key just made, with its secret."""

    secret = serializers.CharField(read_only=True)

    class Meta(KeyOutput.Meta):
        fields = [*KeyOutput.Meta.fields, "secret"]


def find_key(ref: str) -> Key:
    """Return the key of an id (key_3), or answer 404."""
    match = KEY_ID.match(ref)
    key = Key.objects.filter(pk=int(match[1])).first() if match else None
    if key is None:
        raise Http404
    return key


class KeyDoor(Door):
    """What the views of keys share."""

    permission_classes = [SeesKeys]
    queryset = Key.objects.all()
    serializer_class: Any = KeyOutput


class KeysView(KeyDoor):
    """All keys."""

    @extend_schema(responses=KeyOutput(many=True))
    def get(self, request: Request) -> Response:
        """List the keys, newest first, without their secrets."""
        page = self.paginate_queryset(Key.objects.all()) or []
        return self.get_paginated_response(KeyOutput(page, many=True, context={"at": clock.now()}).data)

    @extend_schema(request=KeyInput, responses={201: MadeKeyOutput})
    def post(self, request: Request) -> Response:
        """Make a key: its secret is in this answer and never again."""
        form = KeyInput(data=request.data)
        form.is_valid(raise_exception=True)
        return made(*verbs.make_key(actor=actor_of(request), **form.validated_data))


class KeyView(KeyDoor):
    """One key, by key_3."""

    @extend_schema(responses=KeyOutput)
    def get(self, request: Request, ref: str) -> Response:
        """Read a key."""
        return shown(ref)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, ref: str) -> Response:
        """Revoke a key: it is refused from now on, and stays listed for the record."""
        verbs.revoke_key(find_key(ref), actor=actor_of(request))
        return Response(status=204)


class RevokeView(KeyDoor):
    """Closing."""

    @extend_schema(request=None, responses=KeyOutput)
    def post(self, request: Request, ref: str) -> Response:
        """Revoke a key: it is refused from now on, and stays listed for the record."""
        verbs.revoke_key(find_key(ref), actor=actor_of(request))
        return shown(ref)


class RotateView(KeyDoor):
    """Changing the lock."""

    serializer_class = RotationInput

    @extend_schema(request=RotationInput, responses={201: MadeKeyOutput})
    def post(self, request: Request, ref: str) -> Response:
        """Make a key's successor; the old one goes on beside it for a day unless said otherwise."""
        form = RotationInput(data=request.data)
        form.is_valid(raise_exception=True)
        hours = form.validated_data["overlap_hours"]
        return made(*verbs.rotate_key(find_key(ref), overlap_hours=hours, actor=actor_of(request)))


def shown(ref: str) -> Response:
    """Answer a key as it stands now."""
    return Response(KeyOutput(find_key(ref), context={"at": clock.now()}).data)


def made(key: Key, secret: str) -> Response:
    """Answer a new key with its secret."""
    key.secret = secret  # type: ignore[attr-defined] # shown this once, and no column
    return Response(MadeKeyOutput(key, context={"at": clock.now()}).data, status=201)


class ProgressView(Door):
    """How far work has come."""

    pagination_class = None
    queryset = Audit.objects.none()

    @extend_schema(responses={"200": {"type": "object"}})
    def get(self, request: Request) -> Response:
        """Say through which ingest cursor segments and flows have come: the oldest fact that still waits, less one."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT (SELECT last_value FROM contacts_change_id_seq),"
                " (SELECT min(id) FROM contacts_change WHERE stage = 1), (SELECT min(id) FROM contacts_change)"
            )
            newest, segments, flows = cursor.fetchone() or (0, None, None)
        return Response(
            {"cursor": newest, "segments": (segments or newest + 1) - 1, "flows": (flows or newest + 1) - 1}
        )


class AuditOutput(serializers.ModelSerializer[Audit]):
    """One line of the record."""

    id = serializers.SerializerMethodField()
    key = serializers.SerializerMethodField()

    class Meta:
        model = Audit
        fields = ["id", "at", "actor", "key", "verb", "subject", "detail"]

    def get_id(self, line: Audit) -> str:
        """Return aud_9."""
        return f"aud_{line.pk}"

    def get_key(self, line: Audit) -> str | None:
        """Return key_3."""
        return f"key_{line.key_id}" if line.key_id else None


class AuditView(Door):
    """Who did what."""

    serializer_class = AuditOutput
    permission_classes = [SeesRecord]
    queryset = Audit.objects.all()

    @extend_schema(
        parameters=[OpenApiParameter("subject", str), OpenApiParameter("verb", str)], responses=AuditOutput(many=True)
    )
    def get(self, request: Request) -> Response:
        """List the record, newest first; `subject` (seg_7) and `verb` (segment.created) choose."""
        said: dict[str, Any] = {name: request.query_params.get(name) for name in ("subject", "verb")}
        found = Audit.objects.filter(**{name: value[:120].replace("\x00", "") for name, value in said.items() if value})
        return self.get_paginated_response(AuditOutput(self.paginate_queryset(found) or [], many=True).data)
