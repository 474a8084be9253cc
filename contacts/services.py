"""The verbs about contacts that other floors, pages, admin and API call."""

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from contacts.addresses import key_of_email
from contacts.documents import document_of, documents_of, read_document
from contacts.erasing import erase_contact, erase_contacts, on_erase
from contacts.ingest import Source, Taken, store
from contacts.lists import add_to_list, archive_list, change_list, create_list, delete_list, remove_from_list
from contacts.models import Address, Contact, Identity
from contacts.recording import Said, record_events
from contacts.saying import (
    is_suppressed,
    lift_suppression,
    record_consent,
    record_consents,
    record_news_of_consent,
    suppress,
)
from contacts.spec import Item
from contacts.traits import Traits
from contacts.updates import faults_of, update_attributes, update_each
from workspace import audit, clock
from workspace.audit import Actor
from workspace.problems import Fault, Refused, refuse

__all__ = [
    "Said",
    "add_to_list",
    "archive_list",
    "change_contact",
    "change_list",
    "contacts_by_user_id",
    "create_contact",
    "create_list",
    "delete_list",
    "document_of",
    "documents_of",
    "erase_contact",
    "erase_contacts",
    "faults_of",
    "find_contact",
    "find_contacts",
    "is_suppressed",
    "lift_suppression",
    "on_erase",
    "record_consent",
    "record_consents",
    "record_events",
    "record_news_of_consent",
    "remove_from_list",
    "suppress",
    "update_attributes",
    "update_each",
    "upsert",
]
BY_HAND = Source("by hand", seen=False)


@transaction.atomic
def create_contact(*, document: Any, actor: Actor, at: datetime | None = None) -> Contact:
    """Make a contact of a document; refused with 409 when its user id or anonymous id names one already."""
    user_id, anonymous_id, traits = read_document(document)
    if not (user_id or anonymous_id or traits.standard.get("email") or traits.standard.get("phone")):
        raise refuse("userId", "Name the contact: userId, anonymousId, email or phone.")
    _refuse_taken(("user", "userId", user_id), ("anonymous", "anonymousId", anonymous_id))
    return _say(_item(user_id, anonymous_id, traits, at, make=not (user_id or anonymous_id)), actor, "contact.created")


@transaction.atomic
def change_contact(*, contact: Contact, document: Any, actor: Actor, at: datetime | None = None) -> Contact:
    """Lay a document over a contact: what it names is set, null clears, the rest stays."""
    user_id, anonymous_id, traits = read_document(document)
    if not contact.alive:
        raise refuse("contact", "This contact was merged or erased.", 409)
    if anonymous_id:
        raise refuse("anonymousId", "Anonymous ids are joined by identify or alias calls.")
    if user_id and contact.user_id and user_id != contact.user_id:
        raise refuse("userId", f'The contact has the user id "{contact.user_id}", which never changes.', 409)
    item = _item("" if user_id == contact.user_id else user_id, "", traits, at)
    item.contact_id = contact.pk
    if item.user_id:
        _refuse_taken(("user", "userId", item.user_id))
    return _say(item, actor, "contact.changed")


@transaction.atomic
def upsert(*, document: Any, actor: Actor, at: datetime | None = None) -> tuple[Contact, bool]:
    """Make the contact of a user id, or lay the document over it; return it and whether it was made."""
    user_id, anonymous_id, traits = read_document(document)
    if not user_id:
        raise refuse("userId", "Name the contact by its userId.")
    known = Identity.objects.filter(kind=Identity.Kind.USER, value=user_id).exists()
    item = _item(user_id, anonymous_id, traits, at)
    return _say(item, actor, "contact.changed" if known else "contact.created"), not known


def _item(user_id: str, anonymous_id: str, traits: Traits, at: datetime | None, make: bool = False) -> Item:
    now = at or clock.now()
    return Item(0, "identify", uuid.uuid4().hex, user_id, anonymous_id, now, now, traits=traits, make=make)


def _say(item: Item, actor: Actor, verb: str) -> Contact:
    taken = Taken([None], [None])
    store([item], taken, source=BY_HAND, received_at=item.at)
    if fault := taken.faults[0]:
        raise Refused(fault.message, [fault], 409)
    contact = Contact.objects.get(pk=taken.contact_ids[0] or 0)
    said = item.traits or Traits()
    audit.record(actor, verb, contact.ref, attributes=sorted([*said.standard, *said.custom]))
    return contact


def _refuse_taken(*identities: tuple[str, str, str]) -> None:
    _one_at_a_time(f"{kind}:{value}" for kind, _, value in identities if value)
    for kind, name, value in identities:
        if value and Identity.objects.filter(kind=kind, value=value).exists():
            raise Refused(
                f'There is a contact with the {name} "{value}" already; change it with PUT contacts/user:{value}.',
                [Fault(name, "This identity exists.")],
                409,
            )


def _one_at_a_time(identities: Iterable[str]) -> None:
    """Two that make the same contact at the same moment: the second waits, and is told that it exists."""
    with connection.cursor() as cursor:
        for identity in sorted(identities):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 41604))", [identity])


def find_contact(ref: str) -> Contact | None:
    """Return the contact a path names ("con_42", "42", "user:x", "email:x"; of a merged one its winner), or None."""
    return find_contacts([ref]).get(ref)


def find_contacts(refs: Collection[str]) -> dict[str, Contact]:
    """Return path → contact of those that are found, in a few queries; erased ones are not found."""
    ids = {ref: int(number) for ref in refs if (number := _number(ref))}
    ids |= _by_identity(refs) | _by_email(refs)
    found = Contact.objects.select_related("merged_into").in_bulk(list(set(ids.values())))
    winners = {ref: (one.merged_into or one) for ref, pk in ids.items() if (one := found.get(pk))}
    return {ref: one for ref, one in winners.items() if one.alive}


def _number(ref: str) -> str:
    digits = ref.removeprefix("con_")
    return digits if digits.isascii() and digits.isdigit() and len(digits) <= 18 else ""


def _by_identity(refs: Collection[str]) -> dict[str, int]:
    wanted = {ref.removeprefix("user:"): ref for ref in refs if ref.startswith("user:") and "\x00" not in ref}
    rows = Identity.objects.filter(kind=Identity.Kind.USER, value__in=wanted).values_list("value", "contact_id")
    return {wanted[value]: pk for value, pk in rows} if wanted else {}


def _by_email(refs: Collection[str]) -> dict[str, int]:
    """Of several contacts with one email the oldest is meant."""
    wanted = {
        key_of_email(ref.removeprefix("email:")): ref for ref in refs if ref.startswith("email:") and "\x00" not in ref
    }
    if not wanted:
        return {}
    rows = Address.objects.filter(channel="email", value__in=wanted).order_by("-contact_id")
    return {wanted[value]: pk for value, pk in rows.values_list("value", "contact_id")}


def contacts_by_user_id(user_ids: Collection[str]) -> dict[str, int]:
    """Return user id → contact id of those that are known."""
    rows = Identity.objects.filter(kind=Identity.Kind.USER, value__in=list(user_ids))
    return dict(rows.values_list("value", "contact_id"))
