"""A person decides about journeys that wait for approval: who goes on, who takes the other way."""

from collections.abc import Collection
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet

from flows import tending
from flows.models import Enrollment
from flows.nodes.rules.gates import APPROVAL
from workspace import clock, doorbell
from workspace.audit import Actor, record
from workspace.models import Key
from workspace.problems import refuse

MOST_NOTE = 1000


def waiting() -> QuerySet[Enrollment]:
    """Return all journeys that wait for a person, the longest waiting first."""
    return Enrollment.objects.filter(wake_on=APPROVAL, status=Enrollment.Status.ACTIVE).order_by("id")


def decide(enrollment_ids: Collection[int], *, approved: bool, actor: Actor, note: str = "") -> int:
    """Approve or refuse these journeys and return how many; who, when and why stand in their next step."""
    if len(note) > MOST_NOTE:
        raise refuse("note", f"A note has at most {MOST_NOTE:,} characters.")
    with transaction.atomic():
        held = [one for one in tending.hold(enrollment_ids) if _waits(one)]
        if not held:
            raise refuse("", "There is nobody here who waits for approval any more.", 409)
        at, by = clock.now(), _name(actor)
        for one in held:
            said = {"visit": one.visit, "approved": approved, "by": by, "at": at.isoformat(), "note": note.strip()}
            one.context = {**one.context, "decided": said}
            one.due_at, one.parked, one.wake_on = at, "", ""
            record(actor, "enrollment.approved" if approved else "enrollment.refused", one.ref, node=one.node)
        Enrollment.objects.bulk_update(held, ["context", "due_at", "parked", "wake_on"])
        doorbell.ring_on_commit("attend")
    return len(held)


def _waits(one: Enrollment) -> bool:
    return one.status == Enrollment.Status.ACTIVE and one.waiting and one.wake_on == APPROVAL


def _name(actor: Actor) -> str:
    if actor.user_id is not None:
        found: Any = get_user_model().objects.filter(pk=actor.user_id).first()
        return str(found.get_username()) if found else ""
    key = Key.objects.filter(pk=actor.key_id).first() if actor.key_id else None
    return f"key {key.name}" if key else "the house"
