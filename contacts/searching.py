"""Finding contacts by the beginning of what they are called."""

from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Lower

from contacts.models import Address, Contact, Identity

LONGEST = 120


def standing() -> QuerySet[Contact]:
    """Return the contacts that stand for a person: neither merged nor erased."""
    return Contact.objects.filter(merged_into=None, erased_at=None)


def selves(contact: Contact) -> list[int]:
    """Return the ids of a contact and of those who were merged into it: what is theirs is found by an index of ids."""
    return [contact.pk, *Contact.objects.filter(merged_into=contact).values_list("pk", flat=True)]


def search(text: str) -> QuerySet[Contact]:
    """Return standing contacts whose user id, email, phone or name begins like the text; each way by its index."""
    words = " ".join(text.replace("\x00", "").split())[:LONGEST]
    if not words:
        return standing()
    low = words.lower()
    ways: list[QuerySet[Any, Any]] = [
        Identity.objects.filter(kind=Identity.Kind.USER, value__startswith=words).values("contact_id"),
        Address.objects.filter(channel="email", value__startswith=low).values("contact_id"),
        Address.objects.filter(channel="sms", value__startswith=low).values("contact_id"),
        *_by_name(low),
    ]
    return standing().filter(pk__in=ways[0].union(*ways[1:]))


def _by_name(low: str) -> list[QuerySet[Any, Any]]:
    named = Contact.objects.alias(first=Lower("first_name"), last=Lower("last_name"))
    first, _, last = low.partition(" ")
    if last:
        return [named.filter(first=first, last__startswith=last).values("pk")]
    return [named.filter(first__startswith=low).values("pk"), named.filter(last__startswith=low).values("pk")]
