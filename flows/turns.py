"""Letting so many through in an interval: a queue in rows, one batch at a time, exact with any number of workers."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db import connection

from flows.rows import select

GATE_LOCK = 7_313  # class of the locks that let one batch at a time through a gate
KEPT = 2  # intervals for which those who passed are kept, so that it can be checked


class Arrival(Protocol):
    """Somebody who stands at a gate."""

    id: int
    visit: int
    planned_at: datetime


Gate = Mapping[str, Any]


def take(
    flow_id: int, node: str, limit: tuple[int, int], group: Sequence[Arrival], at: datetime
) -> dict[int, datetime]:
    """Return when each of these (by enrollment) has its turn: `at` for those let through now, which is noted.

    In any stretch of `seconds` no more than `most` pass, and nobody passes before somebody who came earlier and waits.
    """
    most, seconds = limit
    interval = timedelta(seconds=seconds)
    gate: Gate = {"flow": flow_id, "node": node, "at": at, "since": at - interval, "most": most, "seconds": seconds}
    _lock(flow_id, node)
    _queue(gate, group)
    passed = [row[0] for row in select(_PASSED, gate)]
    mine = [one.id for one in group]
    free = max(most - len(passed), 0)
    through = {row[0] for row in select(_HEAD, {**gate, "mine": mine, "free": free})} if free else set()
    _pass(gate, sorted(through & set(mine)))
    _hurry(gate, sorted(through - set(mine)))
    places: dict[int, int] = dict(select(_PLACES, {**gate, "mine": mine}))
    rest = [*sorted(passed), *[at] * len(through & set(mine))][-most:]
    return dict.fromkeys(through & set(mine), at) | {
        pk: _estimate(place, most - len(rest), rest, interval, most, at) for pk, place in places.items()
    }


def _lock(flow_id: int, node: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [GATE_LOCK, f"{flow_id}:{node}"])
        cursor.execute(_PURGE, [flow_id, node, KEPT])


_PURGE = """
DELETE FROM flows_turn WHERE flow_id = %s AND node = %s
    AND passed_at < tributary_now() - make_interval(secs => seconds * %s)
"""
_QUEUE = """
INSERT INTO flows_turn (flow_id, node, enrollment_id, visit, most, seconds)
SELECT %(flow)s, %(node)s, q.e, q.v, %(most)s, %(seconds)s
FROM jsonb_to_recordset(%(rows)s::jsonb) AS q(n int, e bigint, v int) ORDER BY q.n
ON CONFLICT (enrollment_id, visit) DO NOTHING
"""


def _queue(gate: Gate, group: Sequence[Arrival]) -> None:
    """Give those who have just come the next places, whoever was to come earlier first."""
    order = sorted(group, key=lambda one: (one.planned_at, one.id))
    rows = [{"n": n, "e": one.id, "v": one.visit} for n, one in enumerate(order)]
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE, {**gate, "rows": json.dumps(rows)})


_PASSED = "SELECT passed_at FROM flows_turn WHERE flow_id = %(flow)s AND node = %(node)s AND passed_at > %(since)s"
# Whoever left the flow, or stands elsewhere by now, keeps nobody waiting; those of this batch stand where they say.
_WAITING = """
FROM flows_turn t WHERE t.flow_id = %(flow)s AND t.node = %(node)s AND t.passed_at IS NULL
    AND (t.enrollment_id = ANY(%(mine)s) OR EXISTS (SELECT FROM flows_enrollment e WHERE e.id = t.enrollment_id
         AND e.status = 'active' AND e.node = t.node AND e.visit = t.visit))
"""
_HEAD = f"SELECT t.enrollment_id {_WAITING} ORDER BY t.id LIMIT %(free)s"
_PLACES = f"""
SELECT w.enrollment_id, w.place FROM (
    SELECT t.enrollment_id, row_number() OVER (ORDER BY t.id) - 1 AS place {_WAITING}
) w WHERE w.enrollment_id = ANY(%(mine)s)
"""  # noqa: S608 - constants
_LET = """
UPDATE flows_turn SET passed_at = %(at)s, most = %(most)s, seconds = %(seconds)s
WHERE flow_id = %(flow)s AND node = %(node)s AND passed_at IS NULL AND enrollment_id = ANY(%(ids)s)
"""
_HURRY = """
UPDATE flows_enrollment SET due_at = %(at)s WHERE due_at > %(at)s AND id IN (
    SELECT id FROM flows_enrollment WHERE id = ANY(%(ids)s) AND status = 'active' AND node = %(node)s
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)
"""


def _pass(gate: Gate, ids: list[int]) -> None:
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_LET, {**gate, "ids": ids})


def _hurry(gate: Gate, ids: list[int]) -> None:
    """Let those whose turn it is, and who are not here, come now: others left the queue before them."""
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_HURRY, {**gate, "ids": ids})


def _estimate(
    place: int, free: int, passed: Sequence[datetime], interval: timedelta, most: int, at: datetime
) -> datetime:
    """Return when somebody at this place of the queue (from 0) can pass: when so many of those who passed are old enough."""
    if place < free:
        return at + timedelta(seconds=1)  # somebody earlier is on the way here
    rounds, nth = divmod(place - free, most)
    base = passed[nth] if nth < len(passed) else at
    return base + interval * (rounds + 1)
