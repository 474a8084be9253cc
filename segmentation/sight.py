"""What criteria would do before they are saved: who matches now, and who would join, leave and stay."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from contacts.models import Contact
from segmentation.catalogue import load_catalogue
from segmentation.compiler import q
from segmentation.criteria import parse, words
from segmentation.models import Membership, Segment

FEW = 5


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the contacts that a change concerns: how many, and a few of them."""

    count: int
    sample: list[Contact]

    @property
    def names(self) -> list[str]:
        """Return the few by name."""
        return [contact.display for contact in self.sample]

    def as_json(self) -> dict[str, Any]:
        """Return the wire form."""
        return {"count": self.count, "sample": [named(contact) for contact in self.sample]}


@dataclass(frozen=True, slots=True)
class Difference:
    """Who joins, leaves and stays."""

    joins: Part
    leaves: Part
    stays: Part

    def as_json(self) -> dict[str, Any]:
        """Return the wire form."""
        return {"joins": self.joins.as_json(), "leaves": self.leaves.as_json(), "stays": self.stays.as_json()}


def preview(document: Any, *, at: datetime, link: bool = False) -> dict[str, Any]:
    """Return who matches a document at an instant: the count, a few of them, the criteria in words, what may surprise."""
    catalogue = load_catalogue()
    criteria = parse(document, catalogue)
    matching = Contact.objects.filter(q(criteria, at=at, catalogue=catalogue))
    said = words(criteria)
    return {
        "count": matching.count(),
        "exact": True,
        "sample": [named(contact, link=link) for contact in matching.order_by("-pk")[:FEW]],
        "words": said[:1].upper() + said[1:],
        "warnings": [warning.as_json() for warning in criteria.warnings],
    }


def named(contact: Contact, *, link: bool = False) -> dict[str, str]:
    """Return a contact of a sample: id, name and, for pages, its address."""
    here = {"url": reverse("contact", args=[contact.pk])} if link else {}
    return {"id": contact.ref, "name": contact.display, **here}


def difference(segment: Segment, document: Any, *, at: datetime) -> Difference:
    """Return who would join, leave and stay if a segment had these criteria; parse faults are refused."""
    catalogue = load_catalogue()
    matching = Contact.objects.filter(q(parse(document, catalogue), at=at, catalogue=catalogue))
    member = Exists(Membership.objects.filter(segment=segment, contact=OuterRef("pk")))
    members = Contact.objects.filter(pk__in=Membership.objects.filter(segment=segment).values("contact"))
    return Difference(
        joins=part(matching.exclude(member)),
        leaves=part(members.exclude(pk__in=matching.values("pk"))),
        stays=part(matching.filter(member)),
    )


def part(contacts: QuerySet[Contact]) -> Part:
    """Count contacts and take a few."""
    return Part(contacts.count(), list(contacts.order_by("-pk")[:FEW]))
