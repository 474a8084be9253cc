"""What segments add to the pages of contacts: the block on a contact's page, and the filter of lists."""

from typing import Any

from django.db.models import Q

from contacts.models import Contact
from contacts.panels import register, register_filter
from contacts.searching import selves
from segmentation.listing import tone_of
from segmentation.models import Membership, Transition
from segmentation.telling import because
from workspace.origins import origins

MOST = 30
FEW = 5


def segments_of(contact: Contact) -> tuple[str, dict[str, Any]]:
    """Return the segments a contact is in, and the moves that came last."""
    inside = Membership.objects.filter(contact=contact).select_related("segment").order_by("-since")
    shown = [
        {"segment": one.segment, "tone": tone_of(one.segment), "since": one.since}
        for one in inside[: MOST + 1]
        if one.segment.archived_at is None
    ]
    moves: list[Any] = list(
        Transition.objects.filter(contact__in=selves(contact)).select_related("segment").order_by("-at", "-id")[:FEW]
    )
    by = origins(move.origin for move in moves)
    for move in moves:
        move.because = because(move, by.get(move.origin))
    values = {"contact": contact, "inside": shown[:MOST], "more": len(shown) > MOST, "moves": moves}
    return "segmentation/_panel.html", values


def in_segment(ref: str) -> Q:
    """Return the filter `?segment=`: members of the segment of this slug or id."""
    number = ref.removeprefix("seg_")
    by_id = number.isascii() and number.isdigit() and len(number) < 18
    members = (
        Membership.objects.filter(segment_id=int(number)) if by_id else Membership.objects.filter(segment__slug=ref)
    )
    return Q(pk__in=members.values("contact_id"))


register("Segments", segments_of, order=10)
register_filter("segment", in_segment)
