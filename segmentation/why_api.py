"""The API of why: explanations, what an edit would do, what uses a segment."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.services import find_contact
from segmentation.api import ANYTHING, Door, find
from segmentation.difference import difference
from segmentation.explaining import Answer, Cause, Counted, Explanation, Turn, explain
from segmentation.models import Segment
from segmentation.telling import because, reason, turn_words
from segmentation.wire import CriteriaInput, SegmentOutput, criteria_paths
from workspace import clock
from workspace.api import NewestFirst
from workspace.models import Use
from workspace.problems import refuse
from workspace.uses import as_users


class ExplainView(Door):
    """Why somebody is in it."""

    serializer_class = SegmentOutput

    @extend_schema(parameters=[OpenApiParameter("contact", str, required=True)], responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """Say why a contact is in the segment or not, condition by condition, and when that will turn by itself."""
        segment, named = find(ref), request.query_params.get("contact", "")
        contact = find_contact(named) if named else None
        if contact is None:
            message = "There is no such contact." if named else "Name a contact: ?contact=con_42, user:17 or email:…"
            raise refuse("contact", message, 404 if named else 400)
        told = explanation_out(explain(segment, contact, clock.now()))
        return Response({"contact": contact.ref, **told})


def explanation_out(told: Explanation) -> dict[str, Any]:
    """Return an explanation as it goes out."""
    last = told.last
    return {
        "segment": told.segment.slug if told.segment else None,
        "at": told.at,
        "member": told.inside,
        "since": told.since,
        "holds": told.holds,
        "reason": reason(told.root) if told.root or not last else because(last, told.by),
        "tree": answer_out(told.root) if told.root else None,
        "turns": turn_out(told.turn) if told.turn else None,
        "last_transition": last_out(told) if last else None,
    }


def last_out(told: Explanation) -> dict[str, Any]:
    """Return how the contact came or went last, and by whose doing."""
    assert told.last is not None
    said = {name: getattr(told.last, name) for name in ("kind", "cause", "inner_cause", "at")}
    words = because(told.last, told.by)
    return {**said, "by": told.by.as_json() if told.by else None, "words": words}


def answer_out(one: Answer) -> dict[str, Any]:
    """Return the answer of a condition or group."""
    said = {"path": one.path, "type": one.kind, "negate": one.negate, "holds": one.holds, "words": one.words}
    if one.is_group:
        return {**said, "type": "GROUP", "operator": one.kind, "conditions": [answer_out(x) for x in one.parts]}
    nested = {"segment": explanation_out(one.nested)} if one.nested else {}
    return {
        **said,
        "found": one.found,
        "found_words": one.said,
        "events": [event_out(event) for event in one.events],
        "more_events": one.more,
        **({"by": one.by.as_json()} if one.by else {}),
        **nested,
    }


def event_out(event: Counted) -> dict[str, Any]:
    """Return an event that counts."""
    return {"id": event.id, "name": event.name, "at": event.at, "value": event.value}


def turn_out(turn: Turn) -> dict[str, Any]:
    """Return when and why the answer will turn."""
    return {
        "at": turn.at,
        "becomes": turn.becomes,
        "words": turn_words(turn),
        "because": [cause_out(cause) for cause in turn.causes],
    }


def cause_out(cause: Cause) -> dict[str, Any]:
    """Return what turns the answer."""
    event = event_out(cause.event) if cause.event else None
    return {"condition": cause.words, "becomes": cause.becomes, "event": event, "ages_out": cause.leaves}


class DiffView(Door):
    """What other criteria would do."""

    serializer_class = CriteriaInput
    write_scope = "read"

    @extend_schema(responses=ANYTHING)
    def post(self, request: Request, ref: str) -> Response:
        """Say who would join, leave and stay under other criteria, and which flows would fire; nothing is stored."""
        segment, said = find(ref), self.said(request)
        if segment.kind == Segment.Kind.STATIC:
            raise refuse("criteria", "A static segment has no criteria to compare with.", 409)
        with criteria_paths():
            return Response(difference(segment, said["criteria"], at=clock.now()).as_json())


class ByUser(NewestFirst):
    """Pages in the order of who uses it."""

    ordering = "user"


class UsedByView(Door):
    """What uses a segment."""

    serializer_class = SegmentOutput
    pagination_class = ByUser

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """List what names the segment; while something does, it cannot be deleted."""
        page = self.paginate_queryset(Use.objects.filter(used=f"segment:{find(ref).slug}")) or []
        return self.get_paginated_response([one.as_json() for one in as_users([one.user for one in page])])
