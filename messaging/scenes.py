"""The plain values that templates see: nothing but text, numbers, lists and objects."""

from collections.abc import Mapping
from typing import Any

from contacts.models import Contact
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


def preview_values(contact: Contact | None, event: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the values of a preview: a contact's, or an invented one's, with a link that leads nowhere."""
    who = contact_values(contact) if contact is not None else EXAMPLE
    return values_for(who, {"event": dict(event or {})}, Workspace.objects.get(pk=1), "#unsubscribe")
