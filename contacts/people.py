"""Contacts as a batch sees them: in memory between being found and being stored."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Optional

from contacts.models import AttributeType
from contacts.properties import CUSTOM, STANDARD
from contacts.traits import Traits
from contacts.types import as_type

Identity = tuple[str, str]  # kind, value
Turn = tuple[str, Any, Any, datetime]  # property name, what it was, what it became, when


@dataclass(slots=True, eq=False)
class Person:
    """One contact of a batch: what was loaded of it, and what the batch changes."""

    id: int
    user_id: str = ""
    new: bool = False
    loaded: bool = False
    columns: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    said_at: dict[str, str] = field(default_factory=dict)
    touched: bool = False
    changed: dict[str, datetime] = field(default_factory=dict)  # property name (customProperties.<top>) → instant
    turns: list[Turn] = field(default_factory=list)  # every change of a value, in order
    identities: list[Identity] = field(default_factory=list)
    merged_into: Optional["Person"] = None
    seen_at: datetime | None = None

    def winner(self) -> "Person":
        """Follow merges to the contact that stands."""
        person = self
        while person.merged_into is not None:
            person = person.merged_into
        return person

    def see(self, at: datetime) -> None:
        """Note that the contact was heard of."""
        if self.seen_at is None or at > self.seen_at:
            self.seen_at = at

    def hear(self, traits: Traits, at: datetime, types: dict[str, str], joined: dict[str, str] | None = None) -> None:
        """Take over traits said at an instant; per attribute the latest instant wins.

        `joined`: names that were joined into others; what is said by both counts by the name that stands.
        """
        custom = _by_standing_names(traits.custom, joined) if joined else traits.custom
        for name, value in traits.standard.items():
            self.say(name, value, at)
        for key, value in custom.items():
            self.say(CUSTOM + key, as_type(value, types.get(key)), at)
        if traits.group is not None:
            held = self.attributes.get("group")
            same = isinstance(held, dict) and held.get("groupId") == traits.group["groupId"]
            self.say(f"{CUSTOM}group", {**held, **traits.group} if same and held else traits.group, at)

    def say(self, name: str, value: Any, at: datetime) -> None:
        """Set one property (None clears it) unless something newer was said of it."""
        stamp = stamp_of(at)
        if self.said_at.get(name, "") > stamp:
            return
        self.said_at[name] = stamp
        self.touched = True
        was = self._held(name)
        if self._put(name, value):
            self.changed[name] = at
            self.turns.append((name, was, value, at))

    def _held(self, name: str) -> Any:
        if name in STANDARD:
            return self.columns.get(STANDARD[name].column) or None
        return self.attributes.get(name.removeprefix(CUSTOM))

    def _put(self, name: str, value: Any) -> bool:
        if name in STANDARD:
            column = STANDARD[name].column
            value = self.columns.get(column) if column == "created_at" and value is None else value
            value = "" if value is None else value
            if self.columns.get(column, "") == value:
                return False
            self.columns[column] = value
            return True
        key = name.removeprefix(CUSTOM)
        if value is None:
            return self.attributes.pop(key, None) is not None
        if key in self.attributes and same(self.attributes[key], value):
            return False
        self.attributes[key] = value
        return True


def _by_standing_names(said: dict[str, Any], joined: dict[str, str]) -> dict[str, Any]:
    moved = {joined[key]: value for key, value in said.items() if key in joined}
    return {**moved, **{key: value for key, value in said.items() if key not in joined}}


def stamp_of(at: datetime) -> str:
    """Write an instant so that texts compare as instants do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are the same, 1 and true being different."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


def dated(attributes: dict[str, Any], top: str, types: dict[str, str]) -> dict[str, Any]:
    """Return path → value of the date attributes at or below a top-level key."""
    found: dict[str, Any] = {}
    todo = [(top, attributes.get(top))]
    while todo:
        path, value = todo.pop()
        if isinstance(value, dict):
            todo.extend((f"{path}.{key}", inner) for key, inner in value.items() if "." not in key)
        elif types.get(path) in (AttributeType.DATE, AttributeType.DATETIME):
            found[path] = value
    return found
