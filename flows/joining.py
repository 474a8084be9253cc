"""Other doors than a fresh fact: members at activation, those asked again, and contacts enrolled by hand."""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import transaction

from flows import asking, audiences, locks
from flows.enrolling import Candidate, enrol
from flows.ledger import Counts
from flows.models import Flow
from flows.plans import Plan, plans_of
from flows.rows import select
from workspace import clock
from workspace.crash import crashpoint
from workspace.models import Job

_HOLD = "SELECT id FROM contacts_contact WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
_HOLD_FREE = f"{_HOLD} SKIP LOCKED"


def plan_members(flow: Flow, at: datetime) -> Job:
    """Note that the members of the trigger's segment at this instant are to be taken in."""
    plan = plans_of([flow.version_id or 0])[flow.version_id or 0]
    source = f"{flow.version_id}:{at.isoformat()}"
    return audiences.begin(flow, "activation", source, at, segment=plan.trigger.settings.segment)


_DUE = """
SELECT r.id, r.contact_id, r.flow_id FROM flows_flow f
CROSS JOIN LATERAL (
    SELECT * FROM flows_reentry WHERE flow_id = f.id AND due_at <= %s ORDER BY due_at LIMIT %s
) AS r WHERE f.status = 'running' LIMIT %s
"""
_AGAIN = """
SELECT r.id, r.flow_id, r.contact_id, r.entry_id, r.source_kind, r.entry_key, r.context, e.source_id, e.reason
FROM flows_reentry r JOIN flows_entry e ON e.id = r.entry_id
WHERE r.id = ANY(%s) AND r.contact_id = ANY(%s) AND r.due_at <= %s ORDER BY r.due_at, r.id
"""


def ask_again(limit: int = 1000) -> int:
    """Ask those again who were refused only for the gap, or while the flow was paused; return how many were asked."""
    due = select(_DUE, [clock.now(), limit, limit])
    if not due:
        return 0
    with transaction.atomic():
        locks.share({row[2] for row in due})
        held = [row[0] for row in select(_HOLD_FREE, [sorted({row[1] for row in due})])]
        at, counts = clock.now(), Counts()
        rows = select(_AGAIN, [[row[0] for row in due], held, at])
        enrol(_again(rows, at), at, counts)
        select("DELETE FROM flows_reentry WHERE id = ANY(%s) RETURNING id", [[row[0] for row in rows]])
        counts.write(at)
    crashpoint("after_entry_commit")
    return len(rows)


def _again(rows: list[tuple[Any, ...]], at: datetime) -> list[Candidate]:
    flows = dict(
        Flow.objects.filter(pk__in={row[1] for row in rows}, version__isnull=False).values_list("pk", "version_id")
    )
    plans = plans_of({version for version in flows.values() if version is not None})
    by_flow = {plan.flow_id: plan for plan in plans.values()}
    still = _still(rows, by_flow)
    return [
        Candidate(
            by_flow[flow],
            contact,
            "resume" if reason == "paused" else "still" if kind == "still" else "gap",
            str(entry),
            at,
            entry_key=key,
            context=json.loads(context) or (_event_context(int(source)) if kind == "event" else {}),
            still=(flow, contact) in still,
        )
        for _, flow, contact, entry, kind, key, context, source, reason in rows
        if flow in by_flow
    ]


def _event_context(event_id: int) -> dict[str, Any]:
    """Return what the event that came while the flow was paused carries."""
    found = select("SELECT id, at FROM contacts_event WHERE id = %s", [event_id])
    return next((asking.trigger_context(one) for one in asking.events(found).values()), {})


def _still(rows: list[tuple[Any, ...]], plans: dict[int, Plan]) -> set[tuple[int, int]]:
    """Return for whom the reason to start still stands: in (or out of) the trigger's segment or on its list now."""
    still: set[tuple[int, int]] = set()
    for flow, plan in plans.items():
        contacts = {row[2] for row in rows if row[1] == flow}
        trigger, kind = plan.trigger.settings, plan.trigger.kind
        if kind == "contact_segment":
            inside = asking.members(trigger.segment, contacts)
            contacts = inside if trigger.when == "enters" else contacts - inside
        elif kind in ("list_added", "list_removed"):
            listed = asking.listed(trigger.list, contacts)
            contacts = listed if kind == "list_added" else contacts - listed
        still |= {(flow, contact) for contact in contacts}
    return still


def by_hand(flow: Flow, contacts: Collection[int], kind: str = "manual") -> dict[int, str]:
    """Enrol these contacts at once, and return why those were refused who were."""
    source = uuid4().hex
    with transaction.atomic():
        locks.share([flow.pk])
        fresh = Flow.objects.get(pk=flow.pk)
        version = fresh.version_id or 0
        plan = plans_of([version])[version]
        wanted = sorted(set(contacts))
        select(_HOLD, [wanted])
        at, counts = clock.now(), Counts()
        enrol([Candidate(plan, one, kind, source, at) for one in wanted], at, counts)
        counts.write(at)
        refused = select(
            "SELECT contact_id, reason FROM flows_entry WHERE flow_id = %s AND contact_id = ANY(%s) AND source_kind = %s"
            " AND source_id = %s AND outcome = 'refused'",
            [flow.pk, wanted, kind, source],
        )
    crashpoint("after_entry_commit")
    return dict(refused)
