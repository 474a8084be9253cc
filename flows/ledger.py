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
from flows.models import Flow
from messaging.services import withdraw

TallyKey = tuple[int, int, str, str, str]  # flow, version, node, port, what


class Counts:
    """Deltas of a batch, written once."""

    def __init__(self) -> None:
        self._deltas: Counter[TallyKey] = Counter()
        self._stood: set[tuple[int, int]] = set()

    def add(self, flow: int, version: int, what: str, node: str = "", port: str = "", count: int = 1) -> None:
        """Count something."""
        self._deltas[flow, version, node, port, what] += count

    def stood(self, flow: int, contact: int) -> None:
        """Note that a contact has come into a flow or gone out of it: criteria may ask for it."""
        self._stood.add((flow, contact))

    def write(self, at: datetime) -> None:
        """Insert the deltas, and the Changes of those who came or went."""
        rows = [
            {"f": f, "v": v, "n": n, "p": p, "w": w, "c": count}
            for (f, v, n, p, w), count in self._deltas.items()
            if count
        ]
        if rows:
            with connection.cursor() as cursor:
                cursor.execute(_TALLY, [at, json.dumps(rows)])
        self._deltas.clear()
        note_standing(self._stood, at)
        self._stood.clear()


_TALLY = """
INSERT INTO flows_tally (flow_id, version_id, node, port, what, minute, count)
SELECT f, v, n, p, w, date_trunc('minute', %s::timestamptz), c
FROM jsonb_to_recordset(%s::jsonb) AS d(f bigint, v bigint, n text, p text, w text, c bigint)
"""


def note_standing(stood: Collection[tuple[int, int]], at: datetime) -> None:
    """Write a Change for everybody (flow, contact) who came into a flow or went out of it, where somebody reads that."""
    if not stood:
        return
    slugs = dict(Flow.objects.filter(pk__in={flow for flow, _ in stood}).values_list("pk", "slug"))
    changes.note(
        [NewChange(contact, f"flow:{slugs[flow]}", "flow", at=at) for flow, contact in sorted(stood) if flow in slugs]
    )


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
    wake_on = m.wake, status = m.status, reason = m.reason, error = m.error, attempts = m.attempts, ended_at = m.ended,
    context = coalesce(m.context, e.context)
FROM jsonb_to_recordset(%s::jsonb) AS m(id bigint, node text, visit int, due timestamptz, clock text, waiting boolean,
     parked text, wake text, status text, reason text, error text, attempts smallint, ended timestamptz, context jsonb)
WHERE e.id = m.id
"""


def write_moves(rows: list[dict[str, Any]]) -> None:
    """Write where everybody stands now, in one statement."""
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_MOVE, [json.dumps(rows)])


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
    for _, flow, version, node, status, contact in ended:
        counts.stood(flow, contact)
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
