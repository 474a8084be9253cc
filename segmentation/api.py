"""The API of segments: /api/v1/segments/ and /api/v1/evaluations/."""

import re
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from segmentation import services
from segmentation.listing import with_state
from segmentation.models import Evaluation, Membership, Segment
from segmentation.named import members_of
from segmentation.sight import preview
from segmentation.wire import (
    ContactsInput,
    EvaluationOutput,
    MemberOutput,
    PreviewInput,
    SegmentChange,
    SegmentInput,
    SegmentOutput,
    changed,
    criteria_paths,
    segments_out,
)
from workspace import clock
from workspace.api import NewestFirst, actor_of
from workspace.door import Door as Shared
from workspace.filing import Filed
from workspace.problems import refuse
from workspace.tags import refuse_stale, tag

ID = re.compile(r"^(?:seg_)?([0-9]{1,18})$")
EDITING = 41_603  # the first half of the advisory lock under which the API changes a segment
ANYTHING = {"200": {"type": "object"}}


def find(ref: str) -> Segment:
    """Return the segment of an id (seg_7) or slug, or answer 404."""
    match = ID.match(ref)
    found = with_state(Segment.objects.select_related("rule"))
    segment = found.filter(pk=int(match[1])).first() if match else found.filter(slug=ref.replace("\x00", "")).first()
    if segment is None:
        raise Http404
    return segment


def shown(segment_id: int, status: int = 200) -> Response:
    """Answer a segment as it stands now."""
    segment = find(str(segment_id))
    body = segments_out([segment])[0]
    return Response(body, status=status, headers={"ETag": tag(changed(segment), body)})


class Door(Shared):
    """What the views of segments share."""

    write_permission = "segmentation.change_segment"
    queryset = Segment.objects.none()

    def said(self, request: Request) -> dict[str, Any]:
        """Return the checked body."""
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        checked: dict[str, Any] = form.validated_data
        return checked


class SegmentsView(Door):
    """All segments."""

    serializer_class = SegmentInput

    @extend_schema(
        parameters=[OpenApiParameter("q", str), OpenApiParameter("kind", str), OpenApiParameter("archived", bool)],
        responses=SegmentOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the segments, newest first; `q` searches, `kind` chooses, `archived=true` shows the archived."""
        page = self.paginate_queryset(self.asked(request.query_params))
        return self.get_paginated_response(segments_out(page or []))

    def asked(self, query: Any) -> QuerySet[Segment]:
        """Return what the query asks for."""
        found = with_state(Segment.objects.select_related("rule"))
        found = found.filter(archived_at__isnull=query.get("archived", "").lower() not in ("1", "true"))
        if kind := query.get("kind", "").lower():
            if kind not in Segment.Kind.values:
                raise refuse("kind", 'kind is "static" or "dynamic".')
            found = found.filter(kind=kind)
        q = query.get("q", "").replace("\x00", "")[:120]
        return found.filter(name__icontains=q) if q else found

    @extend_schema(request=SegmentInput, responses={201: SegmentOutput, 202: Filed})
    def post(self, request: Request) -> Response:
        """Make a segment; a dynamic one is evaluated afterwards, never waited for."""
        said = self.said(request)
        with criteria_paths():
            made = services.create_segment(actor=actor_of(request), **said)
        return shown(made.pk, status=201)


class SegmentView(Door):
    """One segment."""

    serializer_class = SegmentChange

    @extend_schema(responses=SegmentOutput)
    def get(self, request: Request, ref: str) -> Response:
        """Read a segment."""
        return shown(find(ref).pk)

    @extend_schema(request=SegmentChange, responses={200: SegmentOutput, 202: Filed})
    def patch(self, request: Request, ref: str) -> Response:
        """Change a segment; edited criteria are evaluated afterwards, and `fires` says what flows hear of it."""
        said = self.said(request)
        with transaction.atomic():
            segment = self.unchanged(request, ref)
            if "criteria" in said and segment.kind == Segment.Kind.STATIC:
                raise refuse("criteria", "A static segment has no criteria: its members are put there.")
            with criteria_paths():
                services.change_segment(segment, actor=actor_of(request), **said)
        return shown(segment.pk)

    @extend_schema(responses={204: None, 202: Filed})
    def delete(self, request: Request, ref: str) -> Response:
        """Delete a segment that nothing uses."""
        with transaction.atomic():
            services.delete_segment(self.unchanged(request, ref), actor=actor_of(request))
        return Response(status=204)

    def unchanged(self, request: Request, ref: str) -> Segment:
        """Return the segment unless it changed since the caller read it; one caller at a time."""
        pk = find(ref).pk
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [EDITING, pk % 2**31])
        segment = find(str(pk))
        refuse_stale(request, changed(segment), "segment")
        return segment


class PreviewView(Door):
    """Who matches a document."""

    serializer_class = PreviewInput
    write_scope = "read"

    @extend_schema(responses=ANYTHING)
    def post(self, request: Request) -> Response:
        """Count who matches the criteria now, with a sample and the criteria in words; nothing is stored."""
        with criteria_paths():
            said = self.said(request)
            return Response(preview(said["criteria"], at=clock.now(), exact=said["exact"]))


class RefreshView(Door):
    """Evaluate again."""

    serializer_class = SegmentOutput

    @extend_schema(request=None, responses={202: SegmentOutput})
    def post(self, request: Request, ref: str) -> Response:
        """Ask for a full evaluation; it happens afterwards."""
        segment = find(ref)
        services.refresh_segment(segment, actor=actor_of(request))
        return shown(segment.pk, status=202)


class CancelView(Door):
    """The end of an evaluation that runs."""

    serializer_class = SegmentOutput

    @extend_schema(request=None, responses=SegmentOutput)
    def post(self, request: Request, ref: str) -> Response:
        """Stop the evaluation that waits or runs, or the making of a static copy; members stay as they were before it."""
        segment = find(ref)
        if not services.cancel_evaluation(segment, actor=actor_of(request)):
            raise refuse("", "Nothing is being evaluated or copied here.", 409)
        return shown(segment.pk)


class DuplicateView(Door):
    """Make another."""

    serializer_class = SegmentOutput

    @extend_schema(request=None, responses={201: SegmentOutput, 202: Filed})
    def post(self, request: Request, ref: str) -> Response:
        """Make another segment of the same rules."""
        return shown(services.duplicate_segment(find(ref), actor=actor_of(request)).pk, status=201)


class ArchiveView(Door):
    """Put away."""

    serializer_class = SegmentOutput

    @extend_schema(request=None, responses={200: SegmentOutput, 202: Filed})
    def post(self, request: Request, ref: str) -> Response:
        """Archive the segment: it is no longer evaluated; its history stays."""
        segment = find(ref)
        services.archive_segment(segment, actor=actor_of(request))
        return shown(segment.pk)


class ByContact(NewestFirst):
    """Pages by the key of memberships."""

    ordering = "contact_id"


class ByInstant(NewestFirst):
    """Pages by instant, newest first."""

    ordering = ("-at", "-id")


class MembersView(Door):
    """Who is in it."""

    serializer_class = ContactsInput
    pagination_class = ByContact

    @extend_schema(responses=MemberOutput(many=True))
    def get(self, request: Request, ref: str) -> Response:
        """List the members, in the order of their ids."""
        found = Membership.objects.filter(segment=find(ref)).select_related("contact")
        return self.get_paginated_response(MemberOutput(self.paginate_queryset(found) or [], many=True).data)

    @extend_schema(request=ContactsInput, responses=ANYTHING)
    def post(self, request: Request, ref: str) -> Response:
        """Put contacts into a static segment."""
        segment = by_hand(ref)
        ids = members_of(self.said(request)["contacts"])
        added = services.add_members(segment, ids, cause="manual", actor=actor_of(request))
        return Response({"added": added, "size": services.size_of(segment.pk)})


class RemoveMembersView(Door):
    """Taking out."""

    serializer_class = ContactsInput

    @extend_schema(request=ContactsInput, responses=ANYTHING)
    def post(self, request: Request, ref: str) -> Response:
        """Take contacts out of a static segment."""
        segment = by_hand(ref)
        ids = members_of(self.said(request)["contacts"])
        removed = services.remove_members(segment, ids, cause="manual", actor=actor_of(request))
        return Response({"removed": removed, "size": services.size_of(segment.pk)})


def by_hand(ref: str) -> Segment:
    """Return a static segment; refuse a dynamic one."""
    segment = find(ref)
    if segment.kind == Segment.Kind.DYNAMIC:
        message = "This segment is dynamic: its members follow from its criteria alone. Change the criteria, or use a static segment."
        raise refuse("", message, 409)
    return segment


class EvaluationsView(Door):
    """Looks at segments."""

    serializer_class = EvaluationOutput
    pagination_class = NewestFirst

    @extend_schema(parameters=[OpenApiParameter("segment", str)], responses=EvaluationOutput(many=True))
    def get(self, request: Request) -> Response:
        """List evaluations, newest first; `segment` chooses one segment's."""
        found = Evaluation.objects.all()
        if ref := request.query_params.get("segment"):
            found = found.filter(segment=find(ref))
        return self.get_paginated_response(EvaluationOutput(self.paginate_queryset(found) or [], many=True).data)
