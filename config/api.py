"""What the API offers that belongs to no app: keys, the record, and how far work has come."""

from datetime import timedelta
from typing import Any

from django.db import connection
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from workspace import audit, clock
from workspace import keys as verbs
from workspace.api import actor_of
from workspace.models import Audit, Key

OVERLAP = timedelta(hours=24)


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
def rotate_key(request: Request, pk: int) -> Response:
    """Make a key's successor; the old one goes on for a day."""
    old = get_object_or_404(Key, pk=pk, revoked_at__isnull=True)
    key, secret = verbs.make_key(name=old.name, scope=old.scope, public=old.public, actor=actor_of(request))
    old.expires_at = clock.now() + OVERLAP
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
