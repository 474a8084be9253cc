"""The API of one contact's segments: /api/v1/contacts/{id}/segments/."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api import find as find_contact
from segmentation.api import ANYTHING, Door
from segmentation.models import Membership, Transition
from workspace.api import NewestFirst
from workspace.origins import origins


class BySegment(NewestFirst):
    """Pages by the key of memberships."""

    ordering = "segment_id"


class ContactSegmentsView(Door):
    """Where a contact is."""

    pagination_class = BySegment

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """List the segments a contact is in: since when, why and, where that is known, by whose doing."""
        found = Membership.objects.filter(contact=find_contact(ref)).select_related("segment")
        page = self.paginate_queryset(found) or []
        return self.get_paginated_response(memberships_out(page))


def memberships_out(page: list[Membership]) -> list[dict[str, Any]]:
    """Return memberships of one contact as they go out, each with the move that it came about by."""
    moves = Transition.objects.filter(
        contact__in=[one.contact_id for one in page], segment__in=[one.segment_id for one in page]
    )
    came = {(one.segment_id, one.seq): one for one in moves}
    by = origins(one.origin for one in came.values())
    return [_out(one, came.get((one.segment_id, one.seq)), by) for one in page]


def _out(one: Membership, move: Transition | None, by: dict[str, Any]) -> dict[str, Any]:
    segment = one.segment
    named = by.get(move.origin) if move else None
    return {
        "segment": segment.ref,
        "slug": segment.slug,
        "name": segment.name,
        "kind": segment.kind,
        "archived": segment.archived_at is not None,
        "since": one.since,
        "cause": move.cause if move else None,
        "by": named.as_json() if named else None,
    }
