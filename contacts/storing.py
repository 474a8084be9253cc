"""Writing what a batch says: one statement for each table, however large the batch."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from contacts.addresses import CHANNELS_OF, digest, key_of_email
from contacts.people import Person, dated
from contacts.properties import CUSTOM
from contacts.types import moment_of
from workspace.trips import Answer, array, ask, together

_CONTACT = """id bigint, user_id text, email text, phone text, first_name text, last_name text, country text, city text,
    language text, timezone text, created_at timestamptz, attributes jsonb, attributes_at jsonb"""
_NAMES = "user_id, email, phone, first_name, last_name, country, city, language, timezone, created_at, attributes, attributes_at"
_TEXTS = ("email", "phone", "first_name", "last_name", "country", "city", "language", "timezone")


@dataclass(slots=True)
class NewEvent:
    """One event row."""

    id: int
    contact_id: int
    name: str
    name_id: int
    at: datetime
    occurred_at: datetime
    message_id: str
    value: float | int | None
    properties: dict[str, Any]


def run(sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall()) if cursor.description else []


def accept(source: str, message_ids: Iterable[str], received_at: datetime) -> set[str]:
    """Write receipts and return the message ids that were not accepted before."""
    return accepted(ask_accept(source, message_ids, received_at))[1]


def ask_accept(source: str, message_ids: Iterable[str], received_at: datetime | None) -> Answer:
    """Write receipts, as of the house's clock unless an instant is given; `accepted` understands the answer."""
    return ask(
        """WITH clock AS MATERIALIZED (SELECT coalesce(%s::timestamptz, tributary_now()) AS now), fresh AS (
               INSERT INTO contacts_receipt (source, message_id, received_at)
               SELECT %s::text, m, clock.now FROM clock, unnest(%s::text[]) m
               ON CONFLICT (source, message_id) DO NOTHING RETURNING message_id
           ) SELECT clock.now, ARRAY(SELECT message_id FROM fresh) FROM clock""",
        [received_at, source, array(sorted(message_ids))],
    )


def accepted(answer: Answer) -> tuple[datetime, set[str]]:
    """Return when a batch was received, and the message ids that were not accepted before."""
    ((at, fresh),) = answer.rows()
    return at, set(fresh)


def store_people(people: Iterable[Person]) -> None:
    """Insert new contacts, update changed ones, and write the identities they were given."""
    written = [one for one in people if one.new or one.touched or one.identities]
    if not written:
        return
    with together():
        _store_new([one for one in written if one.new])
        _store_changed([one for one in written if one.touched and not one.new])
        _store_identities(written)
    _store_addresses([one for one in written if "email" in one.changed or "phone" in one.changed])


def _store_new(people: Sequence[Person]) -> None:
    if people:
        ask(
            f"INSERT INTO contacts_contact (id, {_NAMES}) SELECT id, {_NAMES} FROM jsonb_to_recordset(%s::jsonb) AS n({_CONTACT})",  # noqa: S608 - constants
            [json.dumps([_row(one) for one in people])],
        )


def _store_changed(people: Sequence[Person]) -> None:
    if people:
        sets = ", ".join(f"{name} = n.{name}" for name in _NAMES.split(", "))
        ask(
            f"UPDATE contacts_contact c SET {sets} FROM jsonb_to_recordset(%s::jsonb) AS n({_CONTACT}) WHERE c.id = n.id",  # noqa: S608 - constants
            [json.dumps([_row(one) for one in people])],
        )


def _row(person: Person) -> dict[str, Any]:
    columns = person.columns
    return {
        "id": person.id,
        "user_id": person.user_id or None,
        **{name: columns.get(name) or "" for name in _TEXTS},
        "created_at": columns["created_at"].isoformat(),
        "attributes": person.attributes,
        "attributes_at": person.said_at,
    }


def _store_identities(people: Iterable[Person]) -> None:
    rows = [{"k": kind, "v": value, "c": one.id} for one in people for kind, value in one.identities]
    if rows:
        ask(
            """INSERT INTO contacts_identity (kind, value, contact_id)
               SELECT k, v, c FROM jsonb_to_recordset(%s::jsonb) AS n(k text, v text, c bigint) ORDER BY k, v""",
            [json.dumps(rows)],
        )


def _store_addresses(people: Sequence[Person]) -> None:
    """Replace the addresses of contacts whose email or phone changed."""
    if not people:
        return
    rows = [row for one in people for row in _addresses_of(one)]
    channels = [
        [one.id, channel]
        for one in people
        for name in CHANNELS_OF
        if name in one.changed
        for channel in CHANNELS_OF[name]
    ]
    run(
        """DELETE FROM contacts_address a USING jsonb_array_elements(%s::jsonb) AS gone
           WHERE a.contact_id = (gone ->> 0)::bigint AND a.channel = gone ->> 1""",
        [json.dumps(channels)],
    )
    run(
        """INSERT INTO contacts_address (contact_id, channel, value, digest)
           SELECT c, ch, v, d FROM jsonb_to_recordset(%s::jsonb) AS n(c bigint, ch text, v text, d text)
           ON CONFLICT DO NOTHING""",
        [json.dumps(rows)],
    )


def _addresses_of(person: Person) -> Iterable[dict[str, Any]]:
    for name, channels in CHANNELS_OF.items():
        value = person.columns.get(name) if name in person.changed else None
        if value:
            normal = key_of_email(value) if name == "email" else value
            for channel in channels:
                yield {"c": person.id, "ch": channel, "v": normal, "d": digest(value)}


def store_moments(people: Iterable[Person], types: dict[str, str]) -> None:
    """Replace the moments at and below the top-level attributes that changed."""
    gone: list[list[Any]] = []
    rows: list[dict[str, Any]] = []
    for one in people:
        for name in one.changed:
            if name.startswith(CUSTOM):
                top = name.removeprefix(CUSTOM)
                found = dated(one.attributes, top, types)
                if found or (not one.new and any(path.partition(".")[0] == top for path in _date_paths(types))):
                    gone.append([one.id, top])
                rows += [
                    {"c": one.id, "a": path, "i": at.isoformat()} for path, v in found.items() if (at := moment_of(v))
                ]
    if gone:
        run(
            """DELETE FROM contacts_moment m USING jsonb_array_elements(%s::jsonb) AS gone
               WHERE m.contact_id = (gone ->> 0)::bigint AND split_part(m.attribute, '.', 1) = gone ->> 1""",
            [json.dumps(gone)],
        )
    if rows:
        run(
            """INSERT INTO contacts_moment (contact_id, attribute, instant)
               SELECT c, a, i FROM jsonb_to_recordset(%s::jsonb) AS n(c bigint, a text, i timestamptz)""",
            [json.dumps(rows)],
        )


def _date_paths(types: dict[str, str]) -> list[str]:
    return [path for path, kind in types.items() if kind in ("date", "datetime")]


def store_events(events: Sequence[NewEvent], *, source: str, received_at: datetime) -> None:
    """Write events; most happened when they arrived, and what goes without saying does not travel."""
    if events:
        rows = [
            {
                "i": one.id,
                "c": one.contact_id,
                "n": one.name_id,
                "a": None if one.at is received_at else one.at,
                "o": None if one.occurred_at is one.at else one.occurred_at,
                "m": one.message_id,
                "v": one.value,
                "p": one.properties,
            }
            for one in events
        ]
        ask(_EVENTS, [source, orjson.dumps(rows), received_at])


_EVENTS = """
INSERT INTO contacts_event (id, contact_id, name_id, at, occurred_at, received_at, source, message_id, value, properties)
SELECT i, c, n, coalesce(a, clock.now), coalesce(o, a, clock.now), clock.now, %s::text, m, v, p
FROM jsonb_to_recordset(%s::jsonb) AS said(i bigint, c bigint, n bigint, a timestamptz, o timestamptz, m text, v numeric, p jsonb),
     (SELECT %s::timestamptz AS now OFFSET 0) clock
"""


def store_activity(people: Iterable[Person]) -> None:
    """Move on when contacts were last heard of; never back."""
    rows = sorted([(one.id, one.seen_at) for one in people if one.seen_at])
    if rows:
        ask(
            """INSERT INTO contacts_activity AS a (contact_id, last_seen_at)
               SELECT * FROM unnest(%s::bigint[], %s::timestamptz[])
               ON CONFLICT (contact_id) DO UPDATE SET last_seen_at = excluded.last_seen_at
               WHERE excluded.last_seen_at > a.last_seen_at""",
            [array([pk for pk, _ in rows]), array([at.isoformat() for _, at in rows])],
        )
