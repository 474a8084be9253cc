"""Merges: what a loser went through counts for the winner, who takes its place where it was put by hand."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.db import connection

from contacts.changes import READS_LOCK, NewChange, note
from segmentation import locks, moving
from segmentation.moving import Moved
from segmentation.sql import Sql
from workspace import clock

_PLACES = """
SELECT m.segment_id, s.slug, c.merged_into_id FROM segmentation_membership m
JOIN segmentation_segment s ON s.id = m.segment_id AND s.kind = 'static' AND s.archived_at IS NULL
JOIN contacts_contact c ON c.id = m.contact_id AND c.merged_into_id IS NOT NULL
WHERE m.contact_id = ANY(%s::bigint[])
"""
_STANDING = Sql(
    "SELECT a.key, a.contact_id FROM asked a JOIN contacts_contact c ON c.id = a.contact_id"
    " WHERE c.erased_at IS NULL AND c.merged_into_id IS NULL"
)
_PAST = """
SELECT DISTINCT c.merged_into_id, 'segment:' || s.slug FROM contacts_contact c
JOIN segmentation_transition t ON t.contact_id = c.id JOIN segmentation_segment s ON s.id = t.segment_id
WHERE c.id = ANY(%s::bigint[]) AND c.merged_into_id IS NOT NULL
"""


def take_places(losers: Collection[int]) -> list[Moved]:
    """Let winners into the static segments that their losers are put in; it fires nothing."""
    rows = _select(_PLACES, losers)
    if not rows:
        return []
    winners = locks.hold_contacts({winner for _, _, winner in rows}, wait=True)
    places: dict[int, list[int]] = defaultdict(list)
    for segment, _, winner in rows:
        places[segment].append(winner)
    asked = [(segment, number, "merged", "", False) for number, segment in enumerate(places)]
    batches = [sorted(set(those)) for those in places.values()]
    stages = moving.stages_of({segment: slug for segment, slug, _ in rows})
    return moving.move(moving.touched(asked, batches), _STANDING, winners, clock.now(), stages=stages)


def tell_past(losers: Collection[int]) -> None:
    """Have whoever asks about the segments that losers went through look at their winners; it fires nothing."""
    at = clock.now()
    past = _select(_PAST, losers)
    note([NewChange(winner, fact, "merged", at=at, fires=False) for winner, fact in past])


def facts_of_flows() -> list[str]:
    """Return what segments read of flows: any of it may count for a winner from now on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [READS_LOCK])
        cursor.execute("SELECT DISTINCT fact FROM contacts_read WHERE stage = 1 AND fact LIKE 'flow:%%'")
        return [row[0] for row in cursor.fetchall()]


def _select(statement: str, contacts: Collection[int]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [sorted(contacts)])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
