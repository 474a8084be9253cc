"""Finding contacts by the beginning of what they are called."""

from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.db.models.functions import Lower

from contacts.models import Address, Contact, Identity

LONGEST = 120
FEW = 5_000  # found so many at most, rows about them are sought by number
R = TypeVar("R", bound=Model)


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


def about(rows: QuerySet[R, Any], text: str) -> QuerySet[R, Any]:
    """Return those rows whose `contact` a search finds.

    Few are found by the rows' index of contacts; of many, the first rows are soon met on the way through all.
    """
    found = search(text).values("pk")
    few = list(found.values_list("pk", flat=True)[: FEW + 1])
    return rows.filter(contact_id__in=few if len(few) <= FEW else found)


def _by_name(low: str) -> list[QuerySet[Any, Any]]:
    """Their indexes leave out empty names, so a query must say that it does."""
    firsts = Contact.objects.alias(first=Lower("first_name")).exclude(first_name="")
    lasts = Contact.objects.alias(last=Lower("last_name")).exclude(last_name="")
    first, _, last = low.partition(" ")
    if last:
        return [firsts.alias(last=Lower("last_name")).filter(first=first, last__startswith=last).values("pk")]
    return [firsts.filter(first__startswith=low).values("pk"), lasts.filter(last__startswith=low).values("pk")]
