"""Why the answer about one contact is what it is: for every condition what was found, in words, and the events that count.

One query asks every condition of the tree through the same measures as an evaluation does; `holds` is what the tree takes
(with the condition's own `negate`), so a group's answer is all or any of what stands in it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from segmentation.catalogue import Catalogue
from segmentation.compiler import render
from segmentation.conditions import Condition
from segmentation.conditions.event import EventCondition
from segmentation.criteria import Criteria, placed
from segmentation.measures import Scene
from segmentation.sql import Sql, join, sql

FEW_EVENTS = 20


@dataclass(frozen=True, slots=True)
class Counting:
    """An event that counts for a condition."""

    id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Actual:
    """What one condition found about a contact."""

    path: str  # where the condition stands in the document: "conditions[1]"
    condition: Condition
    holds: bool
    found: Any  # a number, a text, true or false, a list, an instant as ISO text; None: no value
    words: str  # "2 in the window, at least 3 needed"
    events: Sequence[Counting] = ()  # the newest that count


def actuals(criteria: Criteria, contact_id: int, at: datetime, catalogue: Catalogue) -> list[Actual]:
    """Return what every condition found about a contact, in the order of the document; [] when there is no such contact."""
    scene = Scene(at=at, catalogue=catalogue, among=sql("{ids}::bigint[]", ids=[contact_id]))
    leaves = list(placed(criteria.root))
    columns = [column for leaf, _ in leaves for column in _columns(leaf, scene)]
    statement = sql(
        "SELECT {columns} FROM contacts_contact c WHERE c.id = {id}::bigint",
        columns=join(", ", columns),
        id=contact_id,
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        row = cursor.fetchone()
    if row is None:
        return []
    return [
        _actual(leaf, path, holds, found, events)
        for (leaf, path), (holds, found, events) in zip(leaves, _by_three(row), strict=True)
    ]


def _columns(leaf: Condition, scene: Scene) -> tuple[Sql, Sql, Sql]:
    events = leaf.counting(scene, FEW_EVENTS) if isinstance(leaf, EventCondition) else Sql("NULL::jsonb")
    holds = sql("({x}) IS TRUE", x=render(leaf, scene))
    return holds, sql("({x})::jsonb", x=leaf.found(scene)), events


def _by_three(row: Sequence[Any]) -> list[tuple[bool, Any, Any]]:
    return [(row[n], _read(row[n + 1]), _read(row[n + 2])) for n in range(0, len(row), 3)]


def _read(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _actual(leaf: Condition, path: str, holds: bool, found: Any, events: Any) -> Actual:
    counting = [Counting(pk, datetime.fromisoformat(at)) for pk, at in events or ()]
    return Actual(path, leaf, holds, found, leaf.told(found), counting)
