"""What criteria would do before they are saved: who matches now, and who would join, leave and stay."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from contacts.models import Contact
from segmentation import matching
from segmentation.catalogue import load_catalogue
from segmentation.compiler import q
from segmentation.criteria import parse
from segmentation.models import Membership, Segment
from segmentation.sentences import sentence

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
    seen = matching.preview(document, at, FEW)
    contacts = Contact.objects.in_bulk(seen.sample)
    return {
        "count": seen.count,
        "exact": seen.exact,
        "sample": [named(contacts[pk], link=link) for pk in seen.sample if pk in contacts],
        "words": sentence(seen.words),
        "warnings": [warning.as_json() for warning in seen.warnings],
    }


def named(contact: Contact, *, link: bool = False) -> dict[str, str]:
    """Return a contact of a sample: id, name and, for pages, its address."""
    here = {"url": reverse("contact", args=[contact.pk])} if link else {}
    return {"id": contact.ref, "name": contact.display, **here}


def difference(segment: Segment, document: Any, *, at: datetime) -> Difference:
    """Return who would join, leave and stay if a segment had these criteria; parse faults are refused."""
    catalogue = load_catalogue()
    found = Contact.objects.filter(q(parse(document, catalogue), at=at, catalogue=catalogue))
    member = Exists(Membership.objects.filter(segment=segment, contact=OuterRef("pk")))
    members = Contact.objects.filter(pk__in=Membership.objects.filter(segment=segment).values("contact"))
    return Difference(
        joins=part(found.exclude(member)),
        leaves=part(members.exclude(pk__in=found.values("pk"))),
        stays=part(found.filter(member)),
    )


def part(contacts: QuerySet[Contact]) -> Part:
    """Count contacts and take a few."""
    return Part(contacts.count(), list(contacts.order_by("-pk")[:FEW]))
