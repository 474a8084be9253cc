"""The standard properties of a contact by their criteria names, and how any property name is typed."""

from collections.abc import Callable
from dataclasses import dataclass

from contacts.catalogue import Catalogue
from contacts.models import AttributeType

CUSTOM = "customProperties."
LABELS = {
    "email": "Email",
    "phone": "Phone",
    "firstName": "First name",
    "lastName": "Last name",
    "country": "Country",
    "city": "City",
    "language": "Language",
    "timezone": "Time zone",
    "createdAt": "Created at",
    "lastSeenAt": "Last seen at",
    "emailSubscribed": "Subscribed to email",
    "smsSubscribed": "Subscribed to SMS",
    "whatsappSubscribed": "Subscribed to WhatsApp",
}


@dataclass(frozen=True, slots=True)
class Property:
    """A standard property: its type and the column of Contact it stands in ("" when it is derived)."""

    type: AttributeType
    column: str = ""


STANDARD: dict[str, Property] = {
    "email": Property(AttributeType.TEXT, "email"),
    "phone": Property(AttributeType.TEXT, "phone"),
    "firstName": Property(AttributeType.TEXT, "first_name"),
    "lastName": Property(AttributeType.TEXT, "last_name"),
    "country": Property(AttributeType.TEXT, "country"),
    "city": Property(AttributeType.TEXT, "city"),
    "language": Property(AttributeType.TEXT, "language"),
    "timezone": Property(AttributeType.TEXT, "timezone"),
    "createdAt": Property(AttributeType.DATETIME, "created_at"),
    "lastSeenAt": Property(AttributeType.DATETIME),  # Activity.last_seen_at
    "emailSubscribed": Property(AttributeType.BOOLEAN),  # ConsentNow of the channel, topic ""
    "smsSubscribed": Property(AttributeType.BOOLEAN),
    "whatsappSubscribed": Property(AttributeType.BOOLEAN),
}
TEXT_COLUMNS = {name: one.column for name, one in STANDARD.items() if one.column and one.type == AttributeType.TEXT}
CONSENT_CHANNELS = {"emailSubscribed": "email", "smsSubscribed": "sms", "whatsappSubscribed": "whatsapp"}


def in_a_sentence(name: str) -> str:
    """Call a property as people do in the middle of a sentence: "first name", or an own attribute by its label or name."""
    label = LABELS.get(name, "") or _called(name)
    if label[1:2].isupper():  # "VIP tier" stays as it is
        return label
    return label[:1].lower() + label[1:] if label else name.removeprefix(CUSTOM)


def _called(name: str) -> str:
    return _namers[0](name) if _namers else ""


_namers: list[Callable[[str], str]] = []


def name_with(namer: Callable[[str], str]) -> None:
    """Call own attributes by what this returns, where it returns anything."""
    _namers[:] = [namer]


def is_custom(name: str) -> bool:
    """Tell whether a property name points below customProperties."""
    return name.startswith(CUSTOM) and len(name) > len(CUSTOM)


def type_of(name: str, catalogue: Catalogue) -> str | None:
    """Return the type of a property, or None when the name is not known (a custom one may still arrive)."""
    if name in STANDARD:
        return STANDARD[name].type.value
    return catalogue.attributes.get(name.removeprefix(CUSTOM)) if is_custom(name) else None


def fact_of(name: str) -> str:
    """Return the fact that a property is read under: of customProperties only the top-level key counts."""
    if is_custom(name):
        return f"attribute:{CUSTOM}{name.removeprefix(CUSTOM).partition('.')[0]}"
    return f"attribute:{name}"
