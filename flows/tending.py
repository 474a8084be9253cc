"""What staff do to journeys that are on their way or failed: take out, try again, skip the step they stand at, move."""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from flows import asking, ledger, locks
from flows.ledger import Counts, Ending
from flows.models import Enrollment, Flow
from flows.plans import Plan, plans_of
from flows.rows import select
from flows.standstill import is_stuck
from messaging.models import Message
from messaging.services import retry_message
from workspace import clock, doorbell
from workspace.audit import Actor, record_each
from workspace.problems import refuse

BY_HAND = "taken out by hand"
VERBS = {"exit": "exited", "retry": "retried", "skip": "skipped", "move": "moved"}  # and how the record calls it
ACTIVE, FAILED = Enrollment.Status.ACTIVE, Enrollment.Status.FAILED
GOES_ON = (Flow.Status.RUNNING, Flow.Status.PAUSED, Flow.Status.DRAINING)


@dataclass(slots=True)
class Tended:
    """How many journeys something was done to, and why not to the others: sentence → how many."""

    done: int = 0
    left: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """Return the wire form."""
        return {"done": self.done, "left_out": [{"reason": why, "count": count} for why, count in self.left.items()]}


def exit_enrollments(enrollment_ids: Collection[int], *, actor: Actor, reason: str = BY_HAND) -> int:
    """End these journeys now, withdraw what they have not yet said, and return how many ended."""
    return tend("exit", enrollment_ids, actor=actor, reason=reason).done


def retry_enrollments(enrollment_ids: Collection[int], *, actor: Actor) -> int:
    """Let those who failed, are blocked, set aside or try again later try again now, and return how many there are."""
    return _done(tend("retry", enrollment_ids, actor=actor))


def skip_enrollments(enrollment_ids: Collection[int], *, actor: Actor) -> int:
    """Let those who stand at a node go on by its first port without doing it, and return how many there are."""
    return _done(tend("skip", enrollment_ids, actor=actor))


def move_enrollments(enrollment_ids: Collection[int], *, to: str, actor: Actor) -> int:
    """Put these at another node of the version they are on, as if they came there now, and return how many there are."""
    return _done(tend("move", enrollment_ids, actor=actor, to=to))


def _done(tended: Tended) -> int:
    if not tended.done:
        raise refuse("", next(iter(tended.left), "There is no such journey."), 409)
    return tended.done


def tend(verb: str, enrollment_ids: Collection[int], *, actor: Actor, to: str = "", reason: str = BY_HAND) -> Tended:
    """Do one thing to many journeys in a handful of statements; whom it cannot be done to is left as they are."""
    with transaction.atomic():
        held, at, counts = hold(enrollment_ids), clock.now(), Counts()
        surroundings = _look(verb, held)
        tended, chosen = Tended(), []
        for one in held:
            if why := _why_not(verb, one, to, surroundings):
                tended.left[why] += 1
            else:
                chosen.append(one)
        tended.done = len(chosen)
        _DO[verb](chosen, _Doing(at, counts, surroundings, actor, to, reason))
        counts.write(at)
        _record(chosen, f"enrollment.{VERBS[verb]}", actor)
    if chosen and verb != "exit":
        doorbell.ring("attend")
    return tended


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What is asked once for all of them."""

    at: datetime
    plans: Mapping[int, Plan]
    flows: Mapping[int, Flow]
    inside: frozenset[tuple[int, int, str]]  # flow, contact, entry key of those on the way again
    alive: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Doing:
    """What a verb is done with."""

    at: datetime
    counts: Counts
    near: _Surroundings
    actor: Actor
    to: str
    reason: str

    def due(self, one: Enrollment) -> datetime:
        """Return when it is due: now, or where its flow's held clock stands, from where it goes on."""
        flow = self.near.flows[one.flow_id]
        held = flow.status == Flow.Status.PAUSED and flow.pause == Flow.Pause.HOLD_CLOCK
        return flow.paused_at if held and flow.paused_at else self.at


def _look(verb: str, held: Sequence[Enrollment]) -> _Surroundings:
    failed = [one for one in held if one.status == FAILED] if verb != "exit" else []
    on_the_way = Enrollment.objects.filter(
        flow__in={one.flow_id for one in failed}, contact__in={one.contact_id for one in failed}, status=ACTIVE
    )
    return _Surroundings(
        clock.now(),
        plans_of({one.version_id for one in held}) if verb in ("skip", "move") else {},
        Flow.objects.in_bulk({one.flow_id for one in held}),
        frozenset(on_the_way.values_list("flow_id", "contact_id", "entry_key")) if failed else frozenset(),
        frozenset(asking.alive({one.contact_id for one in failed})) if failed else frozenset(),
    )


def _why_not(verb: str, one: Enrollment, to: str, near: _Surroundings) -> str:
    """Say why this cannot be done to somebody; empty when it can."""
    if one.status not in (ACTIVE, FAILED):
        return {
            "exit": "This journey has ended already.",
            "retry": "There is nothing to try again: it neither failed nor is stuck.",
        }.get(verb, f"This journey has ended; there is no step to {verb}.")
    if verb == "exit":
        return ""
    if verb == "retry" and one.status == ACTIVE and not is_stuck(one.parked, one.due_at, near.at):
        return "There is nothing to try again: it neither failed nor is stuck."
    if verb == "move" and not _can_go(near.plans[one.version_id], to):
        return f"The version they are on has no step “{to[:63]}” to move to."
    return _why_not_again(one, near) if one.status == FAILED else ""


def _can_go(plan: Plan, to: str) -> bool:
    node = plan.nodes.get(to)
    return node is not None and node is not plan.trigger and not (node.type is not None and node.type.is_note)


def _why_not_again(one: Enrollment, near: _Surroundings) -> str:
    """Say why a failed journey cannot be put back to where it failed."""
    if (one.flow_id, one.contact_id, one.entry_key) in near.inside:
        return "The contact is on its way through this flow again; that journey goes on."
    if one.contact_id not in near.alive:
        return "The contact is erased or went into another one; the journey stays as it is."
    flow = near.flows[one.flow_id]
    if flow.status not in GOES_ON or flow.archived_at is not None:
        return "The flow does not run any more: nobody would go on in it."
    return ""


# The verbs --------------------------------------------------------------------------------------------------------------


def _exit(chosen: Sequence[Enrollment], doing: _Doing) -> None:
    ledger.end([Ending(one.pk, "exited", doing.reason) for one in chosen], doing.at, doing.counts)
    failed = [one for one in chosen if one.status == FAILED]
    Enrollment.objects.filter(pk__in=[one.pk for one in failed]).update(status="exited", reason=doing.reason[:200])
    for one in failed:
        _take_back_failure(one, doing.counts)
        doing.counts.add(one.flow_id, one.version_id, "exited")
        doing.counts.add(one.flow_id, one.version_id, "left", one.node, "exited")


def _retry(chosen: Sequence[Enrollment], doing: _Doing) -> None:
    _say_again(chosen, doing.actor)
    for one in chosen:
        _revive(one, doing.counts)
    ledger.write_moves([_as_it_stood(one, doing) for one in chosen])


def _as_it_stood(one: Enrollment, doing: _Doing) -> dict[str, Any]:
    """Return the row of somebody who is due now and otherwise as before; who is overdue stays so, for the late policy."""
    overdue = one.due_at is not None and one.due_at <= doing.at
    until = one.until_at.isoformat() if one.until_at else None
    due = one.due_at if overdue else doing.due(one)
    return _row(one, due, waiting=one.waiting, wake=one.wake_on, clock=one.clock, until=until)


def _say_again(chosen: Sequence[Enrollment], actor: Actor) -> None:
    """Put the messages that failed where these stand back into the queue: those that failed, not all who are stuck."""
    keys = [f"e:{one.pk}:{one.visit}" for one in chosen]
    for message in Message.objects.filter(key__in=keys, status__in=("failed", "unknown")):
        retry_message(message, actor=actor)


def _skip(chosen: Sequence[Enrollment], doing: _Doing) -> None:
    _put(chosen, {one.pk: _first_way(doing.near.plans[one.version_id], one.node) for one in chosen}, "skipped", doing)


def _first_way(plan: Plan, key: str) -> tuple[str, str]:
    node = plan.nodes.get(key)
    return next(iter(node.targets.items()), ("next", "")) if node else ("next", "")


def _move(chosen: Sequence[Enrollment], doing: _Doing) -> None:
    _put(chosen, {one.pk: ("moved", doing.to) for one in chosen}, "moved", doing)


def _put(chosen: Sequence[Enrollment], ways: Mapping[int, tuple[str, str]], what: str, doing: _Doing) -> None:
    """Let these leave their nodes by a port to another node, or to the end, with a step that says whose doing it was."""
    steps, rows, at = [], [], doing.at
    saw = json.dumps({what: True})
    for one in chosen:
        (port, target), plan = ways[one.pk], doing.near.plans[one.version_id]
        kind = plan.nodes[one.node].kind if one.node in plan.nodes else ""
        _revive(one, doing.counts)
        doing.counts.add(one.flow_id, one.version_id, "left", one.node, port)
        steps.append((one.pk, one.visit, one.entered_on, one.flow_id, one.version_id, one.contact_id, one.node, kind, port, target, saw, at))  # fmt: skip
        rows.append(_row(one, doing.due(one) if target else None, node=target or one.node, visit=one.visit + 1))
        if target:
            doing.counts.add(one.flow_id, one.version_id, "arrived", target)
        else:
            rows[-1] |= {"status": "completed", "ended": at.isoformat()}
            doing.counts.add(one.flow_id, one.version_id, "completed")
            doing.counts.finished(one.flow_id, one.contact_id, one.pk)
    ledger.write_moves(rows)
    ledger.write_steps(steps)


def _row(one: Enrollment, due: datetime | None, **more: Any) -> dict[str, Any]:
    """Return the row of write_moves that makes a journey active and due."""
    return {
        "id": one.pk, "node": one.node, "visit": one.visit, "due": due.isoformat() if due else None, "clock": "none",
        "waiting": False, "parked": "", "wake": "", "status": "active", "reason": "", "error": "", "attempts": 0, **more,
    }  # fmt: skip


def _revive(one: Enrollment, counts: Counts) -> None:
    """Count a failed journey as one on its way where it failed."""
    if one.status == FAILED:
        _take_back_failure(one, counts)


def _take_back_failure(one: Enrollment, counts: Counts) -> None:
    counts.add(one.flow_id, one.version_id, "failed", count=-1)
    counts.add(one.flow_id, one.version_id, "left", one.node, "failed", -1)
    counts.stood(one.flow_id, one.contact_id)


_DO = {"exit": _exit, "retry": _retry, "skip": _skip, "move": _move}


def hold(enrollment_ids: Collection[int]) -> list[Enrollment]:
    """Take flows, contacts and enrollments, in this order."""
    rows = Enrollment.objects.filter(pk__in=enrollment_ids).values_list("flow_id", "contact_id")
    locks.share({flow for flow, _ in rows})
    contacts = sorted({contact for _, contact in rows})
    select("SELECT id FROM contacts_contact WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [contacts])
    held = Enrollment.objects.filter(pk__in=enrollment_ids).select_for_update(no_key=True).order_by("id")
    return list(held)


def _record(chosen: Sequence[Enrollment], verb: str, actor: Actor) -> None:
    alike: dict[tuple[int, str], list[str]] = defaultdict(list)
    for one in chosen:
        alike[one.flow_id, one.node].append(one.ref)
    for (flow, node), refs in alike.items():
        record_each(actor, verb, refs, flow=flow, node=node)
    topics = ["flows", *(f"flow:{pk}" for pk in {flow for flow, _ in alike})]
    if alike:
        transaction.on_commit(lambda: doorbell.poke(topics))
