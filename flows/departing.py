"""Contacts that were erased or merged: their journeys end, or go on as the winner's."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from flows import ledger
from flows.ledger import Counts, Ending
from flows.models import Enrollment
from flows.rows import select

ERASED, MERGED = "contact erased", "merged"


@dataclass(slots=True)
class _Journey:
    id: int
    flow_id: int
    entry_key: str
    contact_id: int
    entered_at: datetime


_GONE = """
SELECT id, merged_into_id, erased_at FROM contacts_contact
WHERE id = ANY(%s) AND (merged_into_id IS NOT NULL OR erased_at IS NOT NULL)
"""
_PAST = """
SELECT DISTINCT e.flow_id, c.merged_into_id FROM flows_enrollment e JOIN contacts_contact c ON c.id = e.contact_id
WHERE c.id = ANY(%s) AND e.status <> 'active'
"""


def depart(contacts: Collection[int], at: datetime, counts: Counts) -> set[int]:
    """Settle the journeys of those of these contacts who are gone; return whose winner is held by another batch."""
    gone = {pk: (winner, erased) for pk, winner, erased in select(_GONE, [list(contacts)])} if contacts else {}
    if not gone:
        return set()
    merged = {pk: winner for pk, (winner, erased) in gone.items() if winner is not None and erased is None}
    held = set(_hold(set(merged.values())))
    later = {pk for pk, winner in merged.items() if winner not in held}
    journeys = _journeys(({*gone} | set(merged.values())) - later)
    endings = [Ending(one.id, "exited", ERASED) for one in journeys if one.contact_id in gone.keys() - merged.keys()]
    moves = _merge(journeys, {pk: winner for pk, winner in merged.items() if pk not in later}, endings)
    ledger.end(endings, at, counts)
    select(_HAND_ON, [sorted(merged.keys() - later)])  # who waits to be asked again is asked as the winner (rule 19)
    flow_of = {one.id: one.flow_id for one in journeys}
    for winner, ids in moves.items():
        Enrollment.objects.filter(pk__in=ids).update(contact=winner)
        for pk in ids:
            counts.stood(flow_of[pk], winner)
    for flow, winner in select(_PAST, [sorted(merged.keys() - later)]):
        counts.stood(flow, winner)  # what the loser went through counts for the winner from now on
    return later


_HAND_ON = """
UPDATE flows_reentry r SET contact_id = c.merged_into_id FROM contacts_contact c
WHERE c.id = ANY(%s) AND r.contact_id = c.id RETURNING r.id
"""


def _hold(winners: Collection[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM contacts_contact WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
            [sorted(winners)],
        )
        return [row[0] for row in cursor.fetchall()]


def _journeys(contacts: Collection[int]) -> list[_Journey]:
    rows = Enrollment.objects.filter(contact__in=contacts, status=Enrollment.Status.ACTIVE).order_by("entered_at", "id")
    fields = ("id", "flow_id", "entry_key", "contact_id", "entered_at")
    return [_Journey(*row) for row in rows.select_for_update(no_key=True).values_list(*fields)]


def _merge(journeys: list[_Journey], merged: dict[int, int], endings: list[Ending]) -> dict[int, list[int]]:
    """Keep the older of two journeys in one flow (they come oldest first), and give the loser's to the winner."""
    taken: set[tuple[int, int, str]] = set()
    moves: dict[int, list[int]] = {}
    for one in journeys:
        winner = merged.get(one.contact_id)
        if winner is None and one.contact_id not in merged.values():
            continue
        place = (winner or one.contact_id, one.flow_id, one.entry_key)
        if place in taken:
            endings.append(Ending(one.id, "exited", MERGED))
        else:
            taken.add(place)
            if winner is not None:
                moves.setdefault(winner, []).append(one.id)
    return moves
