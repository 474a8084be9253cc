"""What a person does to somebody's way by hand: take out, try again, skip the step that fails."""

from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, connection, transaction

from flows import ledger, locks
from flows.ledger import Counts, Ending
from flows.models import Enrollment
from flows.plans import PlanNode, plans_of
from workspace import clock, doorbell
from workspace.audit import Actor, record
from workspace.problems import refuse

BY_HAND = "taken out by hand"
Mend = Callable[[Enrollment, Counts], None]


def exit_enrollment(enrollment: Enrollment, *, actor: Actor) -> None:
    """End somebody's way now; nothing more of it is sent."""

    def leave(held: Enrollment, counts: Counts) -> None:
        if held.status != Enrollment.Status.ACTIVE:
            raise refuse("status", f"This journey has ended already: it is {held.status}.", 409)
        ledger.end([Ending(held.pk, "exited", BY_HAND)], clock.now(), counts)

    _intervene(enrollment, leave, "enrollment.exited", actor)


def retry_enrollment(enrollment: Enrollment, *, actor: Actor) -> None:
    """Let somebody whose step failed try it again at once."""

    def again(held: Enrollment, counts: Counts) -> None:
        _revive(held, counts, "tried again")
        _stand(held, held.node, held.visit)

    _intervene(enrollment, again, "enrollment.retried", actor)


def skip_enrollment(enrollment: Enrollment, *, actor: Actor) -> None:
    """Let somebody go on past the step that failed, by its first way out."""

    def past(held: Enrollment, counts: Counts) -> None:
        _revive(held, counts, "skipped")
        node = plans_of([held.version_id])[held.version_id].nodes.get(held.node)
        _pass(held, node, counts)

    _intervene(enrollment, past, "enrollment.skipped", actor)


def _pass(held: Enrollment, node: PlanNode | None, counts: Counts) -> None:
    port, target = next(iter(node.targets.items()), ("next", "")) if node else ("next", "")
    kind, at = (node.kind if node else ""), clock.now()
    row = (held.pk, held.visit, held.entered_on, held.flow_id, held.version_id, held.contact_id)
    ledger.write_steps([(*row, held.node, kind, port, target, '{"skipped": true}', at)])
    counts.add(held.flow_id, held.version_id, "left", held.node, port)
    if target:
        counts.add(held.flow_id, held.version_id, "arrived", target)
        _stand(held, target, held.visit + 1)
        return
    counts.add(held.flow_id, held.version_id, "completed")
    Enrollment.objects.filter(pk=held.pk).update(
        status=Enrollment.Status.COMPLETED, visit=held.visit + 1, due_at=None, ended_at=at, error="", reason=""
    )


def _revive(held: Enrollment, counts: Counts, what: str) -> None:
    """Take the failure back in the counts; refuse who has not failed."""
    waits = held.status == Enrollment.Status.ACTIVE and held.attempts > 0
    if held.status != Enrollment.Status.FAILED and not waits:
        raise refuse("status", f"Only a failed step can be {what}; this journey is {held.status}.", 409)
    if not waits:
        counts.add(held.flow_id, held.version_id, "failed", count=-1)
        counts.add(held.flow_id, held.version_id, "left", held.node, "failed", count=-1)


def _stand(held: Enrollment, node: str, visit: int) -> None:
    Enrollment.objects.filter(pk=held.pk).update(
        status=Enrollment.Status.ACTIVE, node=node, visit=visit, due_at=clock.now(), clock="none", waiting=False,
        parked="", wake_on="", attempts=0, error="", reason="", ended_at=None,
    )  # fmt: skip


def _intervene(enrollment: Enrollment, mend: Mend, verb: str, actor: Actor) -> None:
    """Do it with the flow, the contact and the enrollment held, in that order."""
    try:
        with transaction.atomic():
            locks.share([enrollment.flow_id])
            _hold("contacts_contact", enrollment.contact_id)
            _hold("flows_enrollment", enrollment.pk)
            counts = Counts()
            mend(Enrollment.objects.get(pk=enrollment.pk), counts)
            counts.write(clock.now())
            record(actor, verb, enrollment.ref, flow=enrollment.flow_id)
            doorbell.ring_on_commit("attend")
    except IntegrityError as error:
        raise refuse("status", "This contact is on another way through this flow by now.", 409) from error
    doorbell.poke(["flows", f"flow:{enrollment.flow_id}"])


def _hold(table: str, pk: int) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table} WHERE id = %s FOR NO KEY UPDATE", [pk])  # noqa: S608 - a constant
        return cursor.fetchall()
