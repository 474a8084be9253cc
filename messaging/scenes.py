"""The plain values that templates see: nothing but text, numbers, lists and objects."""

import re
from collections.abc import Mapping
from typing import Any

from contacts.models import Contact, Event, EventName
from workspace.models import Workspace

STANDARD = {
    "userId": "user_id",
    "email": "email",
    "phone": "phone",
    "firstName": "first_name",
    "lastName": "last_name",
    "country": "country",
    "city": "city",
    "language": "language",
    "timezone": "timezone",
}
EXAMPLE = {
    "userId": "example-1",
    "email": "maria@example.com",
    "firstName": "Maria",
    "lastName": "Example",
    "country": "PT",
    "city": "Porto",
    "customProperties": {},
}
EVENT_TAG = re.compile(r"\bevent\.([A-Za-z_]\w*)")


def contact_values(contact: Contact) -> dict[str, Any]:
    """Return a contact as templates know it, by criteria property names."""
    values: dict[str, Any] = {name: getattr(contact, column) or "" for name, column in STANDARD.items()}
    values["customProperties"] = contact.attributes
    return values


def values_for(
    contact: Mapping[str, Any], content: Mapping[str, Any], house: Workspace, unsubscribe_url: str
) -> dict[str, Any]:
    """Return everything one message's templates may read."""
    return {
        "contact": contact,
        "event": content.get("event") or {},
        "answers": content.get("answers") or {},
        "campaign": content.get("campaign") or "",
        "unsubscribe_url": unsubscribe_url,
        "workspace": {"name": house.name, "senderLine": house.sender_line, "currency": house.currency},
    }


def example_event(text: str, contact: Contact | None) -> dict[str, Any]:
    """Return the properties of the newest event that has what a template reads of one: the contact's own, if any."""
    wanted = set(EVENT_TAG.findall(text))
    if not wanted:
        return {}
    known = {one.pk: len(wanted & set(one.properties)) for one in EventName.objects.all()}
    best = max(known, key=lambda pk: (known[pk], -pk), default=0)
    if not known.get(best):
        return {}
    events = Event.objects.filter(name=best).order_by("-at")
    found = events.filter(contact=contact).first() if contact is not None else None
    newest = found or events.first()
    return dict(newest.properties) if newest else {}


def preview_values(contact: Contact | None, event: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the values of a preview: a contact's, or an invented one's, with a link that leads nowhere."""
    who = contact_values(contact) if contact is not None else EXAMPLE
    return values_for(who, {"event": dict(event or {})}, Workspace.objects.get(pk=1), "#unsubscribe")
