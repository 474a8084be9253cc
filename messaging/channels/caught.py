"""SMS, WhatsApp, push and on-site messages, caught by ourselves until their providers come: read at /mailbox/."""

from django.db import DatabaseError, InterfaceError

from messaging.catcher import drop_oldest
from messaging.channels.base import Outgoing, Receipt
from messaging.models import CaughtMail
from workspace import doorbell

SHOWN = 120  # characters of a text that stand in the list


class CaughtLine:
    """Keeps what it is given, once per key, as a provider with idempotency keys would."""

    def send(self, outgoing: Outgoing, address: str) -> Receipt:
        """Keep one message and say that it went."""
        caught = CaughtMail(
            channel=outgoing.channel,
            sender=outgoing.from_address,
            recipient=address,
            subject=(outgoing.title or outgoing.text)[:SHOWN],
            message_key=outgoing.key,
            raw=outgoing.text.encode(),
        )
        try:
            CaughtMail.objects.bulk_create([caught], ignore_conflicts=True)
        except (DatabaseError, InterfaceError) as error:
            return Receipt("retry", reason=f"The mailbox could not be reached: {type(error).__name__}.")
        return Receipt("sent", provider_id=f"caught-{outgoing.key}")

    def close(self) -> None:
        """Tell whoever looks at the mailbox, and drop what is older than it keeps."""
        drop_oldest()
        doorbell.poke(["mailbox"])
