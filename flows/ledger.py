"""Writing what the engine decided: a handful of statements for any number of contacts."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from contacts import changes
from contacts.changes import NewChange
from flows.plans import plans_of
from flows.rows import quick
from messaging.services import withdraw
from workspace.durations import Duration

TallyKey = tuple[int, int, str, str, str]  # flow, version, node, port, what


class Counts:
    """Deltas of a batch, written once."""

    def __init__(self) -> None:
        self._deltas: Counter[TallyKey] = Counter()
        self._stood: set[tuple[int, int]] = set()
        self._finished: list[tuple[int, int, int]] = []

    def add(self, flow: int, version: int, what: str, node: str = "", port: str = "", count: int = 1) -> None:
        """Count something."""
        self._deltas[flow, version, node, port, what] += count

    def stood(self, flow: int, contact: int) -> None:
        """Note that a contact has come into a flow or gone out of it: criteria may ask for it."""
        self._stood.add((flow, contact))

    def finished(self, flow: int, contact: int, enrollment: int) -> None:
        """Note that a journey has ended: other flows may start by it, and who is still in may enter again."""
        self._stood.add((flow, contact))
        self._finished.append((flow, contact, enrollment))

    def write(self, at: datetime) -> None:
        """Insert the deltas, and the Changes of those who came or went."""
        rows = [
            {"f": f, "v": v, "n": n, "p": p, "w": w, "c": count}
            for (f, v, n, p, w), count in self._deltas.items()
            if count
        ]
        if rows:
            quick(_TALLY, [at, json.dumps(rows)])
        self._deltas.clear()
        note_standing(self._stood, at, self._finished)
        self._stood.clear()
        self._finished.clear()


_TALLY = """
INSERT INTO flows_tally (flow_id, version_id, node, port, what, minute, count)
SELECT f, v, n, p, w, date_trunc('minute', %s::timestamptz), c
FROM jsonb_to_recordset(%s::jsonb) AS d(f bigint, v bigint, n text, p text, w text, c bigint)
"""


_STOOD = "SELECT id, slug, version_id, status FROM flows_flow WHERE id = ANY(%s::bigint[])"


def note_standing(
    stood: Collection[tuple[int, int]], at: datetime, finished: Collection[tuple[int, int, int]] = ()
) -> None:
    """Write a Change for everybody (flow, contact) who came into a flow or went out of it, where somebody reads that.

    `finished` (flow, contact, enrollment) are journeys that have ended.
    """
    if not stood:
        return
    rows = quick(_STOOD, [{flow for flow, _ in stood}])
    slugs = {pk: slug for pk, slug, _, _ in rows}
    read = changes.read_facts({f"{what}:{slug}" for slug in slugs.values() for what in ("flow", "finished")})
    came = [(flow, contact) for flow, contact in sorted(stood) if f"flow:{slugs.get(flow)}" in read]
    went = [one for one in finished if f"finished:{slugs.get(one[0])}" in read]
    told = [NewChange(contact, f"flow:{slugs[flow]}", "flow", at=at) for flow, contact in came]
    told += [NewChange(contact, f"finished:{slugs[flow]}", "flow", pk, at=at) for flow, contact, pk in went]
    changes.note(told, read=read)
    open_now = {pk: version for pk, _, version, status in rows if version and status in ("running", "paused")}
    _ask_who_is_still_in(open_now, finished)


_STILL_IN = """
INSERT INTO flows_reentry (flow_id, contact_id, entry_id, source_kind, entry_key, context, due_at)
SELECT e.flow_id, e.contact_id, e.entry_id, 'still', e.entry_key, '{}', e.ended_at + f.delay::interval
FROM jsonb_to_recordset(%s::jsonb) AS f(flow bigint, delay text)
JOIN flows_enrollment e ON e.flow_id = f.flow AND e.id = ANY(%s)
WHERE e.status IN ('completed', 'exited', 'failed') AND e.entry_id IS NOT NULL
ON CONFLICT DO NOTHING
"""


def _ask_who_is_still_in(versions: Mapping[int, int], finished: Collection[tuple[int, int, int]]) -> None:
    """Note when to ask again who is still in the segment, where the trigger says so (rule 19)."""
    ended = {flow for flow, _, _ in finished}
    plans = plans_of({version for flow, version in versions.items() if flow in ended})
    delays = [{"flow": one.flow_id, "delay": _interval(one.terms.still)} for one in plans.values() if one.terms.still]
    if delays:
        with connection.cursor() as cursor:
            cursor.execute(_STILL_IN, [json.dumps(delays), [enrollment for _, _, enrollment in finished]])


def _interval(delay: Duration) -> str:
    """Write a delay as PostgreSQL reads it: days and weeks as hours, because they are lengths (rule 4)."""
    hours = {"d": 24, "w": 168}.get(delay.unit)
    if hours:
        return f"{delay.count * hours} hours"
    return f"{delay.count} { {'s': 'seconds', 'm': 'minutes', 'h': 'hours', 'mo': 'months', 'y': 'years'}[delay.unit] }"


STEP_COLUMNS = "enrollment_id, visit, entered_on, flow_id, version_id, contact_id, node, kind, port, next, saw, at"
StepRow = tuple[Any, ...]


def write_steps(rows: Iterable[StepRow]) -> None:
    """Copy steps into their table."""
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY flows_step ({STEP_COLUMNS}) FROM STDIN") as copy,
    ):
        copy.write("".join(_line(row) for row in rows))


def _line(row: StepRow) -> str:
    """Write a step as COPY reads it; nobody but us writes what stands in it, and JSON escapes what needs it."""
    line = "\t".join(map(str, row))
    return line.replace("\\", "\\\\") + "\n" if "\\" in line else line + "\n"


_MOVE = """
UPDATE flows_enrollment AS e
SET node = m.node, visit = m.visit, due_at = m.due, clock = m.clock, waiting = m.waiting, parked = m.parked,
    wake_on = m.wake, until_at = m.until, lane = coalesce(m.lane, e.lane), status = m.status, reason = m.reason, error = m.error, attempts = m.attempts, ended_at = m.ended,
    context = coalesce(m.context, e.context)
FROM jsonb_to_recordset(%s::jsonb) AS m(id bigint, node text, visit int, due timestamptz, clock text, waiting boolean,
     parked text, wake text, until timestamptz, lane smallint, status text, reason text, error text, attempts smallint, ended timestamptz, context jsonb)
WHERE e.id = m.id
"""


def write_moves(rows: list[dict[str, Any]]) -> None:
    """Write where everybody stands now, in one statement."""
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_MOVE, [json.dumps(rows)])


def placed(enrollment: int, node: str, visit: int, at: datetime, *, wake_on: str = "") -> dict[str, Any]:
    """Return the row of write_moves that puts an active enrollment at a node, due now."""
    return {
        "id": enrollment, "node": node, "visit": visit, "due": at.isoformat(), "clock": "none", "waiting": False,
        "parked": "", "wake": wake_on, "status": "active", "reason": "", "error": "", "attempts": 0,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ending:
    """One enrollment to be ended: how and why."""

    enrollment_id: int
    status: str
    reason: str


_END = """
UPDATE flows_enrollment AS e
SET status = m.status, reason = m.reason, due_at = NULL, parked = '', wake_on = '', waiting = false, ended_at = %s
FROM jsonb_to_recordset(%s::jsonb) AS m(id bigint, status text, reason text)
WHERE e.id = m.id AND e.status = 'active'
RETURNING e.id, e.flow_id, e.version_id, e.node, e.status, e.contact_id
"""


def end(endings: Collection[Ending], at: datetime, counts: Counts, messages: bool = True) -> list[int]:
    """End enrollments whose contacts the caller holds, withdraw what they have not yet said, and return which ended."""
    if not endings:
        return []
    rows = [{"id": one.enrollment_id, "status": one.status, "reason": one.reason[:200]} for one in endings]
    with connection.cursor() as cursor:
        cursor.execute(_END, [at, json.dumps(rows)])
        ended = cursor.fetchall()
    for pk, flow, version, node, status, contact in ended:
        counts.finished(flow, contact, pk)
        counts.add(flow, version, status)
        counts.add(flow, version, "left", node, status)
    if messages:
        reasons = {one.enrollment_id: one.reason for one in endings}
        _withdraw({row[0]: reasons[row[0]] for row in ended})
    return [row[0] for row in ended]


def _withdraw(reasons: Mapping[int, str]) -> None:
    by_reason: dict[str, list[str]] = {}
    for enrollment_id, reason in reasons.items():
        by_reason.setdefault(reason, []).append(f"e:{enrollment_id}")
    for reason, threads in by_reason.items():
        withdraw(threads, gate="exited", reason=f"The contact left the flow: {reason}.")
