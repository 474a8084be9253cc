"""What criteria would do before they are saved: who matches now."""

from datetime import datetime
from typing import Any

from django.urls import reverse

from contacts.models import Contact
from segmentation import matching
from segmentation.sentences import sentence

FEW = 5


def preview(document: Any, *, at: datetime, link: bool = False, exact: bool = False) -> dict[str, Any]:
    """Return who matches a document at an instant: the count, a few of them, the criteria in words, what may surprise."""
    seen = matching.preview(document, at, FEW, exact=exact)
    contacts = Contact.objects.in_bulk(seen.sample)
    return {
        "count": seen.count,
        "exact": seen.exact,
        **({"fewer_than": seen.fewer_than} if seen.fewer_than else {}),
        "sample": [named(contacts[pk], link=link) for pk in seen.sample if pk in contacts],
        "words": sentence(seen.words),
        "warnings": [warning.as_json() for warning in seen.warnings],
    }


def named(contact: Contact, *, link: bool = False) -> dict[str, str]:
    """Return a contact of a sample: id, name and, for pages, its address."""
    here = {"url": reverse("contact", args=[contact.pk])} if link else {}
    return {"id": contact.ref, "name": contact.display, **here}
