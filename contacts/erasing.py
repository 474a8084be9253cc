"""Erasing a contact: every personal datum goes, an anonymous stub stays so that counts stay true."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from contacts import waiting_files
from contacts.changes import NewChange, note
from contacts.live import poke_soon
from contacts.models import Contact
from contacts.storing import run
from workspace import audit, clock, once
from workspace.audit import Actor
from workspace.doorbell import ring_on_commit
from workspace.problems import refuse

Eraser = Callable[[Sequence[int]], dict[str, int]]
_erasers: list[Eraser] = []
_ROWS = ("identity", "address", "moment", "activity", "listmember", "consentnow", "converted")


def on_erase(eraser: Eraser) -> Eraser:
    """Register what a higher floor erases of contacts, in the same transaction; it returns what it erased by kind."""
    _erasers.append(eraser)
    return eraser


@transaction.atomic
def erase_contact(*, contact: Contact, actor: Actor) -> dict[str, Any]:
    """Erase a contact and those merged into it, and return the receipt: what was erased, by kind."""
    at = clock.now()
    ids = _hold([contact.pk])
    if Contact.objects.filter(pk=contact.pk, erased_at__isnull=False).exists():
        raise refuse("contact", "This contact has been erased already.", 409)
    erased = _erase(ids, at)
    audit.record(actor, "contact.erased", contact.ref, erased=erased)
    _tell([contact.pk], at)
    return {"contact": contact.ref, "erased_at": at.isoformat(), "erased": erased}


@transaction.atomic
def erase_contacts(*, contact_ids: Sequence[int], actor: Actor) -> None:
    """Erase many contacts and those merged into them, set by set; who is gone already is left out."""
    at = clock.now()
    held = _hold(contact_ids)
    standing = Contact.objects.filter(pk__in=contact_ids, erased_at=None, merged_into=None).order_by("pk")
    ids = list(standing.values_list("pk", flat=True))
    if ids:
        erased = _erase(held, at)
        audit.record_each(actor, "contact.erased", [f"con_{pk}" for pk in ids], together=len(ids), erased=erased)
        _tell(ids, at)


def _hold(contact_ids: Sequence[int]) -> list[int]:
    """Hold contacts and those merged into them, in order, against everybody."""
    rows = run(
        "SELECT id FROM contacts_contact WHERE id = ANY(%s) OR merged_into_id = ANY(%s) ORDER BY id FOR UPDATE",
        [list(contact_ids)] * 2,
    )
    return [row[0] for row in rows]


def _tell(contact_ids: Sequence[int], at: datetime) -> None:
    note([NewChange(pk, "contact", "erased", at=at, fires=False) for pk in contact_ids])
    ring_on_commit("attend")
    transaction.on_commit(poke_soon)


def _erase(ids: list[int], at: datetime) -> dict[str, int]:
    """Erase what every floor knows of contacts who are held, and return how much of each kind."""
    rows = waiting_files.erase(ids)  # before the names go by which a row is known
    erased = {kind: _count(f"DELETE FROM contacts_{kind} WHERE contact_id = ANY(%s)", ids) for kind in _ROWS}  # noqa: S608 - our names
    erased |= {"import_row": rows, "event": _erase_events(ids)}
    for eraser in _erasers:
        erased |= eraser(ids)
    erased["contact"] = _erase_rows(ids, at)
    once.forget(*(f"con_{pk}" for pk in ids))
    run("UPDATE contacts_change SET detail = NULL WHERE contact_id = ANY(%s) AND detail IS NOT NULL", [ids])
    return erased


def _erase_events(ids: list[int]) -> int:
    run("SELECT set_config('tributary.erasing', 'on', true)")
    count = _count(
        "UPDATE contacts_event SET properties = '{}', message_id = 'erased:' || id WHERE contact_id = ANY(%s)", ids
    )
    run("SELECT set_config('tributary.erasing', '', true)")
    return count


def _erase_rows(ids: list[int], at: Any) -> int:
    return Contact.objects.filter(pk__in=ids).update(
        user_id=None, email="", phone="", first_name="", last_name="", country="", city="", language="", timezone="",
        attributes={}, attributes_at={}, erased_at=at,
    )  # fmt: skip


def _count(sql: str, ids: list[int]) -> int:
    return len(run(f"{sql} RETURNING 1", [ids]))
