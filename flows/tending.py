"""What staff do to single journeys: take out, try again, skip the step they are stuck at."""

from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction

from flows import ledger, locks
from flows.ledger import Counts, Ending
from flows.models import Enrollment, Flow
from flows.plans import plans_of
from messaging.models import Message
from messaging.services import retry_message
from workspace import clock, doorbell
from workspace.audit import Actor, record
from workspace.problems import refuse

BY_HAND = "taken out by hand"


def exit_enrollments(enrollment_ids: Collection[int], *, actor: Actor, reason: str = BY_HAND) -> int:
    """End these journeys now, withdraw what they have not yet said, and return how many ended."""
    with transaction.atomic():
        held, at, counts = hold(enrollment_ids), clock.now(), Counts()
        ended = ledger.end([Ending(one.pk, "exited", reason) for one in held if one.status == "active"], at, counts)
        counts.write(at)
        _record(held, "enrollment.exited", actor, set(ended))
    return len(ended)


def retry_enrollments(enrollment_ids: Collection[int], *, actor: Actor) -> int:
    """Let those who failed, are blocked or try again later try again now, and return how many there are."""
    with transaction.atomic():
        held, at, counts = hold(enrollment_ids), clock.now(), Counts()
        stuck = [one for one in held if _stuck(one)]
        if not stuck:
            raise refuse("", "There is nothing to try again: it neither failed nor is stuck.", 409)
        _say_again(stuck, actor)
        for one in stuck:
            if one.status == Enrollment.Status.FAILED:
                _revive(one, counts)
            one.due_at, one.parked, one.attempts = at, "", 0
        _save(stuck, at, counts)
        _record(stuck, "enrollment.retried", actor)
    doorbell.ring("attend")
    return len(stuck)


def _say_again(stuck: Collection[Enrollment], actor: Actor) -> None:
    """Put the messages that failed where these stand back into the queue; few are tried again by hand."""
    keys = [f"e:{one.pk}:{one.visit}" for one in stuck]
    for message in Message.objects.filter(key__in=keys, status__in=("failed", "unknown")):
        retry_message(message, actor=actor)


def skip_enrollments(enrollment_ids: Collection[int], *, actor: Actor) -> int:
    """Let those who stand at a node go on by its first port without doing it, and return how many there are."""
    with transaction.atomic():
        held, at, counts = hold(enrollment_ids), clock.now(), Counts()
        chosen = [one for one in held if one.status == Enrollment.Status.ACTIVE or _stuck(one)]
        if not chosen:
            raise refuse("", "This journey has ended; there is no step to skip.", 409)
        steps = []
        for one in chosen:
            if one.status == Enrollment.Status.FAILED:
                _revive(one, counts)
            steps.append(_skip(one, at, counts))
        ended = [one for one, step in zip(chosen, steps, strict=True) if not step[9]]
        ledger.write_steps(steps)
        _save(chosen, at, counts, complete=ended)
        _record(chosen, "enrollment.skipped", actor)
    doorbell.ring("attend")
    return len(chosen)


def _skip(one: Enrollment, at: datetime, counts: Counts) -> ledger.StepRow:
    plan = plans_of([one.version_id])[one.version_id]
    node = plan.nodes[one.node]
    port, target = next(iter(node.targets.items()), ("next", ""))
    counts.add(one.flow_id, one.version_id, "left", one.node, port)
    if target:
        counts.add(one.flow_id, one.version_id, "arrived", target)
    step = (
        one.pk, one.visit, one.entered_on, one.flow_id, one.version_id, one.contact_id,
        one.node, node.kind, port, target, '{"skipped": true}', at,
    )  # fmt: skip
    one.visit += 1
    one.node = target or one.node
    one.due_at, one.parked, one.wake_on, one.clock, one.waiting, one.attempts = at, "", "", "none", False, 0
    return step


def _stuck(one: Enrollment) -> bool:
    if one.status == Enrollment.Status.FAILED:
        return True
    return one.status == Enrollment.Status.ACTIVE and one.parked.startswith(("blocked:", "tries again:", "held:"))


def _revive(one: Enrollment, counts: Counts) -> None:
    """Put a failed journey back to where it failed, unless the contact is on its way there anew."""
    active = Enrollment.objects.filter(
        flow=one.flow_id, contact=one.contact_id, entry_key=one.entry_key, status=Enrollment.Status.ACTIVE
    )
    if active.exists():
        raise refuse("", "The contact is on its way through this flow again; that journey goes on.", 409)
    one.status, one.ended_at, one.reason = Enrollment.Status.ACTIVE, None, ""
    counts.add(one.flow_id, one.version_id, "failed", count=-1)
    counts.add(one.flow_id, one.version_id, "left", one.node, "failed", -1)
    counts.stood(one.flow_id, one.contact_id)


def _save(chosen: list[Enrollment], at: datetime, counts: Counts, complete: Collection[Enrollment] = ()) -> None:
    for one in complete:
        one.status, one.due_at, one.ended_at = Enrollment.Status.COMPLETED, None, at
        counts.add(one.flow_id, one.version_id, "completed")
        counts.finished(one.flow_id, one.contact_id, one.pk)
    Enrollment.objects.bulk_update(
        chosen,
        [
            "status",
            "node",
            "visit",
            "due_at",
            "parked",
            "wake_on",
            "clock",
            "waiting",
            "attempts",
            "ended_at",
            "reason",
        ],
    )
    counts.write(at)


def hold(enrollment_ids: Collection[int]) -> list[Enrollment]:
    """Take flows, contacts and enrollments, in this order."""
    rows = Enrollment.objects.filter(pk__in=enrollment_ids).values_list("flow_id", "contact_id")
    locks.share({flow for flow, _ in rows})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM contacts_contact WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
            [sorted({contact for _, contact in rows})],
        )
    held = Enrollment.objects.filter(pk__in=enrollment_ids).select_for_update(no_key=True).order_by("id")
    return list(held)


def _record(held: Collection[Enrollment], verb: str, actor: Actor, ids: set[int] | None = None) -> None:
    for one in held:
        if ids is None or one.pk in ids:
            record(actor, verb, one.ref, flow=one.flow_id, node=one.node)
    flows = Flow.objects.filter(pk__in={one.flow_id for one in held}).values_list("pk", flat=True)
    topics = ["flows", *(f"flow:{pk}" for pk in flows)]
    transaction.on_commit(lambda: doorbell.poke(topics))
