"""Taking transitions up for a destination: each once a round, none lost though ids commit out of their order.

A transition's id is drawn before its transaction commits, so one with a lower id may appear after one with a higher.
The cursor therefore never simply follows the newest id. It goes to a mark (an id that was seen, and a transaction begun
afterwards) only once every transaction older than that one has ended; above the cursor lines tell what was taken up.
Whoever writes transitions holds a transaction id before drawing theirs: contacts are locked and memberships written first.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from segmentation.models import Delivery, Destination
from workspace.crash import crashpoint

AHEAD = 20  # deliveries prepared at most; the rest of a backlog stands in the transitions themselves

# (round, transition) pairs that are done are told by lines; a replay takes up what is at or after its instant, and
# what had not been taken up at all when it began.
FRESH = """
SELECT t.id FROM segmentation_transition t
WHERE t.segment_id = %(segment)s AND t.id > %(cursor)s AND t.kind = ANY(%(kinds)s)
  AND (t.at >= %(since)s::timestamptz OR t.id > %(floor)s)
  AND NOT EXISTS (
      SELECT FROM segmentation_line l WHERE l.destination_id = %(destination)s AND l.transition_id = t.id
        AND (l.round = %(round)s OR t.at < %(since)s::timestamptz))
ORDER BY t.id LIMIT %(limit)s
"""
TAKE_UP = """
INSERT INTO segmentation_line (destination_id, round, transition_id, delivery_id)
SELECT %s, %s, v.transition, v.delivery FROM unnest(%s::bigint[], %s::bigint[]) AS v(transition, delivery)
ON CONFLICT (destination_id, transition_id, round) DO NOTHING
"""
FORGET_KNOWN = """
DELETE FROM segmentation_line l USING segmentation_destination d
WHERE l.destination_id = d.id AND l.delivery_id IS NULL AND l.transition_id <= d.cursor
"""
FORGET = """
WITH old AS MATERIALIZED (
    SELECT v.id FROM segmentation_delivery v JOIN segmentation_destination d ON d.id = v.destination_id
    WHERE v.status IN ('delivered', 'cancelled') AND v.settled_at < %s AND v.file = ''
      AND NOT EXISTS (SELECT FROM segmentation_line l WHERE l.delivery_id = v.id AND l.transition_id > d.cursor)
    ORDER BY v.id LIMIT 5000
), gone AS (DELETE FROM segmentation_line l USING old WHERE l.delivery_id = old.id)
, handed AS (DELETE FROM segmentation_handed h USING old WHERE h.delivery_id = old.id)
DELETE FROM segmentation_delivery v USING old WHERE v.id = old.id
"""
KINDS = {"both": ["entered", "exited"], "entries": ["entered"], "exits": ["exited"]}


@dataclass(frozen=True, slots=True)
class Head:
    """The newest transition seen, and a transaction that began after it was seen."""

    id: int
    xid: int


def see_head() -> Head:
    """Look at the newest id first and draw the transaction afterwards, in one of its own."""
    head = _one("SELECT coalesce(max(id), 0) FROM segmentation_transition")
    return Head(head, _one("SELECT pg_current_xact_id()::text::bigint"))


def gather(destination_id: int, token: uuid.UUID) -> int:
    """Make deliveries of the transitions that have not been taken up; return how many transitions they carry."""
    head = see_head()
    with transaction.atomic():
        held = Destination.objects.select_for_update(no_key=True).filter(pk=destination_id, token=token).first()
        if held is None or held.status != Destination.Status.RUNNING or held.kind != Destination.Kind.WEBHOOK:
            return 0
        waiting = held.deliveries.filter(status__in=("queued", "calling"), kind=Delivery.Kind.CHANGED)[:AHEAD].count()
        limit = (AHEAD - waiting) * held.batch_size
        if limit <= 0:
            return 0
        ended = held.mark_xid is not None and _oldest_running() >= held.mark_xid  # asked before looking again
        ids = _fresh(held, limit)
        _take_up(held, ids)
        crashpoint("sync_after_gather")
        _move(held, ended, head, ids[-1] if len(ids) == limit else None)
    return len(ids)


def take_into(held: Destination, delivery: Delivery, head: Head, limit: int) -> int:
    """Give one delivery of a destination that is held what has not been taken up, and return how many transitions."""
    ended = held.mark_xid is not None and _oldest_running() >= held.mark_xid  # asked before looking again
    ids = _fresh(held, limit)
    _write_lines(held, ids, [delivery.pk] * len(ids))
    crashpoint("sync_after_gather")
    _move(held, ended, head, ids[-1] if len(ids) == limit else None)
    return len(ids)


def _move(held: Destination, ended: bool, head: Head, last: int | None) -> None:
    """Bring the cursor to a mark behind which nothing can appear any more, and set the next mark."""
    if ended and held.mark is not None and (last is None or last >= held.mark):
        held.cursor, held.mark, held.mark_xid = held.mark, None, None
    reach = head.id if last is None else min(head.id, last)
    if held.mark is None and reach > held.cursor:
        held.mark, held.mark_xid = reach, head.xid
    held.save(update_fields=["cursor", "mark", "mark_xid"])


def _oldest_running() -> int:
    return _one("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


def _fresh(held: Destination, limit: int) -> list[int]:
    asked = {
        "segment": held.segment_id,
        "destination": held.pk,
        "round": held.round,
        "cursor": held.cursor,
        "floor": held.floor,
        "since": held.since or "-infinity",
        "kinds": KINDS[held.what],
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(FRESH, asked)
        return [row[0] for row in cursor.fetchall()]


def _take_up(held: Destination, ids: Sequence[int]) -> None:
    """Write the deliveries of these transitions, and a line for each."""
    if not ids:
        return
    chunks = [ids[start : start + held.batch_size] for start in range(0, len(ids), held.batch_size)]
    made = Delivery.objects.bulk_create(
        [
            Delivery(destination=held, key=new_key(), kind=Delivery.Kind.CHANGED, round=held.round, size=len(chunk))
            for chunk in chunks
        ]
    )
    _write_lines(held, ids, [delivery.pk for delivery, chunk in zip(made, chunks, strict=True) for _ in chunk])


def _write_lines(held: Destination, ids: Sequence[int], owners: Sequence[int]) -> None:
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(TAKE_UP, [held.pk, held.round, list(ids), list(owners)])


def new_key() -> str:
    """Return a webhook-id: unique, and the same in every try."""
    return f"msg_{uuid.uuid4().hex}"


def forget(before: datetime) -> int:
    """Drop the log of what was delivered or cancelled long ago, and lines behind the cursor that no delivery has."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET_KNOWN)
        cursor.execute(FORGET, [before])
        return int(cursor.rowcount)


def _one(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])
