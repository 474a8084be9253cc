"""Contacts as people and programs name them: user ids, emails, con_42; found in three statements however many."""

import re
from collections.abc import Sequence

from contacts.models import Address, Contact, Identity
from workspace.problems import Fault, Refused, refuse

MOST = 5_000
_NUMBER = re.compile(r"^(?:con_)?([0-9]{1,18})$")


def find_many(refs: Sequence[str]) -> dict[str, int]:
    """Return reference → contact id for those that name a living contact: "user:x", "email:x", "con_42", or a bare one."""
    users, emails, numbers = _users(refs), _emails(refs), _numbers(refs)
    found = {**numbers, **emails, **users}  # a bare "42" is a user id first
    living = set(
        Contact.objects.filter(pk__in=found.values(), merged_into__isnull=True, erased_at__isnull=True).values_list(
            "pk", flat=True
        )
    )
    return {ref: pk for ref, pk in found.items() if pk in living}


def members_of(refs: object) -> list[int]:
    """Return the ids of contacts named in a request's `contacts`; refuse those that name nobody, by their place."""
    if not isinstance(refs, list) or not refs:
        raise refuse(
            "contacts", 'Send contacts as a list with at least one, such as ["user:17", "email:ana@example.com"].'
        )
    if len(refs) > MOST:
        raise refuse("contacts", f"{len(refs):,} contacts are named; at most {MOST:,} are taken in one call.")
    faults = [
        Fault(f"contacts[{i}]", "Name a contact by a text.") for i, ref in enumerate(refs) if not isinstance(ref, str)
    ]
    found = {} if faults else find_many(refs)
    faults = faults or [
        Fault(f"contacts[{i}]", "There is no such contact.") for i, ref in enumerate(refs) if ref not in found
    ]
    if faults:
        raise Refused("Some contacts are not known here. Nothing was changed.", faults[:100])
    return sorted(set(found.values()))


def split_text(text: str) -> list[str]:
    """Return the references in a pasted text: one a line or with commas between."""
    parts = (part.strip() for part in re.split(r"[\n\r,;\t]+", text))
    return list(dict.fromkeys(part for part in parts if part))


def _users(refs: Sequence[str]) -> dict[str, int]:
    values = {ref.removeprefix("user:"): ref for ref in refs if not ref.startswith(("email:", "con_"))}
    rows = Identity.objects.filter(kind=Identity.Kind.USER, value__in=values)
    return {values[value]: pk for value, pk in rows.values_list("value", "contact_id")}


def _emails(refs: Sequence[str]) -> dict[str, int]:
    values: dict[str, list[str]] = {}
    for ref in refs:
        if ref.startswith("email:") or "@" in ref:
            values.setdefault(ref.removeprefix("email:").strip().lower(), []).append(ref)
    rows = Address.objects.filter(channel="email", value__in=values).order_by("-contact_id")  # the oldest wins
    return {ref: pk for value, pk in rows.values_list("value", "contact_id") for ref in values[value]}


def _numbers(refs: Sequence[str]) -> dict[str, int]:
    return {ref: int(match[1]) for ref in refs if (match := _NUMBER.match(ref)) and int(match[1]) < 2**63}
