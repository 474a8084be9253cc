"""The API of the catalogue beyond its rows: what another type would do, joining, and what is known of an event."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import declaring, readers, retyping
from contacts.api import AttributeView, EventNameView
from contacts.models import Attribute, AttributeType
from contacts.properties import CUSTOM, fact_of
from contacts.usage import Usage, attribute_usage, look
from contacts.wire import ANYTHING, Strict, attribute_out, event_name_out
from workspace.api import actor_of
from workspace.problems import refuse

DAYS = 30


class RetypeInput(Strict):
    """The type an attribute is to have."""

    type = serializers.ChoiceField(choices=AttributeType.values)


class JoinInput(Strict):
    """The attribute that another is joined into, by its path."""

    into = serializers.CharField(max_length=145)


class AttributeRetypeView(AttributeView):
    """Another type for an attribute: seen, begun, followed and stopped here."""

    http_method_names = ["get", "post", "delete", "options"]

    @extend_schema(
        operation_id="attribute_retype_preview",
        parameters=[OpenApiParameter("type", str, required=True, enum=AttributeType.values)],
        responses=ANYTHING,
    )
    def get(self, request: Request, name: str) -> Response:
        """Say what a type would do: values that fit, are converted or match nothing, and who joins and leaves."""
        held, kind = self.held(name), request.query_params.get("type", "")
        if kind not in AttributeType.values:
            raise refuse("?type", f"Say the type: {', '.join(AttributeType.values)}.")
        return Response(retyping.preview(held, kind).as_json())

    @extend_schema(operation_id="attribute_retype", request=RetypeInput, responses={202: ANYTHING})
    def post(self, request: Request, name: str) -> Response:
        """Change the type; many values are converted by a worker, and the old type stands until all are."""
        held, kind = self.held(name), self.said(request, RetypeInput)["type"]
        return Response(state(declaring.change_attribute(held, actor=actor_of(request), type=kind)), status=202)

    @extend_schema(operation_id="attribute_retype_stop", responses=ANYTHING)
    def delete(self, request: Request, name: str) -> Response:
        """Stop a conversion under way; what it converted is put back."""
        held = self.held(name)
        if not declaring.stop_retyping(held, actor=actor_of(request)):
            raise refuse("type", "No values of this attribute are being converted.", 409)
        return Response(state(held))


class AttributeJoinView(AttributeView):
    """A duplicate on its way into the attribute it means."""

    http_method_names = ["post", "delete", "options"]

    @extend_schema(operation_id="attribute_join_stop", responses=ANYTHING)
    def delete(self, request: Request, name: str) -> Response:
        """Stop a joining under way; what went over stays there, and the name stands by itself again."""
        held = self.held(name)
        if not declaring.stop_joining(held, actor=actor_of(request)):
            raise refuse("into", "This attribute is not being joined into another.", 409)
        return Response(state(held))

    @extend_schema(operation_id="attribute_join", request=JoinInput, responses={202: ANYTHING})
    def post(self, request: Request, name: str) -> Response:
        """Join this attribute into another: newer values stand, and what arrives by its name is stored as that."""
        held, into = self.held(name), self.said(request, JoinInput)["into"]
        other = Attribute.objects.filter(name=into.removeprefix(CUSTOM)).first()
        if other is None:
            raise refuse("into", f"There is no attribute called “{into[:60]}”.")
        return Response(state(declaring.join_attribute(held, into=other, actor=actor_of(request))), status=202)


class AttributeUsageView(AttributeView):
    """How an attribute is used."""

    http_method_names = ["get", "options"]

    @extend_schema(operation_id="attribute_usage", responses=ANYTHING)
    def get(self, request: Request, name: str) -> Response:
        """Say how many contacts have it, when it was last said, and which segments and flows name it."""
        held, used = self.held(name), attribute_usage()
        usage = used.of.get(held.name, Usage())
        whole = {"contacts": usage.contacts, "last_said_at": usage.said_at, "estimated": used.estimated}
        named = readers.readers_of(fact_of(CUSTOM + held.name))
        return Response({**(whole if "." not in held.name else {}), "used_by": [one.as_json() for one in named]})


class EventUsageView(EventNameView):
    """What is known of an event name."""

    http_method_names = ["get", "options"]

    @extend_schema(operation_id="event_name_usage", responses=ANYTHING)
    def get(self, request: Request, name: str) -> Response:
        """Say how often it came on each of the last 30 days, what it carries with samples, and who names it."""
        held = self.held(name)
        named = readers.readers_of(f"event:{held.name}")
        return Response(
            {**event_name_out(held), **look(held, DAYS).as_json(), "used_by": [one.as_json() for one in named]}
        )


def state(held: Attribute) -> dict[str, Any]:
    """Return an attribute with how far its conversion is."""
    held.refresh_from_db()
    job = retyping.under_way(held)
    busy = {"type": job.request["type"], "done": job.done, "total": job.total} if job else None
    return {**attribute_out(held), "retyping": busy}
