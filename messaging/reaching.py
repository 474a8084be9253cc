"""By which address a message reaches whom it is for, and which addresses must not be written to."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from contacts.addresses import BadAddress, digests, normal_email, normal_phone
from messaging.models import Channel, Message
from workspace.trips import Answer, array, ask

Known = tuple[str, str, str, str, bool]  # email, phone, user id, timezone, alive
DEVICES = (Channel.PUSH, Channel.ONSITE)  # whose programs know a contact by user id, or by our own number
SUPPRESSED_AS = {Channel.STAFF: Channel.EMAIL}


def address_of(message: Message, contact: Known | None) -> str:
    """Return the one address of a message ("" when there is none), or for staff all, with commas between."""
    if contact is None:
        return ""
    email, phone, user_id = contact[:3]
    if message.channel == Channel.STAFF:
        return ", ".join(one for text in message.content.get("to", []) if (one := _email(str(text))))
    if message.channel in DEVICES:
        return user_id or f"con_{message.contact_id}"
    if message.channel in (Channel.SMS, Channel.WHATSAPP):
        return _phone(phone)
    return _email(email) if message.channel == Channel.EMAIL else ""


def last_known(message: Message) -> str:
    """Return the address of a message by what was read of its contact when it was claimed."""
    one = message.contact
    return address_of(message, (one.email, one.phone, one.user_id or "", one.timezone, True))


def _email(text: str) -> str:
    try:
        return normal_email(text) if text else ""
    except BadAddress:
        return ""


def _phone(text: str) -> str:
    try:
        return normal_phone(text) if text else ""
    except BadAddress:
        return ""


_STANDING = """
SELECT s.channel, s.digest FROM unnest(%s::text[], %s::text[]) AS w(channel, digest)
JOIN contacts_suppression s ON s.channel = w.channel AND s.digest = w.digest
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Addresses (channel, address) whose suppression was asked for, and where each of their digests is looked up."""

    addresses: frozenset[tuple[str, str]]
    digests: Mapping[tuple[str, str], tuple[str, str]]
    answer: Answer | None

    def suppressed(self) -> set[tuple[str, str]]:
        """Return which of them must not be written to."""
        return {self.digests[channel, digest] for channel, digest in self.answer.rows()} if self.answer else set()


def ask_suppressed(addresses: Collection[tuple[str, str]]) -> Asked:
    """Ask which of these (channel, address) must not be written to."""
    asked: dict[tuple[str, str], tuple[str, str]] = {}
    for channel, written in addresses:
        for address in filter(None, written.split(", ")):
            for digest in digests(address):
                asked[SUPPRESSED_AS.get(Channel(channel), channel), digest] = (channel, address)
    answer = ask(_STANDING, [array(one[0] for one in asked), array(one[1] for one in asked)]) if asked else None
    return Asked(frozenset(addresses), asked, answer)


def without(written: str, standing: Collection[tuple[str, str]], channel: str) -> str:
    """Return what is left of the written addresses when the suppressed ones are taken out."""
    return ", ".join(one for one in written.split(", ") if one and (channel, one) not in standing)
