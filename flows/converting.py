"""Successes: the event that a flow hopes for, within its time of entering; once per journey, with its money."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from flows.plans import Plan
from flows.rows import select
from workspace.durations import Duration

Reason = tuple[int, int, datetime, Plan]  # contact, event, its instant, the plan that hopes for it


def fact_of(plan: Plan) -> str:
    """Return the fact that a flow hopes for; empty when it hopes for none."""
    hope = plan.settings.conversion
    return f"event:{hope.event}" if hope else ""


_CONVERT = """
WITH told AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb)
        AS r(flow bigint, contact bigint, event bigint, at timestamptz, since timestamptz, value text)
), made AS (
    INSERT INTO flows_conversion (enrollment_id, flow_id, version_id, contact_id, event_id, value, at)
    SELECT DISTINCT ON (e.id) e.id, e.flow_id, e.version_id, e.contact_id, r.event,
        CASE jsonb_typeof(v.properties -> r.value) WHEN 'number' THEN round((v.properties ->> r.value)::numeric, 4) ELSE 0 END,
        r.at
    FROM told r
    JOIN flows_enrollment e ON e.contact_id = r.contact AND e.flow_id = r.flow
        AND e.entered_at <= r.at AND e.entered_at >= r.since
    JOIN contacts_event v ON v.id = r.event AND v.at = r.at
    ORDER BY e.id, r.at, r.event
    ON CONFLICT (enrollment_id) DO NOTHING
    RETURNING enrollment_id, flow_id, version_id, value, at
), places AS (
    SELECT m.flow_id, m.version_id, m.value, '' AS node FROM made m
    UNION ALL
    SELECT m.flow_id, s.version_id, m.value, s.node FROM made m JOIN LATERAL (
        SELECT DISTINCT version_id, node FROM flows_step WHERE enrollment_id = m.enrollment_id AND at <= m.at
    ) s ON true
), counted AS (
    INSERT INTO flows_tally (flow_id, version_id, node, port, what, minute, count, value)
    SELECT flow_id, version_id, node, '', 'converted', date_trunc('minute', %(now)s::timestamptz), count(*), sum(value)
    FROM places GROUP BY 1, 2, 3
)
SELECT count(*) FROM made
"""


def convert(reasons: Iterable[Reason], now: datetime) -> int:
    """Note who reached what their flow hopes for; the journey counts for every node it had passed; return how many."""
    rows = [_row(*one) for one in reasons]
    if not rows:
        return 0
    made: int = select(_CONVERT, {"rows": json.dumps(rows), "now": now})[0][0]
    return made


def _row(contact: int, event: int, at: datetime, plan: Plan) -> dict[str, Any]:
    hope = plan.settings.conversion
    assert hope is not None
    since = Duration.parse(hope.within).before(at)
    return {
        "flow": plan.flow_id,
        "contact": contact,
        "event": event,
        "at": at.isoformat(),
        "since": since.isoformat(),
        "value": hope.value,
    }


def reasons(changes: Sequence[Any], plans: Iterable[Plan]) -> list[Reason]:
    """Return what of these Changes some of these flows hope for."""
    hoping: dict[str, list[Plan]] = {}
    for plan in plans:
        if fact := fact_of(plan):
            hoping.setdefault(fact, []).append(plan)
    return [(one.contact_id, one.ref, one.at, plan) for one in changes if one.ref for plan in hoping.get(one.fact, ())]
