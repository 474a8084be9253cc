"""Triggers that time starts: each running flow has a mark of how far its clock has come, moved in the passing transaction.

Nothing but the mark says what was looked at: a lost doorbell, a dead worker or an hour of silence is made up for by the next pass,
and the Entry (unique by its source) says once and for all who was decided about.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from flows import asking, audiences, dating, locks, recurrence
from flows.enrolling import enrol
from flows.ledger import Counts
from flows.models import Flow
from flows.nodes.triggers import trigger_of
from flows.plans import Plan, plans_of
from flows.rows import select
from flows.trigger_models import Mark
from workspace import clock
from workspace.crash import crashpoint

EVERY = timedelta(seconds=60)
CHUNK = 2000
_HOLD = "SELECT id FROM contacts_contact WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
_DUE = """
SELECT m.flow_id FROM flows_mark m JOIN flows_flow f ON f.id = m.flow_id AND f.status IN ('running', 'paused')
WHERE m.next_at <= %(now)s OR (m.next_at IS NULL AND m.at <= %(before)s) ORDER BY m.at LIMIT 20
"""


def set_mark(flow: Flow, plan: Plan | None) -> None:
    """Let the clock of a flow begin now when its trigger is time's and it takes in, go on when it did, and end otherwise."""
    if plan is None or not trigger_of(plan.trigger.type).clocked:
        Mark.objects.filter(flow=flow).delete()
        return
    mark, _ = Mark.objects.get_or_create(flow=flow, defaults={"at": clock.now()})
    if plan.trigger.kind == "schedule":
        if mark.next_at is None or mark.next_at != next_date(plan, mark.at):  # another schedule: what is past is past
            mark.at = clock.now()
            mark.next_at = next_date(plan, mark.at)
        if mark.next_at is None:
            mark.delete()
            return
    else:
        mark.next_at = None
    mark.save()


def next_date(plan: Plan, after: datetime) -> datetime | None:
    """Return the next date of a schedule, if there is one."""
    return next(iter(next_dates(plan.trigger.settings, plan.settings.timezone, after, 1)), None)


def next_dates(settings: Any, flow_zone: str, after: datetime, count: int = 3) -> list[datetime]:
    """Return the next dates of a schedule's settings."""
    zone = settings.timezone or flow_zone or asking.zone()
    starts = recurrence.read_start(settings.starts)
    return recurrence.dates(starts, settings.repeat, zone, after, count)


def pass_time(limit: int = CHUNK) -> int:
    """Let the clock of one flow pass as far as it can, and return how many contacts or dates that was about."""
    now = clock.now()
    for (flow_id,) in select(_DUE, {"now": now, "before": now - EVERY}):
        passed = _pass(flow_id, limit)
        if passed:
            crashpoint("after_entry_commit")
            return passed
    return 0


@transaction.atomic
def _pass(flow_id: int, limit: int) -> int:
    """Pass one flow's clock: flow, mark, contacts are held in this order."""
    if not locks.try_share([flow_id]):
        return 0
    mark = Mark.objects.select_for_update(skip_locked=True).filter(flow=flow_id).first()
    flow = Flow.objects.filter(pk=flow_id, status__in=["running", "paused"]).first()
    if mark is None or flow is None or flow.version_id is None:
        return 0
    plan, at = plans_of([flow.version_id])[flow.version_id], clock.now()
    return _date(flow, plan, mark, at) if plan.trigger.kind == "schedule" else _dates(plan, mark, at, limit)


def _dates(plan: Plan, mark: Mark, at: datetime, limit: int) -> int:
    """Decide about those whose own date has come; the mark moves when nobody is left before it."""
    found = dating.due(plan, mark.at, at, limit=limit)
    select(_HOLD, [sorted({one.contact_id for one in found})])
    counts = Counts()
    held = sorted({one.contact_id for one in found})
    still = dating.due(plan, mark.at, at, among=held, limit=limit) if held else []  # a date may have moved meanwhile
    for one in still:
        one.lane = found[0].lane
    enrol(still, at, counts)
    counts.write(at)
    crashpoint("before_entry_commit")
    if len(found) < limit:
        mark.at = at
        mark.save(update_fields=["at"])
    return len(found)


def _date(flow: Flow, plan: Plan, mark: Mark, at: datetime) -> int:
    """Begin the job of a schedule's date; of several that were missed only the newest counts, and none that is too old."""
    date, newest = mark.next_at, None
    while date is not None and date <= at:
        newest, date = date, next_date(plan, date)
    if newest is None:
        return 0
    oldest = at - (plan.terms.max_age or timedelta(days=1))
    if flow.status == Flow.Status.RUNNING and newest >= oldest and _in_season(plan, at):
        _begin(flow, plan, newest, at)
    mark.at, mark.next_at = at, date
    if date is None:
        mark.delete()
    else:
        mark.save()
    return 1


def _in_season(plan: Plan, at: datetime) -> bool:
    starts, ends = plan.settings.starts_at, plan.settings.ends_at
    return (starts is None or starts <= at) and (ends is None or at < ends)


def _begin(flow: Flow, plan: Plan, date: datetime, at: datetime) -> None:
    said = {"name": "Schedule", "at": date.isoformat(), "properties": {"date": date.isoformat()}}
    source = date.strftime("%Y-%m-%dT%H:%M:%SZ")
    audiences.begin(
        flow,
        "schedule",
        source,
        at,
        segment=plan.trigger.settings.segment,
        rule=plan.audience,
        context=asking.trigger_context(said),
    )
