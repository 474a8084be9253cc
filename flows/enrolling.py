"""Deciding about many reasons to start at once, and writing the decisions: entries, enrollments, counts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from flows import asking, entry
from flows.asking import Answers
from flows.ledger import Counts
from flows.models import Flow
from flows.plans import Plan
from flows.rows import select

CEILING_LOCK = 7_311  # class of the locks that let one batch at a time count towards a ceiling
FRESH, BACKLOG = 0, 5


@dataclass(slots=True)
class Candidate:
    """One reason for one contact to start one flow."""

    plan: Plan
    contact_id: int
    source_kind: str
    source_id: str
    at: datetime
    fires: bool = True
    lane: int = FRESH
    entry_key: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    nth: int = 1
    absence: timedelta | None = None
    still: bool = True
    armed: bool = True  # whether the restart condition, now false, may yet become true

    @property
    def began_at(self) -> datetime:
        """Return the instant of the fact."""
        return self.at

    @property
    def number(self) -> int:
        """Return no enrollment: there is none yet."""
        return 0

    @property
    def source(self) -> tuple[int, int, str, str]:
        """Return what may be decided about once."""
        return self.plan.flow_id, self.contact_id, self.source_kind, self.source_id

    @property
    def place(self) -> tuple[int, int, str]:
        """Return what may be active once."""
        return self.plan.flow_id, self.contact_id, self.entry_key


@dataclass(slots=True)
class _Past:
    inside: set[tuple[int, int, str]] = field(default_factory=set)
    last_exit: dict[tuple[int, int, str], datetime] = field(default_factory=dict)
    recent: dict[tuple[int, int], int] = field(default_factory=dict)
    entered: dict[int, tuple[int, int]] = field(default_factory=dict)


def enrol(candidates: Sequence[Candidate], at: datetime, counts: Counts) -> int:
    """Decide about these candidates in their order and return how many entered; the caller holds their contacts."""
    candidates = _undecided(candidates)
    if not candidates:
        return 0
    contacts = sorted({one.contact_id for one in candidates})
    flows = Flow.objects.in_bulk({one.plan.flow_id for one in candidates})
    alive = asking.alive(contacts)
    answers = _answers(candidates, at)
    past = _past(candidates, contacts, at)
    rows = []
    for one in candidates:
        verdict = entry.judge(_facts(one, flows[one.plan.flow_id], one.contact_id in alive, answers, past, at))
        if verdict.enrolled:
            _enter(one, past)
            one.armed = one.plan.restart is None or not answers.holds(one.plan.restart, one)
        rows.append(_row(one, verdict))
    return _write(rows, at, counts)


def _undecided(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Leave out what was decided before, and repeats."""
    first = {one.source: one for one in reversed(candidates)}
    if not first:
        return []
    known = select(
        "SELECT flow_id, contact_id, source_kind, source_id FROM flows_entry JOIN "
        "jsonb_to_recordset(%s::jsonb) AS c(f bigint, c bigint, k text, s text)"
        " ON flow_id = f AND contact_id = c AND source_kind = k AND source_id = s",
        [json.dumps([{"f": f, "c": c, "k": k, "s": s} for f, c, k, s in first])],
    )
    decided = set(known)
    return [one for one in candidates if one.source not in decided and first[one.source] is one]


def _answers(candidates: Sequence[Candidate], at: datetime) -> Answers:
    asked: dict[int, list[Candidate]] = {}
    for one in candidates:
        for rule in (one.plan.filter, one.plan.restart, *(rule for rule, _ in one.plan.exits)):
            if rule is not None:
                asked.setdefault(rule, []).append(one)
    return asking.answers(asked, at)


def _past(candidates: Sequence[Candidate], contacts: list[int], at: datetime) -> _Past:
    past = _Past()
    flows = sorted({one.plan.flow_id for one in candidates})
    # What a contact went through before a merge is its past too.
    became: dict[int, int] = {one: one for one in contacts} | dict(select(_BECAME, [contacts]))
    ever = list(became)
    for flow, who, key, inside, last in select(_STANDING, [ever, flows]):
        place = flow, became[who], key
        if inside:
            past.inside.add(place)
        if last is not None:
            past.last_exit[place] = max(last, past.last_exit.get(place, last))
    for flow, who, count in select(_RECENT, [ever, flows, at - timedelta(hours=1)]):
        past.recent[flow, became[who]] = past.recent.get((flow, became[who]), 0) + count
    past.entered = _entered([one.plan for one in candidates], at)
    return past


_BECAME = "SELECT id, merged_into_id FROM contacts_contact WHERE merged_into_id = ANY(%s)"
_STANDING = """
SELECT flow_id, contact_id, entry_key, bool_or(status = 'active'), max(ended_at)
FROM flows_enrollment WHERE contact_id = ANY(%s) AND flow_id = ANY(%s) GROUP BY 1, 2, 3
"""
_RECENT = """
SELECT flow_id, contact_id, count(*) FROM flows_entry
WHERE contact_id = ANY(%s) AND flow_id = ANY(%s) AND outcome = 'enrolled' AND at > %s GROUP BY 1, 2
"""
_ENTERED = """
SELECT flow_id, coalesce(sum(count), 0)::bigint, coalesce(sum(count) FILTER (WHERE minute >= %s), 0)::bigint
FROM flows_tally WHERE flow_id = ANY(%s) AND what = 'entered' GROUP BY 1
"""


def _entered(plans: Iterable[Plan], at: datetime) -> dict[int, tuple[int, int]]:
    """Count who entered the flows that have a ceiling, one batch at a time."""
    limited = sorted({one.flow_id for one in plans if one.settings.ceilings.total or one.settings.ceilings.daily})
    if not limited:
        return {}
    with connection.cursor() as cursor:
        for flow_id in limited:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [CEILING_LOCK, flow_id])
    today = asking.today(at)
    return {flow: (total, day) for flow, total, day in select(_ENTERED, [today, limited])}


def _facts(one: Candidate, flow: Flow, alive: bool, answers: Answers, past: _Past, at: datetime) -> entry.Facts:
    settings, terms = one.plan.settings, one.plan.terms
    entered, today = past.entered.get(one.plan.flow_id, (0, 0))
    return entry.Facts(
        now=at,
        at=one.at,
        source=one.source_kind,
        status=flow.status,
        activated_at=flow.activated_at,
        starts_at=settings.starts_at,
        ends_at=settings.ends_at,
        alive=alive,
        fires=one.fires,
        max_age=terms.max_age,
        which=terms.which,
        nth=one.nth,
        absence=one.absence,
        least_absence=terms.least_absence,
        still=one.still,
        still_after=terms.still,
        inside=one.place in past.inside,
        last_exit=past.last_exit.get(one.place),
        reentry=terms.gap,
        filter_holds=one.plan.filter is None or answers.holds(one.plan.filter, one),
        exit_holds=any(answers.holds(rule, one) for rule, _ in one.plan.exits),
        recent=past.recent.get((one.plan.flow_id, one.contact_id), 0),
        entered=entered,
        entered_today=today,
        ceiling=settings.ceilings.total,
        daily_ceiling=settings.ceilings.daily,
    )


def _enter(one: Candidate, past: _Past) -> None:
    """Let the next candidates of the batch see that this one entered."""
    past.inside.add(one.place)
    flow, contact = one.plan.flow_id, one.contact_id
    past.recent[flow, contact] = past.recent.get((flow, contact), 0) + 1
    total, today = past.entered.get(flow, (0, 0))
    past.entered[flow] = (total + 1, today + 1)


def _lasts(one: Candidate) -> bool:
    """Tell whether the reason to start can still stand when the gap ends: that another flow ended is over by then.

    Asking again would let two flows that start each other go on for ever, once per gap.
    """
    return one.plan.trigger.kind != "flow_finished"


def _row(one: Candidate, verdict: entry.Verdict) -> dict[str, Any]:
    return {
        "f": one.plan.flow_id,
        "c": one.contact_id,
        "k": one.source_kind,
        "s": one.source_id,
        "v": one.plan.version_id,
        "e": one.entry_key,
        "o": "enrolled" if verdict.enrolled else "refused",
        "r": verdict.reason,
        "n": one.plan.trigger.key,
        "l": FRESH if one.lane == FRESH else BACKLOG,
        "x": dict(one.context) if verdict.enrolled or verdict.again_at else {},
        "g": verdict.again_at.isoformat() if verdict.again_at and _lasts(one) else None,
        "a": one.armed,
    }


_WRITE = """
WITH new AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(f bigint, c bigint, k text, s text, v bigint, e text, o text,
        r text, n text, l smallint, x jsonb, g timestamptz, a boolean)
), made AS (
    INSERT INTO flows_entry (flow_id, contact_id, source_kind, source_id, version_id, entry_key, outcome, reason, at)
    SELECT f, c, k, s, v, e, o, r, %(at)s FROM new
    ON CONFLICT (flow_id, contact_id, source_kind, source_id) DO NOTHING
    RETURNING id, flow_id, contact_id, source_kind, source_id
), decided AS (
    SELECT made.id AS entry_id, new.* FROM made
    JOIN new ON f = flow_id AND c = contact_id AND k = source_kind AND s = source_id
), again AS (
    INSERT INTO flows_reentry (flow_id, contact_id, entry_id, source_kind, entry_key, context, due_at)
    SELECT f, c, entry_id, k, e, x, g FROM decided WHERE g IS NOT NULL
)
INSERT INTO flows_enrollment (flow_id, version_id, contact_id, entry_id, entry_key, status, node, visit, lane, due_at,
    clock, waiting, restart_armed, attempts, context, entered_at, entered_on)
SELECT f, v, c, entry_id, e, 'active', n, 1, l, %(at)s, 'none', false, a, 0, x, %(at)s,
    (%(at)s::timestamptz AT TIME ZONE 'UTC')::date
FROM decided WHERE o = 'enrolled' ORDER BY entry_id
RETURNING flow_id, version_id, node, contact_id
"""


def _write(rows: list[dict[str, Any]], at: datetime, counts: Counts) -> int:
    entered = select(_WRITE, {"rows": json.dumps(rows), "at": at})
    for flow, version, node, contact in entered:
        counts.stood(flow, contact)
        counts.add(flow, version, "entered")
        counts.add(flow, version, "arrived", node)
    return len(entered)
