"""Moving everybody who is due: claim contacts then enrollments, walk the batch, commit; a poison row stands alone."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, transaction

from flows import locks, poison
from flows.batch import Batch
from flows.plans import plans_of
from flows.rows import quick, select
from flows.walkers import BACKLOG, FRESH, WAITED, Walker
from workspace import clock
from workspace.crash import crashpoint

log = structlog.get_logger()

NOTHING: Mapping[str, Any] = {}
LANES, WEIGHTS = [FRESH, WAITED, BACKLOG], [1, 2, 4]  # of seven, fresh work gets four, waits two, masses one
WINDOW = 3  # looks at this many times the batch, so that several runners find work of their own
TRIES = 3  # of a batch that met a deadlock or a serialization failure
RETRIED = ("40001", "40P01")


Picked = tuple[int, int, int]  # enrollment, contact, flow


@dataclass(slots=True)
class Progress:
    """What a run did: enrollments looked at, steps made, whether messages were queued, which flows moved, how many were fresh."""

    handled: int = 0
    steps: int = 0
    spoke: bool = False
    flows: frozenset[int] = frozenset()
    fresh: int = 0

    def __add__(self, other: "Progress") -> "Progress":
        return Progress(
            self.handled + other.handled,
            self.steps + other.steps,
            self.spoke or other.spoke,
            self.flows | other.flows,
            self.fresh + other.fresh,
        )


def run(limit: int = 1000) -> int:
    """Move at most this many enrollments that are due, and return how many steps they made."""
    return advance(limit).steps


def advance(limit: int = 1000) -> Progress:
    """Do as `run` does, and tell more of it."""
    picked = _pick(limit * WINDOW)
    if not picked:
        return Progress()
    poison.settle(clock.now())
    suspected = poison.suspected()
    progress = Progress()
    fine = [one for one in picked if one[0] not in suspected]
    for first in range(0, len(fine), limit):
        progress = _in_hand(fine[first : first + limit], limit)
        if progress.handled:  # else others have these in hand: look further down
            break
    return progress + _try_suspects([one for one in picked if one[0] in suspected])


def _in_hand(picked: Sequence[Picked], limit: int) -> Progress:
    with poison.in_hand([one for one, _, _ in picked]):
        return _try(picked, limit)


def _try_suspects(picked: Sequence[Picked]) -> Progress:
    """Try those over whom a worker died: few together, or one alone."""
    chosen = set(poison.suspects([one for one, _, _ in picked])) if picked else set()
    if not chosen:
        return Progress()
    progress = _in_hand([one for one in picked if one[0] in chosen], len(chosen))
    poison.clear(sorted(chosen))
    return progress


_PICK = """
SELECT e.id, e.contact_id, e.flow_id
FROM (SELECT id FROM flows_flow WHERE status IN ('running', 'draining')) AS f
CROSS JOIN unnest(%(lanes)s::smallint[], %(weights)s::int[]) AS lane(n, weight)
CROSS JOIN LATERAL (
    SELECT id, contact_id, flow_id, row_number() OVER (ORDER BY due_at) AS turn FROM flows_enrollment
    WHERE flow_id = f.id AND lane = lane.n AND status = 'active' AND due_at <= %(at)s
    ORDER BY due_at LIMIT %(limit)s
) AS e
ORDER BY e.turn * lane.weight, lane.n LIMIT %(limit)s
"""


def _pick(limit: int) -> list[Picked]:
    """Choose what is due: a share for each lane, the flows in turn, the oldest first."""
    rows = select(_PICK, {"lanes": LANES, "weights": WEIGHTS, "at": clock.now(), "limit": limit})
    return [(enrollment, contact, flow) for enrollment, contact, flow in rows]


def _try(picked: Sequence[Picked], limit: int, tries: int = TRIES) -> Progress:
    """Move a batch; halve it when it fails, until the row that makes it fail stands alone."""
    taken: list[Picked] = []
    try:
        return _transaction(picked, limit, taken)
    except (OperationalError, InterfaceError) as error:
        if getattr(error.__cause__, "sqlstate", None) in RETRIED and tries > 1:
            return _try(picked, limit, tries - 1)
        raise
    except Exception as error:
        if len(taken) > 1:
            half = len(taken) // 2
            return _try(taken[:half], half) + _try(taken[half:], len(taken) - half)
        if not taken:
            raise
        return _alone(taken, error)


def _transaction(picked: Sequence[Picked], limit: int, taken: list[Picked]) -> Progress:
    with transaction.atomic():
        walkers, at = _claim(picked, limit)
        taken += [(one.id, one.contact_id, one.flow_id) for one in walkers]
        fresh = sum(one.lane == FRESH for one in walkers)
        batch = Batch(at)
        steps = batch.walk(walkers) if walkers else 0
    crashpoint("after_step_commit")
    return Progress(len(walkers), steps, batch.spoke, frozenset(one.flow_id for one in walkers), fresh)


def _alone(taken: Sequence[Picked], error: Exception) -> Progress:
    """Let the one row that made its batch fail go as far as it comes, and note the failed try."""
    try:
        with transaction.atomic():
            walkers, at = _claim(taken, 1)
            batch = Batch(at)
            for one in walkers:
                batch.walk_alone(one)
    except OperationalError:
        raise
    except Exception as second:
        log.warning("enrollment.write_failed", enrollment=taken[0][0], error=repr(error))
        return _note_failure(taken, second)
    return Progress(len(walkers), len(batch.steps), batch.spoke, frozenset(one.flow_id for one in walkers))


def _note_failure(taken: Sequence[Picked], error: Exception) -> Progress:
    """Note the failed try of a row of which nothing else can be written."""
    with transaction.atomic():
        walkers, at = _claim(taken, 1)
        batch = Batch(at)
        for one in walkers:
            batch.fail(one, error)
        batch.write()
    return Progress(len(walkers))


_CONTACTS = """
SELECT id FROM contacts_contact WHERE id = ANY(%s) ORDER BY id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""
_COLUMNS = """id, flow_id, version_id, contact_id, node, visit, lane, due_at, waiting, attempts, context, entered_on,
    entered_at, until_at, wake_on"""
_ENROLLMENTS = f"""
SELECT {_COLUMNS} FROM flows_enrollment
WHERE id = ANY(%s) AND contact_id = ANY(%s) AND flow_id = ANY(%s) AND status = 'active' AND due_at <= %s
ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""  # noqa: S608 - constants
_MOVING = "SELECT id FROM flows_flow WHERE id = ANY(%s::bigint[]) AND status IN ('running', 'draining')"


def _claim(picked: Sequence[Picked], limit: int) -> tuple[list[Walker], datetime]:
    """Take flows, then contacts, then enrollments, leaving out what others hold; the instant is read after that."""
    held = locks.try_share({flow for _, _, flow in picked})
    flows = [row[0] for row in quick(_MOVING, [held])]
    wanted = {contact for _, contact, flow in picked if flow in flows}
    contacts = [row[0] for row in select(_CONTACTS, [sorted(wanted), limit])]
    at, held_now = clock.now(), set(contacts)
    ids = [enrollment for enrollment, contact, _ in picked if contact in held_now]
    return _walkers(select(_ENROLLMENTS, [ids, contacts, flows, at])), at


def _walkers(rows: Collection[tuple[Any, ...]]) -> list[Walker]:
    plans = plans_of({row[2] for row in rows})
    return [
        Walker(
            id=pk,
            flow_id=flow,
            plan=plans[version],
            contact_id=contact,
            node=node,
            visit=visit,
            lane=lane,
            planned_at=due,
            waiting=waiting,
            attempts=attempts,
            context=json.loads(context) if context != "{}" else NOTHING,
            entered_on=entered_on,
            began_at=entered_at,
            until=until,
            woken=woken,
        )
        for pk, flow, version, contact, node, visit, lane, due, waiting, attempts, context, entered_on, entered_at,
        until, woken in rows
    ]  # fmt: skip
