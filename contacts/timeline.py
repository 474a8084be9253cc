"""What a contact did, latest first, a page at a time."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from contacts.instants import read_instant
from contacts.models import Contact, Event

PAGE = 30
ICONS = {
    "order": "shopping-cart",
    "cart": "shopping-cart",
    "added": "plus",
    "mail": "mail",
    "newsletter": "mail-open",
    "view": "eye",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as it is shown."""

    name: str
    at: datetime
    claimed_at: datetime | None  # when it claims to have happened, if that is ahead of its arrival
    source: str
    value: str  # with its currency where the event names one
    properties: list[tuple[str, str]]
    tone: int
    icon: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """One page of a contact's events."""

    entries: list[Entry]
    older: str  # the key of the next page
    first: bool

    @classmethod
    def of(cls, contact: Contact, before: str = "") -> "Timeline":
        """Read the page that begins below a key "<instant>~<id>"."""
        found = Event.objects.filter(contact=contact).select_related("name").order_by("-at", "-pk")
        if key := _key(before):
            found = found.filter(Q(at__lt=key[0]) | Q(at=key[0], pk__lt=key[1]))
        rows = list(found[: PAGE + 1])
        last = rows[PAGE - 1] if len(rows) > PAGE else None
        return cls(
            [_entry(one) for one in rows[:PAGE]], f"{last.at.isoformat()}~{last.pk}" if last else "", first=key is None
        )


def _key(text: str) -> tuple[datetime, int] | None:
    instant, _, pk = text.partition("~")
    at = read_instant(instant.replace(" ", "+"))
    return (at, int(pk)) if at and pk.isascii() and pk.isdigit() and len(pk) <= 18 else None


def _entry(event: Event) -> Entry:
    return Entry(
        name=event.name.name,
        at=event.at,
        claimed_at=event.occurred_at if event.occurred_at > event.received_at else None,
        source=event.source,
        value=_money(event),
        properties=[(key, _shown(value)) for key, value in sorted(event.properties.items())],
        tone=event.name_id % 10,
        icon=_icon(event.name.name.lower()),
    )


def _money(event: Event) -> str:
    if event.value is None:
        return ""
    currency = event.properties.get("currency")
    unit = f" {currency}" if isinstance(currency, str) and len(currency) == 3 else ""
    return f"{event.value.normalize():,f}{unit}"


def _icon(name: str) -> str:
    return next((icon for word, icon in ICONS.items() if word in name), "zap")


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
