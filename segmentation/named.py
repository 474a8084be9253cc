"""Contacts as programs name them, many at once, and segments by name."""

from collections.abc import Collection, Sequence

from django.urls import reverse

from contacts.services import find_contacts
from segmentation.models import Segment
from workspace.problems import Fault, Refused, refuse

MOST = 5_000
NAME_SOME = 'Send contacts as a list with at least one, such as ["user:17", "email:ana@example.com"].'


def members_of(refs: Sequence[str]) -> list[int]:
    """Return the ids of the contacts that a request lists; refuse those that name nobody, by their place."""
    if not refs:
        raise refuse("contacts", NAME_SOME)
    if len(refs) > MOST:
        raise refuse("contacts", f"{len(refs):,} contacts are named; at most {MOST:,} are taken in one call.")
    found = find_contacts(refs)
    faults = [Fault(f"contacts[{i}]", "There is no such contact.") for i, ref in enumerate(refs) if ref not in found]
    if faults:
        raise Refused("Some contacts are not known here. Nothing was changed.", faults[:100])
    return sorted({contact.pk for contact in found.values()})


def called(slugs: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return the name and page of segments by slug."""
    rows = Segment.objects.filter(slug__in=slugs).values_list("slug", "name", "pk")
    return {slug: (name, reverse("segment", args=[pk])) for slug, name, pk in rows}
