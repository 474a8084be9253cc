"""Contacts locked in the order of their ids, and read under the lock."""

import json
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db import connection

from contacts.people import Person
from workspace.trips import array, ask


class Stale(Exception):
    """Contacts were merged or erased while they were being looked up: look again."""


def lock(people: Iterable[Person], *, strength: str) -> None:
    """Lock contacts by id; raise Stale when one was merged or erased since it was looked up."""
    ids = [person.id for person in people if not person.new]
    if not ids:
        return
    held = ask(
        f"""WITH held AS MATERIALIZED (
                SELECT merged_into_id IS NULL AND erased_at IS NULL AS stands
                FROM contacts_contact WHERE id = ANY(%s::bigint[]) ORDER BY id FOR {strength}
            ) SELECT count(*) FILTER (WHERE stands) FROM held""",  # noqa: S608 - ours
        [array(ids)],
    )
    if held.rows() != [(len(set(ids)),)]:
        raise Stale


def lock_standing(contact_ids: Collection[int]) -> list[tuple[int, str]]:
    """Lock contacts by id and return id and user id of those that are neither merged nor erased."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT id, coalesce(user_id, ''), merged_into_id IS NULL AND erased_at IS NULL
               FROM contacts_contact WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE""",
            [list(contact_ids)],
        )
        return [(pk, user_id) for pk, user_id, stands in cursor.fetchall() if stands]


def load(people: Iterable[Person]) -> None:
    """Read the rows of contacts that are about to be changed (and are locked)."""
    wanted = {person.id: person for person in people if not person.loaded}
    if not wanted:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT id, email, phone, first_name, last_name, country, city, language, timezone, created_at,
                      attributes, attributes_at FROM contacts_contact WHERE id = ANY(%s)""",
            [list(wanted)],
        )
        for row in cursor.fetchall():
            _fill(wanted[row[0]], row)


COLUMNS = ("email", "phone", "first_name", "last_name", "country", "city", "language", "timezone", "created_at")


def _fill(person: Person, row: tuple[Any, ...]) -> None:
    person.columns = dict(zip(COLUMNS, row[1:10], strict=True))
    person.attributes, person.said_at = _json(row[10]), _json(row[11])
    person.loaded = True


def _json(value: Any) -> dict[str, Any]:
    return dict(json.loads(value)) if isinstance(value, str) else dict(value)


def created(people: Iterable[Person], at: datetime) -> None:
    """Give new contacts the instant they were made at, unless they said another."""
    for person in people:
        if person.new:
            person.columns.setdefault("created_at", at)
