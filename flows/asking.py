"""Questions to the floors below, each for a whole batch at once."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from flows.rows import select
from messaging.models import Message
from segmentation import asking as personal
from segmentation import matching
from segmentation.given import NODE, Given
from workspace.models import Workspace

UNSETTLED = ("queued", "held", "sending", "calling")


def who_of(asked: Mapping[int, Collection[int]], at: datetime) -> dict[int, set[int]]:
    """Answer rules (rule → contacts to ask): for each, who of them holds; rules asked of the same contacts share a look."""
    together: dict[frozenset[int], list[int]] = {}
    for rule, contacts in asked.items():
        together.setdefault(frozenset(contacts), []).append(rule)
    answers: dict[int, set[int]] = {}
    for contacts, rules in together.items():
        answers.update(matching.who(rules, contacts, at))
    return answers


class Subject(Protocol):
    """Somebody who is asked as one enrollment, or as one reason to start."""

    @property
    def contact_id(self) -> int:
        """Return whom it is about."""
        ...

    @property
    def context(self) -> Mapping[str, Any]:
        """Return what it remembers: trigger, answers."""
        ...

    @property
    def began_at(self) -> datetime:
        """Return when it began."""
        ...

    @property
    def number(self) -> int:
        """Return its enrollment, 0 when there is none yet."""
        ...


S = TypeVar("S", bound=Subject)


class Answers:
    """For whom each rule holds: by contact or, where the rule speaks of the enrollment, by that."""

    def __init__(self, plain: Mapping[int, set[int]], own: Collection[tuple[int, int]] = ()) -> None:
        self._plain = plain
        self._own = own

    def holds(self, rule: int, one: Subject) -> bool:
        """Tell whether a rule holds for somebody who was asked."""
        return one.contact_id in self._plain.get(rule, ()) or (rule, id(one)) in self._own


Passed = Mapping[tuple[int, str], datetime]  # enrollment and node → when it was passed last


def answers(asked: Mapping[int, Collection[S]], at: datetime, passed: Passed | None = None) -> Answers:
    """Ask rules of subjects; `passed` are steps that are not written yet."""
    own = personal.personal(asked)
    plain = {rule: {one.contact_id for one in those} for rule, those in asked.items() if rule not in own}
    if not own:
        return Answers(who_of(plain, at))
    nodes = {name.removeprefix(NODE) for every in own.values() for name in every if name.startswith(NODE)}
    subjects = [(rule, one) for rule in own for one in asked[rule]]
    known = {**_passed({one.number for _, one in subjects}, nodes), **(passed or {})}
    questions = [(rule, one.contact_id, _given(one, nodes, known)) for rule, one in subjects]
    yes = personal.holding(questions, at)
    return Answers(who_of(plain, at), {(subjects[n][0], id(subjects[n][1])) for n in yes})


_PASSED = """
SELECT enrollment_id, node, max(at) FROM flows_step WHERE enrollment_id = ANY(%s) AND node = ANY(%s) GROUP BY 1, 2
"""


def _passed(enrollments: Collection[int], nodes: Collection[str]) -> dict[tuple[int, str], datetime]:
    rows = select(_PASSED, [sorted(enrollments), sorted(nodes)]) if nodes else []
    return {(enrollment, node): at for enrollment, node, at in rows}


def last_steps(enrollments: Collection[int]) -> dict[int, datetime]:
    """Return when each of these made its last step."""
    sql = "SELECT enrollment_id, max(at) FROM flows_step WHERE enrollment_id = ANY(%s) GROUP BY 1"
    return dict(select(sql, [sorted(set(enrollments))]))


def given_of(one: Subject, passed: Passed) -> Given:
    """Return what criteria may know of somebody who has passed these."""
    return _given(one, {node for _, node in passed}, passed)


def _given(one: Subject, nodes: Collection[str], passed: Passed) -> Given:
    trigger = one.context.get("trigger", {})
    began = trigger.get("at")
    return Given(
        entry=datetime.fromisoformat(began) if began else one.began_at,
        nodes={node: passed[one.number, node] for node in nodes if (one.number, node) in passed},
        trigger=trigger.get("event", {}),
        answers=one.context.get("answers", {}),
    )


_ALIVE = "SELECT id FROM contacts_contact WHERE id = ANY(%s) AND erased_at IS NULL AND merged_into_id IS NULL"


def alive(contacts: Collection[int]) -> set[int]:
    """Return who of these contacts is neither erased nor merged."""
    return {row[0] for row in select(_ALIVE, [list(contacts)])}


def settled(keys: Collection[str]) -> dict[str, tuple[str, Any]]:
    """Return what became of these messages, and what the other program answered."""
    rows = Message.objects.filter(key__in=keys).values_list("key", "status", "content__answer") if keys else []
    return {key: (status, answer) for key, status, answer in rows}


def unsettled(enrollments: Collection[int]) -> dict[int, str]:
    """Return the newest message of each of these enrollments that has neither gone nor been refused yet."""
    threads = {f"e:{pk}": pk for pk in enrollments}
    rows = (
        Message.objects.filter(thread__in=threads, status__in=UNSETTLED).order_by("turn").values_list("thread", "key")
    )
    return {threads[thread]: key for thread, key in rows}


def zone() -> str:
    """Return the workspace's time zone."""
    return Workspace.objects.values_list("timezone", flat=True).filter(pk=1).first() or "UTC"


def today(at: datetime) -> datetime:
    """Return when the workspace's day began."""
    return at.astimezone(ZoneInfo(zone())).replace(hour=0, minute=0, second=0, microsecond=0)


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
SELECT e.id, n.name, e.at, e.source, e.properties FROM unnest(%s::bigint[], %s::timestamptz[]) AS w(id, at)
JOIN contacts_event e ON e.id = w.id AND e.at = w.at JOIN contacts_eventname n ON n.id = e.name_id
"""


def events(wanted: Collection[tuple[int, datetime]]) -> dict[int, dict[str, Any]]:
    """Return these events (id and instant) by id."""
    if not wanted:
        return {}
    rows = select(_EVENTS, [[pk for pk, _ in wanted], [at for _, at in wanted]])
    return {
        pk: {"id": pk, "name": name, "at": at.isoformat(), "source": source, "properties": json.loads(properties)}
        for pk, name, at, source, properties in rows
    }


def trigger_context(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an enrollment remembers of the event that started it: its properties, its name and its instant."""
    said = {"name": event["name"], "at": event["at"], **event["properties"]}
    return {"trigger": {"event": said, "at": event["at"]}}


def events_where(asked: Mapping[int, Collection[int]], at: datetime) -> dict[int, set[int]]:
    """Answer rules about events themselves (rule → event ids): for each, which of them its filter holds for."""
    return {rule: matching.events(rule, ids, at) for rule, ids in asked.items()}


def members(segment: str, contacts: Collection[int]) -> set[int]:
    """Return who of these contacts is in a segment now."""
    sql = """SELECT m.contact_id FROM segmentation_membership m JOIN segmentation_segment s ON s.id = m.segment_id
             WHERE s.slug = %s AND m.contact_id = ANY(%s)"""
    return {row[0] for row in select(sql, [segment, list(contacts)])}


def listed(name: str, contacts: Collection[int]) -> set[int]:
    """Return who of these contacts is on a list now."""
    sql = """SELECT m.contact_id FROM contacts_listmember m JOIN contacts_list l ON l.id = m.list_id
             WHERE l.slug = %s AND m.contact_id = ANY(%s)"""
    return {row[0] for row in select(sql, [name, list(contacts)])}
