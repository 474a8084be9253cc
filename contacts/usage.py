"""How much attributes and events are used: counted while there are few, estimated after that, a minute old at most."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.cache import cache

from contacts.counting import standing_count
from contacts.models import Event, EventName
from contacts.properties import CUSTOM
from contacts.storing import run
from workspace import clock

REMEMBERED = 60  # seconds
MANY_PEOPLE = 200_000  # above this a part of the contacts is looked at
LOOKED_AT = 200  # newest events of a name that its samples are from
SAMPLES = 5
QUIET = timedelta(days=30)
_PERSONAL = re.compile(r"@|^\+?[\d\s().-]{7,}$")
_NAMED_PERSONAL = re.compile(r"e-?mail|phone|mobile|name|address|birth|passw|token|secret|\bip\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Usage:
    """How many contacts have an attribute, and when it was last said of anybody."""

    contacts: int = 0
    said_at: datetime | None = None

    def quiet(self, now: datetime) -> bool:
        """Tell whether nobody has said it lately."""
        return self.said_at is None or self.said_at < now - QUIET


@dataclass(frozen=True, slots=True)
class Usages:
    """The usage of every attribute that stands at the top of customProperties."""

    of: Mapping[str, Usage]
    estimated: bool


def attribute_usage() -> Usages:
    """Return how attributes are used: one grouped query for all of them."""
    found: Usages | None = cache.get("attribute_usage")
    if found is None:
        found = _attribute_usage()
        cache.set("attribute_usage", found, REMEMBERED * (10 if found.estimated else 1))
    return found


def _attribute_usage() -> Usages:
    people = standing_count()
    share = min(1.0, MANY_PEOPLE / people) if people else 1.0
    part = f"TABLESAMPLE SYSTEM ({share * 100:.4f})" if share < 1 else ""
    rows = run(
        f"""SELECT said.key, count(*) FILTER (WHERE c.attributes ? substr(said.key, %s)), max(said.value)
            FROM contacts_contact c {part}, jsonb_each_text(c.attributes_at) said
            WHERE c.merged_into_id IS NULL AND c.erased_at IS NULL AND starts_with(said.key, %s) GROUP BY 1""",  # noqa: S608 - a number
        [len(CUSTOM) + 1, CUSTOM],
    )
    used = {key.removeprefix(CUSTOM): Usage(round(count / share), _instant(at)) for key, count, at in rows}
    return Usages(used, share < 1)


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Sampled:
    """A property of an event name: its type, how many of the newest events carry it, and values that were seen."""

    name: str
    type: str
    share: int  # per cent of the newest events
    samples: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Look:
    """One event name as its page shows it."""

    days: list[tuple[date, int]]
    properties: list[Sampled]
    looked_at: int

    @property
    def count(self) -> int:
        """Return how many came in these days."""
        return sum(count for _, count in self.days)

    def as_json(self) -> dict[str, Any]:
        """Return the wire form."""
        return {
            "days": [{"day": day.isoformat(), "count": count} for day, count in self.days],
            "count": self.count,
            "looked_at": self.looked_at,
            "properties": [
                {"name": one.name, "type": one.type, "share": one.share, "samples": one.samples}
                for one in self.properties
            ],
        }


def look(name: EventName, days: int) -> Look:
    """Return what is known of an event name, at most a minute old: by day, and from its newest events."""
    key = f"event_look:{name.pk}:{days}"
    found: Look | None = cache.get(key)
    if found is None:
        newest = list(Event.objects.filter(name=name).order_by("-at").values_list("properties", flat=True)[:LOOKED_AT])
        found = Look(_by_day(name, days), _sampled(name, newest), len(newest))
        cache.set(key, found, REMEMBERED)
    return found


def _by_day(name: EventName, days: int) -> list[tuple[date, int]]:
    today = clock.now().astimezone(UTC).date()
    first = today - timedelta(days=days - 1)
    counts = dict(
        run(
            """SELECT (at AT TIME ZONE 'UTC')::date, count(*) FROM contacts_event
               WHERE name_id = %s AND at >= %s AND at < %s GROUP BY 1""",
            [name.pk, datetime(first.year, first.month, first.day, tzinfo=UTC), clock.now() + timedelta(days=1)],
        )
    )
    return [(day, counts.get(day, 0)) for day in (first + timedelta(days=n) for n in range(days))]


def _sampled(name: EventName, newest: list[dict[str, Any]]) -> list[Sampled]:
    found = []
    for key, kind in sorted(name.properties.items()):
        values = [one[key] for one in newest if key in one]
        shown = list(dict.fromkeys(shown_value(key, value) for value in values))[:SAMPLES]
        found.append(Sampled(key, kind, round(100 * len(values) / len(newest)) if newest else 0, shown))
    return found


def shown_value(name: str, value: Any) -> str:
    """Write a value for people, covering what looks like somebody's own."""
    text = value if isinstance(value, str) else str(value)
    if isinstance(value, str) and (_PERSONAL.search(text) or (_NAMED_PERSONAL.search(name) and text)):
        return "•••"
    return text if len(text) <= 60 else f"{text[:59]}…"
