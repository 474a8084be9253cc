"""What every part of the API shares: keys, scopes, clean bodies, cursors and problems."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from rest_framework import exceptions, pagination, permissions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from workspace import clean
from workspace.approval import NeedsApproval
from workspace.audit import Actor
from workspace.filing import to_program
from workspace.keys import find_key
from workspace.models import Key
from workspace.problems import Fault, Refused
from workspace.taken import as_taken
from workspace.uses import InUse

if TYPE_CHECKING:  # Django REST framework's views import this module while they load
    from rest_framework.views import APIView

BODY_LIMIT = 1024 * 1024
RANK = {"ingest": 0, "read": 1, "manage": 2}


class KeyUser:
    """A program that came in with a key, where Django expects a person."""

    is_authenticated = True
    is_staff = False
    is_active = True
    pk = None
    id = None

    def __init__(self, key: Key) -> None:
        self.key = key

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Say no: a key's rights are its scope."""
        return False


def secret_of(request: HttpRequest) -> str | None:
    """Return the secret in the Authorization header of a request, or None."""
    return secret_in(request.META.get("HTTP_AUTHORIZATION", ""))


def secret_in(authorization: str) -> str | None:
    """Return the secret that an Authorization header brings as Bearer or as Basic's user name, or None."""
    kind, _, rest = authorization.partition(" ")
    if kind.lower() == "bearer":
        return rest.strip() or None
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(rest, validate=True).decode().partition(":")[0] or None
    except (binascii.Error, UnicodeDecodeError):
        return None


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`."""

    def authenticate(self, request: Request) -> tuple[Any, Key] | None:
        """Return the program behind the key, or None when the request names none."""
        if not get_authorization_header(request):
            return None
        secret = secret_of(request._request)
        key = find_key(secret) if secret else None
        if key is None:
            raise exceptions.AuthenticationFailed("This key is not known here, or has been revoked or has expired.")
        return KeyUser(key), key

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme."""
        return "Bearer"


class ScopePermission(permissions.BasePermission):
    """Reading needs scope read; writing needs manage (a view may name another in `write_scope`); staff sign in."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Compare the key's scope, or the person's groups, with what the view needs."""
        reading = request.method in permissions.SAFE_METHODS
        if isinstance(request.auth, Key):
            needed = "read" if reading else getattr(view, "write_scope", "manage")
            return RANK[request.auth.scope] >= RANK[needed]
        user = request.user
        if not (user and user.is_authenticated and getattr(user, "is_active", False)):
            return False
        return reading or user.has_perm(getattr(view, "write_permission", "workspace.change_workspace"))


class CleanJSONParser(BaseParser):
    """JSON through the gate."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Decode the body or raise what `problem` turns into a clear answer."""
        return clean.read(stream.read(BODY_LIMIT + 1), limit=BODY_LIMIT)


class NewestFirst(pagination.CursorPagination):
    """Pages by cursor, newest first."""

    ordering: Any = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 500

    def get_paginated_response(self, data: Any) -> Response:
        """Answer next, previous and results."""
        return Response({"next": self.get_next_link(), "previous": self.get_previous_link(), "results": data})


def actor_of(request: Request) -> Actor:
    """Name who acts in an API request."""
    if isinstance(request.auth, Key):
        return Actor.of(key=request.auth)
    return Actor.of(user=cast("Any", request.user))


def problem(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer every expected error as application/problem+json (RFC 9457), and what needs approval with its review."""
    if isinstance(error, NeedsApproval):
        try:
            return to_program(error)
        except Refused as refused_to_file:
            error = refused_to_file
    refused = as_refused(error)
    if refused is None:
        return None
    response = Response(refused.as_json(), status=refused.status, content_type="application/problem+json")
    if isinstance(error, exceptions.APIException):
        if header := getattr(error, "auth_header", None):
            response["WWW-Authenticate"] = header
        if wait := getattr(error, "wait", None):
            response["Retry-After"] = str(int(wait) + 1)
    return response


def as_refused(error: Exception) -> Refused | None:
    """Translate an error that somebody outside can mend into its refusal; None for any other."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, clean.Unclean):
        return Refused(error.message, _path_fault(error), error.status)
    if isinstance(error, InUse):
        return Refused(str(error), _users_fault(error), 409)
    if isinstance(error, Http404):
        return Refused("There is nothing at this address.", status=404)
    if isinstance(error, PermissionDenied):
        return Refused("You may not do that.", status=403)
    if isinstance(error, exceptions.ValidationError):
        return Refused("The request has faults.", _faults(error.detail), 400)
    if isinstance(error, exceptions.APIException):
        return Refused(str(error.detail), status=error.status_code)
    return as_taken(error)


def _path_fault(error: clean.Unclean) -> list[Fault]:
    return [Fault(error.path, error.message)] if error.path else []


def _users_fault(error: InUse) -> list[Fault]:
    return [Fault("", f"Used by {one}.") for one in error.users]


def _faults(detail: Any, path: str = "") -> list[Fault]:
    if isinstance(detail, Mapping):
        return [f for key, value in detail.items() for f in _faults(value, f"{path}.{key}" if path else str(key))]
    if isinstance(detail, Sequence) and not isinstance(detail, str):
        nested = any(isinstance(one, Mapping) for one in detail)
        return [f for i, one in enumerate(detail) for f in _faults(one, f"{path}[{i}]" if nested else path)]
    return [Fault(path.removesuffix(".non_field_errors"), str(detail))]
