"""What other criteria would do to a segment, before they are saved: who joins, leaves and stays, and which flows would hear."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from contacts.models import Contact
from segmentation.above import moved_above
from segmentation.catalogue import Catalogue, load_catalogue
from segmentation.compiler import matching_set
from segmentation.criteria import Criteria, parse
from segmentation.explaining import explain_criteria
from segmentation.hearing import Heard, Moved, heard
from segmentation.measures import Scene
from segmentation.models import Segment
from segmentation.room import room
from segmentation.sight import named
from segmentation.sql import Sql, sql
from segmentation.telling import reason

FEW = 5
PARTS = ("joins", "leaves", "stays")


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the contacts that a change concerns: how many, and a few of them with why."""

    count: int
    sample: list[Contact]
    reasons: Mapping[int, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Return the few by name."""
        return [contact.display for contact in self.sample]

    @property
    def told(self) -> list[tuple[Contact, str]]:
        """Return the few, each with why."""
        return [(contact, self.reasons.get(contact.pk, "")) for contact in self.sample]

    def as_json(self) -> dict[str, Any]:
        """Return the wire form."""
        return {"count": self.count, "sample": [{**named(one), "reason": why} for one, why in self.told]}


@dataclass(frozen=True, slots=True)
class Difference:
    """Who joins, leaves and stays, and what running flows would do about it."""

    joins: Part
    leaves: Part
    stays: Part
    flows: list[Heard]

    def as_json(self) -> dict[str, Any]:
        """Return the wire form."""
        parts = {name: getattr(self, name).as_json() for name in PARTS}
        return {**parts, "flows": [one.as_json() for one in self.flows]}


def difference(segment: Segment, document: Any, *, at: datetime) -> Difference:
    """Return what a segment's having these criteria would do; faults of the document are refused."""
    catalogue = load_catalogue()
    criteria = parse(document, catalogue)
    with _compared(segment, criteria, at, catalogue):
        counts = _counts()
        parts = {name: _part(name, counts.get(name, 0), criteria, at, catalogue) for name in PARTS}
        moved = [Moved(segment.slug, _those("joins"), _those("leaves")), *moved_above(segment, criteria, at, catalogue)]
        return Difference(**parts, flows=heard(moved, at))


_COMPARED = """
CREATE TEMPORARY TABLE would_move ON COMMIT DROP AS
SELECT coalesce(x.id, m.contact_id) AS id,
    CASE WHEN m.contact_id IS NULL THEN 'joins' WHEN x.id IS NULL THEN 'leaves' ELSE 'stays' END AS part
FROM ({everybody}) x
FULL JOIN (SELECT contact_id FROM segmentation_membership WHERE segment_id = {segment}::bigint) m ON m.contact_id = x.id
"""


@contextmanager
def _compared(segment: Segment, criteria: Criteria, at: datetime, catalogue: Catalogue) -> Iterator[None]:
    """Ask once who would match, and keep the answer beside who is a member while the block runs."""
    everybody = matching_set(criteria, Scene(at=at, catalogue=catalogue))
    with room():
        _run(sql(_COMPARED, everybody=everybody, segment=segment.pk))
        _run(Sql("ANALYZE would_move"))
        yield
        _run(Sql("DROP TABLE would_move"))


def _run(statement: Sql) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params or None)


def _counts() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT part, count(*) FROM would_move GROUP BY part")
        return dict(cursor.fetchall())


def _those(part: str) -> QuerySet[Contact]:
    return Contact.objects.filter(pk__in=RawSQL("SELECT w.id FROM would_move w WHERE w.part = %s", [part]))


def _part(name: str, count: int, criteria: Criteria, at: datetime, catalogue: Catalogue) -> Part:
    sample = list(_those(name).order_by("-pk")[:FEW])
    return Part(count, sample, reasons(criteria, sample, at, catalogue))


def reasons(criteria: Criteria, contacts: Sequence[Contact], at: datetime, catalogue: Catalogue) -> dict[int, str]:
    """Say of a few contacts in one line each why criteria hold for them or not."""
    return {one.pk: reason(explain_criteria(criteria, one, at, catalogue, foresee=False).root) for one in contacts}
