"""For whom a date of their own has come: one statement over an index range, whatever the number of contacts."""

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from contacts.models import Attribute
from contacts.properties import CUSTOM
from flows import asking
from flows.enrolling import BACKLOG, FRESH, Candidate
from flows.nodes.triggers.times import CREATED
from flows.plans import Plan
from flows.rows import select
from workspace.durations import Duration

MANY = 1000  # so many at once wait behind fresh facts
ELAPSED = {"s": "seconds", "m": "minutes", "h": "hours"}
STEPS = {"d": "days", "w": "weeks", "mo": "months", "y": "years"}
SLACK = "5 days"  # zones, times of day and months of unequal length lie within
OLDEST = 130  # years

# Where the dates stand: attributes have theirs in a table of moments; when a contact was made stands on its row.
_OWN = "SELECT m.contact_id, m.instant FROM contacts_moment m WHERE m.attribute = %(attribute)s AND m.instant"
_MADE = "SELECT m.id AS contact_id, m.created_at AS instant FROM contacts_contact m WHERE m.created_at"
_RANGE = """ BETWEEN %(since)s::timestamptz - %(shift)s::interval - make_interval(years => y.n) - %(slack)s::interval
    AND %(until)s::timestamptz - %(shift)s::interval - make_interval(years => y.n) + %(slack)s::interval"""

_LOCAL = {  # what the date means where the contact lives
    "day": "date_trunc('day', d.instant AT TIME ZONE 'UTC')",
    "instant": "(d.instant AT TIME ZONE z.zone)",
}
_DUE = {
    # at a time of day, of a day so long before or after
    "day": "tributary_instant(date_trunc('day', {local} + make_interval(years => y.n) + %(step)s::interval) + %(time)s::interval,"
    " z.zone) + %(elapsed)s::interval",
    # at the instant itself, or so long before or after
    "instant": "tributary_instant({local} + make_interval(years => y.n) + %(step)s::interval, z.zone) + %(elapsed)s::interval",
    # at the very instant, where no calendar is needed
    "plain": "d.instant + %(elapsed)s::interval",
}
_FIND = """
SELECT x.contact_id, x.due, x.source, x.day FROM (
    SELECT d.contact_id, {due} AS due,
        to_char(d.instant AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISS') || '+' || y.n || %(tail)s AS source,
        ({local} + make_interval(years => y.n))::date AS day
    FROM generate_series(%(first)s::int, %(last)s::int) AS y(n)
    CROSS JOIN LATERAL ({dates}{range}{among}) AS d
    JOIN contacts_contact c ON c.id = d.contact_id AND c.erased_at IS NULL AND c.merged_into_id IS NULL
    CROSS JOIN LATERAL (SELECT tributary_zone(CASE WHEN %(alone)s THEN '' ELSE c.timezone END, tributary_zone(%(zone)s, 'UTC')) AS zone OFFSET 0) AS z
) AS x
WHERE x.due > %(since)s AND x.due <= %(until)s AND NOT EXISTS (
    SELECT FROM flows_entry e WHERE e.flow_id = %(flow)s AND e.contact_id = x.contact_id AND e.source_kind = 'date'
        AND e.source_id = x.source)
ORDER BY x.due, x.contact_id LIMIT %(limit)s
"""


def due(
    plan: Plan, since: datetime, until: datetime, *, among: Collection[int] | None = None, limit: int = 20_000
) -> list[Candidate]:
    """Return those whose date fell due in (since, until] and about whom nothing was decided yet, the earliest first."""
    settings = plan.trigger.settings
    made = settings.attribute == CREATED
    by_day = _is_day(settings)
    params = {**_parameters(plan), "since": since, "until": until, "among": among, "limit": limit}
    local = _LOCAL["day" if by_day else "instant"]
    statement = _FIND.format(
        due=_DUE[_way(settings, by_day)].format(local=local),
        local=local,
        dates=_MADE if made else _OWN,
        range=_RANGE,
        among="" if among is None else f" AND m.{'id' if made else 'contact_id'} = ANY(%(among)s)",
    )
    rows = select(statement, params)
    lane = BACKLOG if len(rows) > MANY else FRESH
    return [_candidate(plan, row, lane) for row in rows]


def _way(settings: Any, by_day: bool) -> str:
    if by_day or settings.time:
        return "day"
    calendar = settings.yearly or settings.offset.endswith(("mo", "y"))
    return "instant" if calendar else "plain"


def _is_day(settings: Any) -> bool:
    """Tell whether the attribute says days, not instants."""
    path = settings.attribute.removeprefix(CUSTOM)
    kind = Attribute.objects.filter(name=path).values_list("type", flat=True).first()
    return settings.attribute != CREATED and kind != "datetime"


def _parameters(plan: Plan) -> Mapping[str, Any]:
    settings = plan.trigger.settings
    made = settings.attribute == CREATED
    step, elapsed = _offsets(settings)
    path = settings.attribute.removeprefix(CUSTOM)
    return {
        "flow": plan.flow_id,
        "attribute": path,
        "step": step,
        "elapsed": elapsed,
        "shift": elapsed if step == "0" else step,
        "slack": SLACK,
        "time": settings.time or "00:00",
        "zone": plan.settings.timezone or asking.zone(),
        "alone": plan.settings.zone == "flow",
        "first": 1 if made and settings.yearly else 0,
        "last": OLDEST if settings.yearly else 0,
        "tail": ":" + hashlib.blake2b(path.encode(), digest_size=4).hexdigest(),
    }


def _offsets(settings: Any) -> tuple[str, str]:
    """Return the offset as steps of the calendar, and as a length; one of them is nothing."""
    if settings.when == "on" or not settings.offset:
        return "0", "0"
    offset = Duration.parse(settings.offset)
    count = -offset.count if settings.when == "before" else offset.count
    if offset.unit in ELAPSED:
        return "0", f"{count} {ELAPSED[offset.unit]}"
    if offset.unit in ("d", "w") and not settings.time and not settings.yearly:
        return (f"{count} {STEPS[offset.unit]}", "0") if _is_day(settings) else ("0", _hours(offset, count))
    return f"{count} {STEPS[offset.unit]}", "0"


def _hours(offset: Duration, count: int) -> str:
    """Write days and weeks as lengths of 24 hours each (rule 4)."""
    return f"{count * (24 if offset.unit == 'd' else 168)} hours"


def _candidate(plan: Plan, row: tuple[Any, ...], lane: int) -> Candidate:
    contact, at, source, day = row
    event = {"attribute": plan.trigger.settings.attribute, "date": day.isoformat()}
    context = asking.trigger_context({"name": "Date Reached", "at": at.isoformat(), "properties": event})
    return Candidate(plan, contact, "date", source, at, lane=lane, context=context)
