"""The contact document of the API: written by the house, read from outside."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from contacts.consents import SUBSCRIBED
from contacts.models import Activity, ConsentNow, Contact
from contacts.properties import CONSENT_CHANNELS, STANDARD, TEXT_COLUMNS
from contacts.traits import Traits, read_traits
from workspace import clean
from workspace.problems import refuse

DERIVED = {"lastSeenAt", *CONSENT_CHANNELS}
WRITABLE = [name for name in STANDARD if name not in DERIVED]
Document = dict[str, Any]


def document_of(contact: Contact) -> Document:
    """Return the document of one contact."""
    return documents_of([contact])[0]


def documents_of(contacts: Sequence[Contact]) -> list[Document]:
    """Return the documents of contacts: two queries, however many they are."""
    ids = [one.pk for one in contacts]
    seen = dict(Activity.objects.filter(contact_id__in=ids).values_list("contact_id", "last_seen_at"))
    consents = {
        (contact, channel)
        for contact, channel in ConsentNow.objects.filter(contact_id__in=ids, topic="", status=SUBSCRIBED).values_list(
            "contact_id", "channel"
        )
    }
    return [_document(one, seen.get(one.pk), consents) for one in contacts]


def _document(contact: Contact, seen: datetime | None, consents: set[tuple[int, str]]) -> Document:
    return {
        "id": contact.ref,
        "userId": contact.user_id,
        **{name: getattr(contact, column) or None for name, column in TEXT_COLUMNS.items()},
        "createdAt": _instant(contact.created_at),
        "lastSeenAt": _instant(seen),
        **{name: (contact.pk, channel) in consents for name, channel in CONSENT_CHANNELS.items()},
        "customProperties": contact.attributes,
    }


def _instant(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def read_document(document: Any) -> tuple[str, str, Traits]:
    """Return user id, anonymous id and what the document says; raise Refused with its faults."""
    if not isinstance(document, Mapping):
        raise refuse("", "A contact is a JSON object.")
    _refuse_unknown(document)
    try:
        clean.check(dict(document))
    except clean.Unclean as error:
        raise refuse(error.path, error.message) from error
    traits = read_traits({name: document[name] for name in WRITABLE if name in document}, trusted=True, path="")
    custom = document.get("customProperties", {})
    if not isinstance(custom, dict):
        raise refuse("customProperties", "customProperties is a JSON object.")
    traits.custom = custom
    return _identity(document, "userId"), _identity(document, "anonymousId"), traits


def _refuse_unknown(document: Mapping[str, Any]) -> None:
    for name in document:
        if name in CONSENT_CHANNELS:
            raise refuse(name, f"{name} follows from consent; record that at {{id}}/consents/ instead.")
        if name in ("lastSeenAt", "id"):
            raise refuse(name, f"{name} is kept by the house and cannot be written.")
        if name not in ("userId", "anonymousId", "customProperties", *WRITABLE):
            raise refuse(str(name), "There is no such property; own ones stand below customProperties.")


def _identity(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or not value.strip() or len(value) > 255:
        raise refuse(name, f"{name} is a text of 1 to 255 characters.")
    return value.strip()
