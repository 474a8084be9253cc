"""Attributes and event names as lists that people and programs search, filter and sort."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from contacts.counting import recent_events
from contacts.joining import alike
from contacts.models import Attribute, EventName
from contacts.usage import QUIET, Usage, attribute_usage
from workspace import clock

PAGE = 100
T = TypeVar("T")
NEVER = datetime.min.replace(tzinfo=UTC)
ATTRIBUTES_SHOWN = {
    "": "All",
    "declared": "Declared",
    "learned": "Learned",
    "duplicates": "Duplicates",
    "quiet": "Not seen lately",
    "hidden": "Hidden",
}
ATTRIBUTES_SORTED = {"": "Name", "contacts": "Most contacts", "seen": "Last seen", "type": "Type"}
EVENTS_SHOWN = {
    "": "All",
    "duplicates": "Duplicates",
    "quiet": "Not seen lately",
    "hidden": "Hidden",
    "blocked": "Blocked",
}
EVENTS_SORTED = {"": "Last seen", "count": "Most frequent", "name": "Name"}


@dataclass(frozen=True, slots=True)
class Named:
    """An attribute as a list shows it."""

    attribute: Attribute
    usage: Usage | None  # None: it stands within a group, which is counted as a whole
    quiet: bool
    alike: list[str]


@dataclass(frozen=True, slots=True)
class Happening:
    """An event name as a list shows it."""

    name: EventName
    count: int
    quiet: bool
    alike: list[str]


def attributes(q: str = "", show: str = "", sort: str = "") -> list[Named]:
    """Return the attributes that are asked for."""
    every = list(Attribute.objects.select_related("joined_into").order_by("name"))
    same = alike(one.name for one in every if one.joined_into_id is None)
    used, now = attribute_usage().of, clock.now()
    rows = [_named(one, used.get(one.name), same.get(one.name, []), now) for one in every]
    found = [one for one in rows if _asked(one, q.casefold(), show)]
    return sorted(found, key=lambda one: _order(one, sort))


def _named(one: Attribute, usage: Usage | None, same: list[str], now: datetime) -> Named:
    usage = usage or (None if "." in one.name else Usage())
    return Named(one, usage, usage is not None and usage.quiet(now) and one.created_at < now - QUIET, same)


def _asked(row: Named, q: str, show: str) -> bool:
    one = row.attribute
    if q and q not in one.name.casefold() and q not in one.label.casefold():
        return False
    kept = {
        "declared": one.declared,
        "learned": not one.declared,
        "duplicates": bool(row.alike),
        "quiet": row.quiet,
        "hidden": one.hidden,
    }
    return kept.get(show, True)


def _order(row: Named, sort: str) -> tuple[object, ...]:
    one, usage = row.attribute, row.usage or Usage()
    first: dict[str, object] = {
        "contacts": -usage.contacts,
        "seen": -(usage.said_at or NEVER).timestamp() if usage.said_at else 0.0,
        "type": one.type,
    }
    return (first.get(sort, 0), one.name.casefold(), one.name)


def events(q: str = "", show: str = "", sort: str = "", *, days: int = 30) -> list[Happening]:
    """Return the event names that are asked for, blocked and hidden ones among all of them."""
    every = list(EventName.objects.order_by("-last_seen_at", "name"))
    same, counts, since = alike(one.name for one in every), recent_events(days), clock.now() - QUIET
    rows = [Happening(one, counts.get(one.pk, 0), one.last_seen_at < since, same.get(one.name, [])) for one in every]
    found = [one for one in rows if (not q or q.casefold() in one.name.name.casefold()) and _is(one, show)]
    if sort == "count":
        return sorted(found, key=lambda one: (-one.count, one.name.name))
    return sorted(found, key=lambda one: one.name.name.casefold()) if sort == "name" else found


def _is(row: Happening, show: str) -> bool:
    one = row.name
    kept = {"duplicates": bool(row.alike), "quiet": row.quiet, "hidden": one.hidden, "blocked": one.blocked}
    return kept.get(show, True)


def part(rows: Sequence[T], page: int) -> tuple[Sequence[T], bool]:
    """Return one page of rows, counted from 0, and whether there are more."""
    return rows[page * PAGE : (page + 1) * PAGE], len(rows) > (page + 1) * PAGE
