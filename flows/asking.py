"""Questions to the floors below, each for a whole batch at once."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from contacts.models import Contact
from flows.rows import select
from messaging.models import Message
from segmentation import matching
from workspace.models import Workspace


def who_of(asked: Mapping[int, Collection[int]], at: datetime) -> dict[int, set[int]]:
    """Answer rules (rule → contacts to ask): for each, who of them holds; rules asked of the same contacts share a look."""
    together: dict[frozenset[int], list[int]] = {}
    for rule, contacts in asked.items():
        together.setdefault(frozenset(contacts), []).append(rule)
    answers: dict[int, set[int]] = {}
    for contacts, rules in together.items():
        answers.update(matching.who(rules, contacts, at))
    return answers


def alive(contacts: Collection[int]) -> set[int]:
    """Return who of these contacts is neither erased nor merged."""
    rows = Contact.objects.filter(pk__in=contacts, erased_at=None, merged_into=None)
    return set(rows.values_list("pk", flat=True))


def settled(keys: Collection[str]) -> dict[str, str]:
    """Return what became of these messages."""
    return dict(Message.objects.filter(key__in=keys).values_list("key", "status")) if keys else {}


def today(at: datetime) -> datetime:
    """Return when the workspace's day began."""
    zone = Workspace.objects.values_list("timezone", flat=True).filter(pk=1).first() or "UTC"
    return at.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Moved:
    """A transition, and when the one before it was."""

    kind: str
    seq: int
    at: datetime
    before: datetime | None


_TRANSITIONS = """
SELECT t.id, t.kind, t.seq, t.at, p.at FROM segmentation_transition t
LEFT JOIN segmentation_transition p
    ON p.segment_id = t.segment_id AND p.contact_id = t.contact_id AND p.seq = t.seq - 1
WHERE t.id = ANY(%s)
"""


def transitions(ids: Collection[int]) -> dict[int, Moved]:
    """Return these transitions by id."""
    if not ids:
        return {}
    return {pk: Moved(kind, seq, at, before) for pk, kind, seq, at, before in select(_TRANSITIONS, [list(ids)])}


_EVENTS = """
SELECT e.id, n.name, e.at, e.properties FROM unnest(%s::bigint[], %s::timestamptz[]) AS w(id, at)
JOIN contacts_event e ON e.id = w.id AND e.at = w.at JOIN contacts_eventname n ON n.id = e.name_id
"""


def events(wanted: Collection[tuple[int, datetime]]) -> dict[int, dict[str, Any]]:
    """Return these events (id and instant) by id."""
    if not wanted:
        return {}
    rows = select(_EVENTS, [[pk for pk, _ in wanted], [at for _, at in wanted]])
    return {
        pk: {"id": pk, "name": name, "at": at.isoformat(), "properties": json.loads(properties)}
        for pk, name, at, properties in rows
    }


def trigger_context(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a journey remembers of the event that started it: its properties, its name and its instant."""
    said = {"name": event["name"], "at": event["at"], **event["properties"]}
    return {"trigger": {"event": said}}


def events_where(asked: Mapping[int, Collection[int]], at: datetime) -> dict[int, set[int]]:
    """Answer rules about events themselves (rule → event ids): for each, which of them its filter holds for."""
    return {rule: matching.events(rule, ids, at) for rule, ids in asked.items()}


def members(segment: str, contacts: Collection[int]) -> set[int]:
    """Return who of these contacts is in a segment now."""
    sql = """SELECT m.contact_id FROM segmentation_membership m JOIN segmentation_segment s ON s.id = m.segment_id
             WHERE s.slug = %s AND m.contact_id = ANY(%s)"""
    return {row[0] for row in select(sql, [segment, list(contacts)])}
