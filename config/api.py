"""What the API offers that belongs to no app: keys, the record, and how far work has come."""

from datetime import timedelta
from typing import Any

from django.db import connection
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from workspace import audit, clock
from workspace import keys as verbs
from workspace.api import ScopePermission, actor_of
from workspace.models import Audit, Key

OVERLAP = timedelta(hours=24)


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


class KeySerializer(serializers.ModelSerializer[Key]):
    """A key without its secret."""

    class Meta:
        model = Key
        fields = ["id", "name", "scope", "public", "prefix", "created_at", "expires_at", "revoked_at", "last_used_at"]
        read_only_fields = ["prefix", "created_at", "revoked_at", "last_used_at"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Only ingest keys may be public."""
        if attrs.get("public") and attrs.get("scope") != Key.Scope.INGEST:
            raise serializers.ValidationError({"public": 'Only keys of scope "ingest" may be public.'})
        unknown = set(self.initial_data) - set(self.fields)
        if unknown:
            raise serializers.ValidationError(dict.fromkeys(sorted(unknown), "There is no such property; remove it."))
        return attrs


@extend_schema(request=KeySerializer, responses=KeySerializer(many=True))
@api_view(["GET", "POST"])
@permission_classes([SeesKeys])
def keys(request: Request) -> Response:
    """List the keys, or make one: its secret is in this answer and never again."""
    if request.method == "GET":
        return Response({"results": KeySerializer(Key.objects.order_by("-id"), many=True).data})
    form = KeySerializer(data=request.data)
    form.is_valid(raise_exception=True)
    key, secret = verbs.make_key(actor=actor_of(request), **form.validated_data)
    return Response({**KeySerializer(key).data, "secret": secret}, status=201)


@extend_schema(request=None, responses=KeySerializer)
@api_view(["POST"])
@permission_classes([SeesKeys])
def rotate_key(request: Request, pk: int) -> Response:
    """Make a key's successor; the old one goes on for a day, or until it would have ended anyway."""
    old = get_object_or_404(Key, pk=pk, revoked_at__isnull=True)
    key, secret = verbs.make_key(name=old.name, scope=old.scope, public=old.public, actor=actor_of(request))
    end = clock.now() + OVERLAP
    old.expires_at = min(old.expires_at or end, end)
    old.save(update_fields=["expires_at"])
    audit.record(actor_of(request), "key.rotated", f"key_{old.pk}", successor=key.pk)
    return Response({**KeySerializer(key).data, "secret": secret}, status=201)


@extend_schema(responses={"200": {"type": "object"}})
@api_view(["GET"])
def progress(request: Request) -> Response:
    """Say through which ingest cursor segments and flows have come: the oldest fact that still waits, less one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT last_value FROM contacts_change_id_seq), (SELECT min(id) FROM contacts_change WHERE stage = 1),"
            " (SELECT min(id) FROM contacts_change)"
        )
        newest, segments, flows = cursor.fetchone() or (0, None, None)
    return Response({"cursor": newest, "segments": (segments or newest + 1) - 1, "flows": (flows or newest + 1) - 1})


class AuditSerializer(serializers.ModelSerializer[Audit]):
    """One line of the record."""

    class Meta:
        model = Audit
        fields = ["id", "at", "actor", "key", "verb", "subject", "detail"]


class AuditView(generics.ListAPIView[Audit]):
    """Who did what, newest first."""

    queryset = Audit.objects.all()
    serializer_class = AuditSerializer
    permission_classes = [SeesRecord]
