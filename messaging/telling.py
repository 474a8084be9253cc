"""What became of messages, told to the contacts they went to: events under the Segment spec's names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contacts import changes, storing
from contacts.changes import NewChange
from contacts.learning import ask_names, learn_names
from contacts.resolution import ask_ids
from contacts.spec import Item
from contacts.storing import NewEvent
from workspace.trips import together

SOURCE = "messaging"
SENT = {
    "email": "Email Sent",
    "sms": "SMS Sent",
    "whatsapp": "WhatsApp Sent",
    "push": "Push Notification Sent",
    "onsite": "On-site Message Sent",
}
UNSUBSCRIBED = "Unsubscribed"


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that became of a message; the id makes it once."""

    id: str
    contact_id: int
    event: str
    properties: dict[str, Any]
    at: datetime


def tell(told: Sequence[Told], received_at: datetime) -> None:
    """Store events on contacts whose rows the caller has locked, set by set; an id told before is left out."""
    if not told:
        return
    facts = {f"event:{one.event}" for one in told}
    with together():
        accepted = storing.ask_accept(SOURCE, {one.id for one in told}, received_at)
        names = ask_names([_item(one) for one in {one.event: one for one in told}.values()])
        numbers = ask_ids("contacts_event", len(told))
        readers = changes.ask_facts(facts)
    _, fresh = storing.accepted(accepted)
    new = [one for one in told if one.id in fresh]
    if not new:
        return
    known = learn_names([_item(one) for one in new], received_at, names)
    ids = sorted(row[0] for row in numbers.rows())
    events = [_event(pk, one, known[one.event].id) for pk, one in zip(ids, new, strict=False)]
    storing.store_events(events, source=SOURCE, received_at=received_at)
    noted = [NewChange(one.contact_id, f"event:{one.name}", ref=one.id, at=one.at) for one in events]
    changes.note(noted, read=changes.facts_read(facts, readers))


def _item(one: Told) -> Item:
    return Item(0, "track", one.id, "", "", one.at, one.at, one.event, one.properties)


def _event(pk: int, one: Told, name_id: int) -> NewEvent:
    return NewEvent(
        id=pk,
        contact_id=one.contact_id,
        name=one.event,
        name_id=name_id,
        at=one.at,
        occurred_at=one.at,
        message_id=one.id,
        value=None,
        properties=one.properties,
    )
