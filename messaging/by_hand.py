"""What a person does to one message: hold it, release it, try it again, call it off."""

from collections.abc import Callable, Collection

from django.db import transaction

from messaging.models import Message
from messaging.settling import lock, note_settled
from workspace import audit, clock, doorbell
from workspace.problems import refuse

Status = Message.Status
RETRIED = (Status.UNKNOWN, Status.FAILED)
CALLED_OFF = (Status.QUEUED, Status.HELD, Status.UNKNOWN, Status.FAILED)


def hold_message(message: Message, *, actor: audit.Actor) -> Message:
    """Keep a queued message until a person releases it."""
    return _put(message, actor, "held", (Status.QUEUED,), status=Status.HELD, reason="Held by hand.")


def release_message(message: Message, *, actor: audit.Actor) -> Message:
    """Let a held message go, however late it is; every other gate is still asked."""
    content = {**message.content, "released": True}
    return _put(message, actor, "released", (Status.HELD,), **_queued(), content=content)


def retry_message(message: Message, *, actor: audit.Actor) -> Message:
    """Send an unknown or failed message again, with the same key, because a person says so."""
    content = {**message.content, "released": True}
    return _put(message, actor, "retried", RETRIED, **_queued(), content=content, attempts=0)


def cancel_message(message: Message, *, actor: audit.Actor) -> Message:
    """Call a message off; what is under way at this moment is not reached any more."""
    said = {"status": Status.REFUSED, "gate": "cancelled", "reason": "Called off by hand.", "settled_at": clock.now()}
    return _put(message, actor, "cancelled", CALLED_OFF, **said)


def _queued() -> dict[str, object]:
    return {"status": Status.QUEUED, "gate": "", "reason": "", "due_at": clock.now(), "settled_at": None}


@transaction.atomic
def _put(message: Message, actor: audit.Actor, verb: str, allowed: Collection[str], **columns: object) -> Message:
    lock([message.contact_id])
    held = Message.objects.select_for_update(no_key=True).get(pk=message.pk)
    if held.status not in allowed:
        raise refuse("status", f"A message that is {held.status} cannot be {verb}.", 409)
    for name, value in columns.items():
        setattr(held, name, value)
    held.save(update_fields=list(columns))
    audit.record(actor, f"message.{verb}", held.ref)
    if held.status == Status.REFUSED:
        note_settled([held], clock.now())
    doorbell.ring_on_commit("deliver")
    return held


VERBS: dict[str, tuple[Collection[str], Callable[..., Message]]] = {
    "hold": ((Status.QUEUED,), hold_message),
    "release": ((Status.HELD,), release_message),
    "retry": (RETRIED, retry_message),
    "cancel": (CALLED_OFF, cancel_message),
}
