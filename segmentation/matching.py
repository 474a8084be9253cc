"""Who matches: asked by flows for filters, splits and exits, and by people before they save."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from contacts.models import Contact
from segmentation.catalogue import Catalogue, load_catalogue
from segmentation.compiler import JOINED, matching_among, q
from segmentation.conditions.event import EventCondition
from segmentation.criteria import Criteria, leaves, parse, words
from segmentation.estimating import estimate, span, within
from segmentation.measures import Scene
from segmentation.models import SegmentRule
from segmentation.room import room
from segmentation.rules import criteria_of
from workspace.problems import Fault, refuse

RULES_AT_ONCE = 40
CONTACTS_AT_ONCE = 5000
SMALL = 50_000  # so many contacts are counted in no time
QUICK, PATIENT = 0.3, 45.0  # seconds that counting may take before it is estimated
NAMING = 0.15  # seconds that finding a few of those may take who were counted quickly


def who(rules: Sequence[SegmentRule | int], contact_ids: Collection[int], at: datetime) -> dict[int, set[int]]:
    """Return, by rule id, which of these contacts match: a batch in one look, its events in one shared scan."""
    asked = criteria_of(rule if isinstance(rule, int) else rule.pk for rule in rules)
    answers: dict[int, set[int]] = {pk: set() for pk in asked}
    if not contact_ids:
        return answers
    catalogue, keys, ids = load_catalogue(), list(asked), sorted(set(contact_ids))
    for first in range(0, len(keys), RULES_AT_ONCE):
        some = {key: asked[key] for key in keys[first : first + RULES_AT_ONCE]}
        for start in range(0, len(ids), CONTACTS_AT_ONCE):
            for key, contact in _look(some, ids[start : start + CONTACTS_AT_ONCE], at, catalogue):
                answers[key].add(contact)
    return answers


def _look(some: dict[int, Criteria], ids: list[int], at: datetime, catalogue: Catalogue) -> list[tuple[int, int]]:
    statement = matching_among(some, ids, at, catalogue)
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return [(row[0], row[1]) for row in cursor.fetchall()]


def events(rule: SegmentRule | int, event_ids: Collection[int], at: datetime) -> set[int]:
    """Return which of these events an EVENT rule means: its name, window and filter; not how many are asked for."""
    pk = rule if isinstance(rule, int) else rule.pk
    root = criteria_of([pk])[pk].root
    if not isinstance(root, EventCondition):
        raise refuse("criteria", "Only a single EVENT condition says which events it means.")
    statement = root.events_among(Scene(at=at, catalogue=load_catalogue()), list(event_ids))
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return {row[0] for row in cursor.fetchall()}


@dataclass(frozen=True, slots=True)
class Preview:
    """What a document would find: how many, whether that is exact, a few ids, itself in words, what may surprise."""

    count: int
    exact: bool
    sample: list[int]
    words: str
    warnings: list[Fault]
    fewer_than: int | None = None  # of an estimate that found hardly anybody: what it surely stays below


def preview(document: Any, at: datetime, n: int = 10, *, exact: bool = True) -> Preview:
    """Return who matches a document, without saving anything; raise Refused with its faults.

    Unless the `exact` number is asked for, counting may take a third of a second and is an estimate otherwise.
    """
    catalogue = load_catalogue()
    criteria = parse(document, catalogue)
    found = Contact.objects.filter(q(criteria, at=at, catalogue=catalogue))
    counting, naming = (PATIENT, PATIENT) if exact or span() <= SMALL else (_quick(criteria), NAMING)
    number = within(counting, found.count)
    ids = None if number is None else within(naming, lambda: _few(found, n))
    said, surprises = words(criteria), criteria.warnings
    if number is not None and ids is not None:
        return Preview(number, True, ids, said, surprises)
    about = estimate(criteria, at, catalogue, n)
    if number is not None:
        return Preview(number, True, about.ids, said, surprises)
    return Preview(about.count, False, about.ids, said, surprises, about.fewer_than)


def _quick(criteria: Criteria) -> float:
    """Return the seconds in which counting is tried; of many conditions not at all, for only making ready takes longer."""
    return QUICK if sum(1 for _ in leaves(criteria.root)) <= JOINED else 0.0


def _few(found: QuerySet[Contact], n: int) -> list[int]:
    return list(found.order_by("pk").values_list("pk", flat=True)[:n])


def count(document: Any, at: datetime) -> int:
    """Return how many match a document."""
    catalogue = load_catalogue()
    with room():
        return Contact.objects.filter(q(parse(document, catalogue), at=at, catalogue=catalogue)).count()


def sample(document: Any, at: datetime, n: int = 10) -> list[int]:
    """Return the ids of a few who match a document."""
    catalogue = load_catalogue()
    found = Contact.objects.filter(q(parse(document, catalogue), at=at, catalogue=catalogue))
    with room():
        return _few(found, n)
