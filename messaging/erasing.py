"""What messages know of a contact who is to be erased: nothing more is said, and what was said is forgotten."""

from collections.abc import Sequence

from messaging.models import CaughtMail, Message
from workspace import clock

REFUSABLE = ("queued", "held", "sending")


def erase(contact_ids: Sequence[int]) -> dict[str, int]:
    """Refuse what these contacts, whom the caller holds, were still to be told, and empty what they were."""
    mine = Message.objects.filter(contact__in=contact_ids)
    waiting = mine.filter(status__in=REFUSABLE)
    waiting.update(
        status=Message.Status.REFUSED,
        gate="erased",
        reason="The contact was erased.",
        token=None,
        lease_until=None,
        settled_at=clock.now(),
    )
    caught, _ = CaughtMail.objects.filter(message_key__in=mine.exclude(address="").values("key")).delete()
    return {"message": mine.update(content={}, address=""), "caught": caught}
