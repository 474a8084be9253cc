"""Taking a contact's word that they want to hear no more, at once and as often as they say it."""

from datetime import datetime

from django.db import transaction

from contacts import changes, consents
from contacts.models import Contact, Topic
from messaging.models import Message
from messaging.settling import lock, properties_of
from messaging.telling import UNSUBSCRIBED, Told, tell
from workspace import clock, doorbell

SOURCE = "unsubscribe link"


def subject_of(message: Message) -> str:
    """Name what the message was about, or "" when it was about no topic."""
    topic = Topic.objects.filter(slug=message.topic).first() if message.topic else None
    return topic.name if topic else ""


@transaction.atomic
def unsubscribe(message: Message, *, everything: bool = False, source: str = SOURCE) -> None:
    """Record that the contact of a message wants no more of its topic (or of the whole channel); repeats change nothing."""
    contact = _standing(message.contact_id)
    if contact.erased_at is not None:
        return
    lock([contact.pk])
    at = clock.now()
    topic = "" if everything else message.topic
    held = consents.standing([contact.pk])
    if held.get((contact.pk, message.channel, topic)) == consents.UNSUBSCRIBED:
        return
    evidence = [consents.Evidence(contact.pk, message.channel, consents.UNSUBSCRIBED, source, at, topic)]
    consents.record(evidence)
    changes.note(consents.changes_of(evidence, fires=True, lane=0))
    tell([_told(message, contact, topic, at)], at)
    doorbell.ring_on_commit("attend")


def _told(message: Message, contact: Contact, topic: str, at: datetime) -> Told:
    stamp = f"{message.key}:{UNSUBSCRIBED}:{topic}:{at.isoformat()}"
    properties = {**properties_of(message), "scope": topic or "everything"}
    return Told(stamp, contact.pk, UNSUBSCRIBED, properties, at)


def _standing(contact_id: int) -> Contact:
    """Follow merges to the contact that stands."""
    contact = Contact.objects.get(pk=contact_id)
    for _ in range(100):
        if contact.merged_into_id is None:
            break
        contact = Contact.objects.get(pk=contact.merged_into_id)
    return contact
