"""The catalogue learns from what arrives: event names with their properties, attributes with their types."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contacts.models import name_id
from contacts.spec import Item
from contacts.storing import run
from contacts.types import leaves, type_of_value
from workspace.trips import Answer, array, ask

VALUE_PROPERTIES = ("revenue", "value", "total", "price", "amount")
MAX_PROPERTIES = 500
SEEN_EVERY = timedelta(minutes=1)


@dataclass(slots=True)
class Known:
    """What is known of one event name, and what this batch adds."""

    id: int
    value_property: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    blocked: bool = False
    last_seen_at: datetime | None = None
    chosen: bool = False
    learned: dict[str, str] = field(default_factory=dict)
    promoted: str = ""

    def learn(self, properties: dict[str, Any]) -> None:
        """Take note of properties not met before, and of the first that can be the value."""
        for name, value in properties.items():
            if name not in self.properties and (kind := type_of_value(value)) and len(self.properties) < MAX_PROPERTIES:
                self.properties[name] = self.learned[name] = kind
        if not self.value_property and not self.chosen:
            self.value_property = self.promoted = next(
                (name for name in VALUE_PROPERTIES if is_number(properties.get(name))), ""
            )

    def meet(self, standing: "Known") -> None:
        """Yield to what another batch stored of the name meanwhile: one property is the value of all its events."""
        free = not standing.value_property and not standing.chosen
        self.value_property, self.promoted = (self.promoted,) * 2 if free else (standing.value_property, "")
        self.learned = {name: kind for name, kind in self.learned.items() if name not in standing.properties}
        self.properties = {**self.learned, **standing.properties}
        self.blocked, self.last_seen_at, self.chosen = standing.blocked, standing.last_seen_at, standing.chosen


_NAMES = """
SELECT id, CASE WHEN promoting <> '' THEN promoting ELSE value_property END, properties, blocked, last_seen_at, chosen
FROM contacts_eventname WHERE id = ANY(%s::bigint[])
"""


def is_number(value: Any) -> bool:
    """Tell whether a JSON value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def ask_names(items: Iterable[Item]) -> Answer:
    """Ask for what is known of the event names of a batch."""
    return ask(_NAMES, [array({name_id(name) for name in {item.event for item in items if item.event}})])


def learn_names(items: Sequence[Item], at: datetime, asked: Answer | None = None) -> dict[str, Known]:
    """Return what is known of each event name of the batch, with what the batch taught stored."""
    held = {row[0]: _known(*row) for row in (asked or ask_names(items)).rows()}
    known = {name: held.get(name_id(name)) or Known(name_id(name)) for name in {item.event for item in items} - {""}}
    for item in items:
        if item.event:
            known[item.event].learn(item.properties)
    new = {name: one for name, one in known.items() if one.last_seen_at is None}
    if new:
        _insert_names(new, at)
    if promoting := [one for one in known.values() if one.last_seen_at and one.promoted]:
        _promote(promoting)
    stale = [one for one in known.values() if one.last_seen_at and _has_news(one, at)]
    if stale:
        _update_names(stale, at)
    return known


def _known(pk: int, value_property: str, properties: Any, *rest: Any) -> Known:
    return Known(pk, value_property, json.loads(properties) if isinstance(properties, str) else properties, *rest)


def _has_news(known: Known, at: datetime) -> bool:
    assert known.last_seen_at is not None
    return bool(known.learned or known.last_seen_at < at - SEEN_EVERY)


def _insert_names(new: dict[str, Known], at: datetime) -> None:
    """Write names in the order of their ids: two batches that bring the same ones wait, and never for each other.

    Whoever comes second goes by what the first one stored.
    """
    rows = [
        {"id": one.id, "name": name, "v": one.value_property, "p": one.properties, "at": at.isoformat()}
        for name, one in sorted(new.items(), key=lambda pair: pair[1].id)
    ]
    written = run(
        """INSERT INTO contacts_eventname (id, name, value_property, properties, hidden, blocked, first_seen_at, last_seen_at)
           SELECT id, name, v, p, false, false, at, at
           FROM jsonb_to_recordset(%s::jsonb) AS n(id bigint, name text, v text, p jsonb, at timestamptz) ORDER BY id
           ON CONFLICT DO NOTHING RETURNING id""",
        [json.dumps(rows)],
    )
    second = {one.id: one for one in new.values()}.keys() - {row[0] for row in written}
    if second:
        standing = {row[0]: _known(*row) for row in run(_NAMES, [sorted(second)])}
        for one in new.values():
            if one.id in standing:
                one.meet(standing[one.id])


def _promote(promoting: Sequence[Known]) -> None:
    """Store which property is the value of names that had none, once for all batches: later ones go by the first.

    This waits for a batch that is about to say so too; a name is promoted once in its life.
    """
    rows = json.dumps([{"id": one.id, "v": one.promoted} for one in promoting])
    ids = sorted(one.id for one in promoting)
    run("SELECT FROM contacts_eventname WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [ids])
    run(
        """UPDATE contacts_eventname e SET value_property = n.v
           FROM jsonb_to_recordset(%s::jsonb) AS n(id bigint, v text)
           WHERE e.id = n.id AND e.value_property = '' AND NOT e.chosen""",
        [rows],
    )
    standing = {row[0]: row[1] for row in run(_NAMES, [ids])}
    for one in promoting:
        one.value_property = standing[one.id]


def _update_names(stale: Sequence[Known], at: datetime) -> None:
    """Add what was learned; a name that another batch holds is left to a later one."""
    rows = [{"id": one.id, "p": one.learned, "at": at.isoformat()} for one in stale]
    run(
        """UPDATE contacts_eventname e SET
               properties = n.p || e.properties,
               last_seen_at = greatest(e.last_seen_at, n.at)
           FROM jsonb_to_recordset(%s::jsonb) AS n(id bigint, p jsonb, at timestamptz),
                LATERAL (SELECT id FROM contacts_eventname h WHERE h.id = n.id FOR NO KEY UPDATE SKIP LOCKED) held
           WHERE e.id = held.id""",
        [json.dumps(rows)],
    )


@dataclass(frozen=True, slots=True)
class Types:
    """The types of the attributes a batch says: of all, and of those a person declared."""

    all: dict[str, str]
    declared: dict[str, str]
    joined: dict[str, str] = field(default_factory=dict)  # name → the attribute that it was joined into


_ATTRIBUTES = """
SELECT a.name, a.type, a.declared, j.name FROM contacts_attribute a LEFT JOIN contacts_attribute j ON j.id = a.joined_into_id
WHERE split_part(a.name, '.', 1) = ANY(%s)
"""


def learn_attributes(said: Sequence[dict[str, Any]]) -> Types:
    """Return the types of every attribute said, with those met for the first time stored."""
    seen: dict[str, str] = {}
    tops: set[str] = set()
    for attributes in said:
        tops.update(attributes)
        for path, kind in leaves(attributes):
            seen.setdefault(path, kind)
    if not tops:
        return Types({}, {})
    rows = run(_ATTRIBUTES, [list(tops)])
    joined = {name: into for name, _, _, into in rows if into}
    if joined:
        rows = run(_ATTRIBUTES, [[*tops, *joined.values()]])
    known = {name: kind for name, kind, _, _ in rows}
    new = {path: kind for path, kind in seen.items() if path not in known}
    if new:
        _insert_attributes(new)
    return Types({**new, **known}, {name: kind for name, kind, declared, _ in rows if declared}, joined)


def _insert_attributes(new: dict[str, str]) -> None:
    run(
        """INSERT INTO contacts_attribute (name, label, type, declared, personal, hidden)
           SELECT n ->> 0, '', n ->> 1, false, false, false FROM jsonb_array_elements(%s::jsonb) n ON CONFLICT DO NOTHING""",
        [json.dumps(sorted(new.items()))],
    )
