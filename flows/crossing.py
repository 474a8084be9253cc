"""From one flow into another or out of it, and out of the world: done when everybody's place in the batch is written.

The other flow's lock is only tried, never waited for: contacts are held already, and flows come before contacts.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contacts import services as contacts
from flows import ledger, locks
from flows.deeds import Deed, Later, contacts_of
from flows.enrolling import Candidate, enrol
from flows.ledger import Counts, Ending
from flows.models import Enrollment, Flow
from flows.nodes.effects import LeaveFlow, StartFlow
from flows.plans import plans_of
from workspace.audit import HOUSE
from workspace.problems import Refused, refuse

SOURCE = "start_flow"


class JustChanged(Refused):
    """Somebody holds the other flow for the moment that a change takes."""


def start(deeds: Sequence[Deed], at: datetime) -> Later:
    """Let these contacts enter another flow, by its rules; each deed is one reason to start, decided about once."""
    flow = _other(deeds)
    if flow.version_id is None:
        raise refuse("flow", f"“{flow.name}” is a draft; activate it, then they go on by themselves.")
    plan = plans_of([flow.version_id])[flow.version_id]
    candidates = [
        Candidate(
            plan,
            one.contact_id,
            SOURCE,
            f"{one.enrollment_id}:{one.visit}",
            at,
            lane=one.lane,
            context=_carried(one),
        )
        for one in deeds
    ]

    def enter() -> None:
        counts = Counts()
        enrol(candidates, at, counts)
        counts.write(at)

    return enter


def _carried(one: Deed) -> dict[str, Any]:
    """Return what the other flow gets to know: the event that began this journey; its own clock begins now."""
    return {"trigger": {"event": one.event}} if one.event else {}


def leave(deeds: Sequence[Deed], at: datetime) -> Later:
    """End the journeys of these contacts in another flow."""
    flow = _other(deeds)
    ids, mine = contacts_of(deeds), {one.enrollment_id for one in deeds}
    reason = f"taken out by the flow {deeds[0].plan.flow}"

    def go() -> None:
        counts = Counts()
        inside = Enrollment.objects.filter(flow=flow, contact__in=ids, status=Enrollment.Status.ACTIVE)
        held = inside.exclude(pk__in=mine).order_by("id").select_for_update(no_key=True)
        ledger.end([Ending(pk, "exited", reason) for pk in held.values_list("pk", flat=True)], at, counts)
        counts.write(at)

    return go


def erase(deeds: Sequence[Deed], at: datetime) -> Later:
    """Erase these contacts, whose journeys here have been ended by then."""
    ids = contacts_of(deeds)
    return lambda: contacts.erase_contacts(contact_ids=ids, actor=HOUSE)


def _other(deeds: Sequence[Deed]) -> Flow:
    """Return the flow these name as it is now, its state held."""
    effect = deeds[0].effect
    assert isinstance(effect, StartFlow | LeaveFlow)
    pk = Flow.objects.filter(slug=effect.flow, archived_at=None).values_list("pk", flat=True).first()
    if pk is None:
        raise refuse("flow", f"The flow “{effect.flow}” is not there any more.")
    if not locks.try_share([pk]):
        raise JustChanged(f"The flow “{effect.flow}” is just being changed.")
    return Flow.objects.get(pk=pk)
