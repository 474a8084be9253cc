"""What a Change starts: for each kind of trigger, the reasons to start that a batch of Changes gives."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from contacts.properties import CUSTOM, is_custom
from flows import asking, dating
from flows.departing import ERASED, MERGED
from flows.enrolling import Candidate
from flows.models import Enrollment
from flows.plans import Plan

WAY = {"entered": "enters", "exited": "leaves"}
HOOK = "hook:"  # how the source of an event begins that came to a flow's own address


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that changed, as it stands in the queue."""

    id: int
    contact_id: int
    fact: str
    ref: int | None
    at: datetime
    fires: bool
    lane: int
    detail: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at Changes knows besides: the transitions behind them, and the instant."""

    transitions: Mapping[int, asking.Moved]
    at: datetime


Starting = Sequence[tuple[Change, Plan]]


def candidates(starting: Starting, look: Look) -> list[Candidate]:
    """Return the reasons to start, those of one kind of trigger together."""
    found: list[Candidate] = []
    for kinds, of in _OF.items():
        mine = [(change, plan) for change, plan in starting if plan.trigger.kind in kinds]
        found += of(mine, look) if mine else ()
    return found


def carried(name: str, at: datetime, **values: Any) -> dict[str, Any]:
    """Return what an enrollment remembers of what started it, as of an event of that name."""
    return asking.trigger_context({"name": name, "at": at.isoformat(), "properties": values})


def _by_transition(starting: Starting, look: Look) -> Iterator[Candidate]:
    for change, plan in starting:
        moved = look.transitions.get(change.ref or 0)
        if moved is None or WAY[moved.kind] != plan.trigger.settings.when:
            continue
        yield Candidate(
            plan,
            change.contact_id,
            "transition",
            str(change.ref),
            moved.at,
            fires=change.fires,
            lane=change.lane,
            nth=(moved.seq + 1) // 2 if moved.kind == "entered" else moved.seq // 2,
            absence=moved.at - moved.before if moved.before else None,
        )


def _by_event(starting: Starting, look: Look) -> Iterator[Candidate]:
    mine = [(change, plan) for change, plan in starting if change.ref]
    events = asking.events({(change.ref or 0, change.at) for change, _ in mine})
    where = asking.events_where(
        {plan.where: [c.ref or 0 for c, p in mine if p.where == plan.where] for _, plan in mine if plan.where}, look.at
    )
    for change, plan in mine:
        event = events.get(change.ref or 0)
        if event is None or (plan.where is not None and event["id"] not in where[plan.where]):
            continue
        if plan.trigger.kind == "webhook_received" and event["source"] != source_of(plan.flow_id):
            continue
        yield Candidate(
            plan,
            change.contact_id,
            "event",
            str(event["id"]),
            change.at,
            fires=change.fires,
            lane=change.lane,
            entry_key=_entry_key(plan, event["properties"]),
            context=asking.trigger_context(event),
        )


def source_of(flow_id: int) -> str:
    """Return the source of events that came to a flow's own address."""
    return f"{HOOK}{flow_id}"


def _entry_key(plan: Plan, properties: Mapping[str, Any]) -> str:
    value = properties.get(plan.trigger.settings.entry_key) if plan.trigger.settings.entry_key else None
    return "" if value is None or isinstance(value, dict | list) else str(value)[:200]


def _by_list(starting: Starting, look: Look) -> Iterator[Candidate]:
    for change, plan in starting:
        name = plan.trigger.settings.list
        said = "List Added" if plan.trigger.kind == "list_added" else "List Removed"
        yield _of_change(change, plan, "list", carried(said, change.at, list=name))


def _by_attribute(starting: Starting, look: Look) -> Iterator[Candidate]:
    for change, plan in starting:
        if change.detail is None:  # the contact was erased meanwhile
            continue
        name = plan.trigger.settings.attribute
        was, now = _within(name, change.detail.get("was")), _within(name, change.detail.get("is"))
        if _is_meant(plan.trigger.settings, was, now):
            context = carried("Attribute Changed", change.at, attribute=name, was=was, becomes=now)
            yield _of_change(change, plan, "attribute", context)


def _within(name: str, value: Any) -> Any:
    """Return what stands at an attribute's path within the top-level one; missing, null and "" are all no value."""
    for key in name.removeprefix(CUSTOM).split(".")[1:] if is_custom(name) else ():
        value = value.get(key) if isinstance(value, dict) else None
    return None if value == "" else value


def _is_meant(settings: Any, was: Any, now: Any) -> bool:
    if _same(was, now):
        return False
    if (settings.how == "filled" and was is not None) or (settings.how == "cleared" and now is not None):
        return False
    return all(
        wanted is None or _same(wanted, value) for wanted, value in ((settings.was, was), (settings.becomes, now))
    )


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON does: 1 is 1.0, and neither is true."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _by_finish(starting: Starting, look: Look) -> Iterator[Candidate]:
    ended = Enrollment.objects.in_bulk([change.ref for change, _ in starting if change.ref])
    for change, plan in starting:
        one = ended.get(change.ref or 0)
        if one is None or not _ended_so(one, plan.trigger.settings):
            continue
        said = {"flow": plan.trigger.settings.flow, "outcome": one.status, "reason": one.reason}
        event = one.context.get("trigger", {}).get("event", {})
        before = {key: value for key, value in event.items() if key not in ("name", "at")}
        context = carried("Flow Finished", change.at, **{**before, **said})
        yield _of_change(change, plan, "finished", context, f"{one.pk}:{one.status}:{one.visit}")


def _ended_so(one: Enrollment, settings: Any) -> bool:
    if one.status in ("active", "restarted") or one.reason in (ERASED, MERGED):
        return False
    return settings.outcome in ("any", one.status) and settings.reason in ("", one.reason)


def _of_change(change: Change, plan: Plan, kind: str, context: Mapping[str, Any], source: str = "") -> Candidate:
    return Candidate(
        plan,
        change.contact_id,
        kind,
        source or str(change.id),
        change.at,
        fires=change.fires,
        lane=change.lane,
        context=context,
    )


def _by_date(starting: Starting, look: Look) -> Iterator[Candidate]:
    """Ask for dates that came to lie behind the clock: said late, moved, or in another zone now."""
    silent = {(plan.flow_id, change.contact_id) for change, plan in starting if not change.fires}
    loud = {(plan.flow_id, change.contact_id) for change, plan in starting if change.fires}
    contacts: dict[int, set[int]] = {}
    plans = {plan.flow_id: plan for _, plan in starting}
    for change, plan in starting:
        contacts.setdefault(plan.flow_id, set()).add(change.contact_id)
    for flow, plan in plans.items():
        since = look.at - (plan.terms.max_age or timedelta(days=1))
        for one in dating.due(plan, since, look.at, among=sorted(contacts[flow])):
            one.fires = (flow, one.contact_id) in loud or (flow, one.contact_id) not in silent
            yield one


_OF: dict[tuple[str, ...], Callable[[Starting, Look], Iterable[Candidate]]] = {
    ("contact_segment",): _by_transition,
    ("event", "webhook_received"): _by_event,
    ("list_added", "list_removed"): _by_list,
    ("attribute_changed",): _by_attribute,
    ("flow_finished",): _by_finish,
    ("date_attribute",): _by_date,
}
