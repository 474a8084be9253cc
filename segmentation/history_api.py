"""The API of what was: moves, members at any past instant, frozen copies, overlap."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.services import find_contacts
from segmentation import history, services
from segmentation.api import ANYTHING, ByContact, ByInstant, Door, find, shown
from segmentation.history import Moves
from segmentation.models import Transition
from segmentation.overlap import MOST, Region, overlap
from segmentation.times import WRITE_A_TIME, read_moment
from segmentation.wire import MemberOutput, SegmentOutput, Strict, TransitionOutput
from workspace.api import actor_of
from workspace.filing import Filed
from workspace.origins import origins
from workspace.problems import refuse

AT = OpenApiParameter("at", datetime, description="An instant in the past; without it, now.")


def instant(request: Request, name: str) -> datetime | None:
    """Return the instant that a parameter names; refuse what is none."""
    text = request.query_params.get(name, "")
    if not text:
        return None
    try:
        moment = read_moment(text.replace(" ", "+") if "T" in text else text)  # a plus sign becomes a space in a query
    except ValueError as error:
        raise refuse(name, str(error)) from error
    if not isinstance(moment, datetime):
        raise refuse(name, WRITE_A_TIME)
    return moment


class MemberThen(serializers.ModelSerializer[Transition]):
    """Who was a member, and since when."""

    contact = serializers.CharField(source="contact.ref")
    user_id = serializers.CharField(source="contact.user_id", allow_null=True)
    email = serializers.CharField(source="contact.email")
    since = serializers.DateTimeField(source="at")

    class Meta:
        model = Transition
        fields = ["contact", "user_id", "email", "since"]


class HistoryView(Door):
    """Who was in it."""

    serializer_class = MemberThen
    pagination_class = ByContact

    @extend_schema(parameters=[AT], responses=MemberOutput(many=True))
    def get(self, request: Request, ref: str) -> Response:
        """List the members at an instant, in the order of their ids; `at` and `size` stand beside the results."""
        segment, at = find(ref), history.past(instant(request, "at"))
        page = self.paginate_queryset(history.entries_at(segment, at).select_related("contact")) or []
        answer = self.get_paginated_response(MemberThen(page, many=True).data)
        answer.data = {"at": at, "size": history.size_at(segment, at), **answer.data}
        return answer


class TransitionsView(Door):
    """Who came and who went."""

    serializer_class = TransitionOutput
    pagination_class = ByInstant

    @extend_schema(
        parameters=[
            OpenApiParameter("kind", str, enum=Transition.Kind.values),
            OpenApiParameter("cause", str, enum=Transition.Cause.values),
            OpenApiParameter("fires", bool, description="false: those of which no flow heard."),
            OpenApiParameter("contact", str, description="con_42, user:17, email:ana@example.com"),
            OpenApiParameter("since", datetime),
            OpenApiParameter("until", datetime),
        ],
        responses=TransitionOutput(many=True),
    )
    def get(self, request: Request, ref: str) -> Response:
        """List entries and exits with their causes, newest first."""
        page = self.paginate_queryset(asked(request).of(find(ref))) or []
        context = {"origins": origins(move.origin for move in page)}
        return self.get_paginated_response(TransitionOutput(page, many=True, context=context).data)


def asked(request: Request) -> Moves:
    """Read which transitions are asked for."""
    query = request.query_params
    return Moves(
        kind=_one_of("kind", query.get("kind", ""), Transition.Kind.values),
        cause=_one_of("cause", query.get("cause", ""), Transition.Cause.values),
        quiet={"": None, "true": False, "false": True}[_one_of("fires", query.get("fires", ""), ["true", "false"])],
        contact=_contact(query["contact"]) if query.get("contact") else None,
        since=instant(request, "since"),
        until=instant(request, "until"),
    )


def _one_of(name: str, value: str, choices: list[str]) -> str:
    if value and value not in choices:
        raise refuse(name, f"{name} is one of {', '.join(choices)}.")
    return value


def _contact(ref: str) -> int:
    found = find_contacts([ref])
    if ref not in found:
        raise refuse("contact", "There is no such contact.", 404)
    return found[ref].pk


class FreezeInput(Strict):
    """What to freeze."""

    at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="An instant in the past; without it, now."
    )
    name = serializers.CharField(required=False, allow_blank=True, max_length=120)


class FreezeView(Door):
    """A static copy."""

    serializer_class = FreezeInput
    write_permission = "segmentation.add_segment"

    @extend_schema(request=FreezeInput, responses={201: SegmentOutput, 202: Filed})
    def post(self, request: Request, ref: str) -> Response:
        """Make a static segment of who is in it now, or was at an instant; nothing fires.

        Of more than 50,000 a worker makes the copy: its `evaluation` says how far it is, `cancel/` stops it.
        """
        said = self.said(request)
        copy = services.freeze_segment(find(ref), at=said.get("at"), name=said.get("name", ""), actor=actor_of(request))
        return shown(copy.pk, status=201)


class OverlapView(Door):
    """How segments overlap."""

    serializer_class = SegmentOutput

    @extend_schema(parameters=[OpenApiParameter("segments", str, required=True)], responses=ANYTHING)
    def get(self, request: Request) -> Response:
        """Count the contacts of every combination of two to four segments: `?segments=vip,staff`."""
        refs = [ref.strip() for ref in request.query_params.get("segments", "").split(",") if ref.strip()]
        if len(refs) > MOST:
            raise refuse("segments", f"Name two to {MOST} different segments.")
        found = overlap([find(ref) for ref in refs])
        named = [{"id": one.ref, "slug": one.slug, "name": one.name} for one in found.segments]
        return Response({"segments": named, "any": found.any, "combinations": [region_out(x) for x in found.regions]})


def region_out(region: Region) -> dict[str, Any]:
    """Return one combination as it goes out."""
    return {"segments": [one.slug for one in region.inside], "all": region.all, "only": region.only}


class MuteView(Door):
    """Let nothing fire."""

    serializer_class = SegmentOutput

    @extend_schema(request=None, responses=SegmentOutput)
    def post(self, request: Request, ref: str) -> Response:
        """Mute the segment: its moves are written, and no flow hears of them."""
        return shown(services.mute_segment(find(ref), muted=True, actor=actor_of(request)).pk)


class UnmuteView(Door):
    """Let flows hear again."""

    serializer_class = SegmentOutput

    @extend_schema(request=None, responses=SegmentOutput)
    def post(self, request: Request, ref: str) -> Response:
        """Let flows hear of moves again; `missed` says how many they did not hear of."""
        segment = find(ref)
        missed = history.missed(segment)
        answer = shown(services.mute_segment(segment, muted=False, actor=actor_of(request)).pk)
        answer.data["missed"] = missed or {"entered": 0, "exited": 0}
        return answer


class UnarchiveView(Door):
    """Take back into use."""

    serializer_class = SegmentOutput

    @extend_schema(request=None, responses={200: SegmentOutput, 202: Filed})
    def post(self, request: Request, ref: str) -> Response:
        """Take the segment out of the archive; a dynamic one is evaluated afresh, which fires nothing."""
        return shown(services.unarchive_segment(find(ref), actor=actor_of(request)).pk)
