"""The state of one person for websites: GET /v1/state/{user_id}, by a key or by a signed token; and those tokens."""

from typing import Any

from django.conf import settings
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import permissions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from flows import state
from workspace import clock
from workspace.api import ScopePermission
from workspace.door import Door
from workspace.durations import Duration
from workspace.problems import refuse


class FlowState(serializers.Serializer[Any]):
    """Where somebody stands in one flow."""

    flow = serializers.CharField()
    node = serializers.CharField()
    personalisation_key = serializers.CharField(allow_blank=True)
    entry_key = serializers.CharField(allow_blank=True)
    waiting = serializers.BooleanField()
    entered_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(allow_null=True)


class StateOutput(serializers.Serializer[Any]):
    """What a website may know of somebody right now."""

    user_id = serializers.CharField()
    segments = serializers.ListField(child=serializers.CharField())
    flows = FlowState(many=True)
    personalisation_keys = serializers.ListField(child=serializers.CharField())


class TokenOutput(serializers.Serializer[Any]):
    """A token for a web page."""

    token = serializers.CharField()
    expires_at = serializers.DateTimeField()


class ByTokenOrKey(permissions.BasePermission):
    """A token opens the state of the one person it was made for; otherwise a key of scope read does."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Look at the token where there is one."""
        if token := request.query_params.get("token", ""):
            return state.is_good(token, view.kwargs["user_id"], clock.now())
        return ScopePermission().has_permission(request, view)


class StateView(Door):
    """One person's state."""

    serializer_class = StateOutput
    permission_classes = [ByTokenOrKey]
    pagination_class = None

    @extend_schema(parameters=[OpenApiParameter("token", str)], responses=StateOutput)
    def get(self, request: Request, user_id: str) -> Response:
        """Answer segments, running flows with their node, and personalisation keys."""
        contact = state.find(user_id)
        if contact is None:
            raise Http404
        return Response(StateOutput(state.state_of(contact)).data, headers=_for_pages(request))


def _for_pages(request: Request) -> dict[str, str]:
    """Let pages of the allowed origins read what a token opens; nothing is kept on the way."""
    origin, allowed = request.headers.get("Origin", ""), settings.INGEST_CORS_ORIGINS
    said = {"Cache-Control": "no-store"}
    if origin and "token" in request.query_params and ("*" in allowed or origin in allowed):
        said |= {"Access-Control-Allow-Origin": "*" if "*" in allowed else origin, "Vary": "Origin"}
    return said


class StateTokenView(Door):
    """Tokens for web pages."""

    serializer_class = TokenOutput
    pagination_class = None

    @extend_schema(
        parameters=[OpenApiParameter("within", str, description="How long it is good: 1h unless told, at most 7d.")],
        request=None,
        responses={201: TokenOutput},
    )
    def post(self, request: Request, user_id: str) -> Response:
        """Make a token with which a page may read this person's state; it says nothing by itself and is not stored."""
        until = clock.now() + _length(request.query_params.get("within", "1h"))
        made = {"token": state.token_for(user_id, until), "expires_at": until}
        return Response(TokenOutput(made).data, status=201)


def _length(text: str) -> Any:
    try:
        length = Duration.parse(text).longest
    except ValueError as error:
        raise refuse("?within", str(error)) from error
    if length > state.LONGEST:
        raise refuse("?within", "A token is good for at most 7 days.")
    return length
