"""Attributes and event names as people shape them: types declared, labels, what is hidden or blocked."""

from datetime import datetime
from typing import Any

from django.db import transaction

from contacts import promoting
from contacts.models import Attribute, AttributeType, Contact, EventName
from contacts.properties import CUSTOM
from contacts.storing import run
from contacts.types import as_type, moment_of
from workspace import audit
from workspace.audit import Actor
from workspace.problems import refuse
from workspace.taken import refuse_taken
from workspace.uses import refuse_if_used

CONVERTED = (AttributeType.NUMBER, AttributeType.BOOLEAN)
DATED = (AttributeType.DATE, AttributeType.DATETIME)
CHUNK = 1000


@transaction.atomic
def declare_attribute(
    *, name: str, type: str, label: str = "", personal: bool = False, hidden: bool = False, actor: Actor
) -> Attribute:
    """Declare an attribute that has not arrived yet."""
    path = name.removeprefix(CUSTOM).strip()
    if not path or not all(path.split(".")):
        raise refuse("name", 'Name an attribute like "plan", or "group.name" for one within another.')
    refuse_taken(Attribute, "name", path)
    made = Attribute.objects.create(name=path, type=type, label=label, personal=personal, hidden=hidden, declared=True)
    audit.record(actor, "attribute.declared", f"att_{made.pk}", type=type)
    return made


@transaction.atomic
def change_attribute(attribute: Attribute, *, actor: Actor, **changes: Any) -> Attribute:
    """Change an attribute; a new type is declared, and the values stored are read by it from now on."""
    held = Attribute.objects.select_for_update().get(pk=attribute.pk)
    retyped = "type" in changes and (changes["type"] != held.type or not held.declared)
    for name, value in changes.items():
        setattr(held, name, value)
    held.declared = held.declared or "type" in changes
    held.save()
    if retyped:
        _convert(held)
        _find_moments(held)
    audit.record(actor, "attribute.changed", f"att_{held.pk}", **{key: str(value) for key, value in changes.items()})
    return held


@transaction.atomic
def delete_attribute(attribute: Attribute, *, actor: Actor) -> None:
    """Forget an attribute that nothing uses and no contact has; it is learned again when it arrives."""
    refuse_if_used(f"attribute:{attribute.name}")
    audit.record(actor, "attribute.deleted", f"att_{attribute.pk}")
    attribute.delete()


@transaction.atomic
def change_event_name(name: EventName, *, actor: Actor, **changes: Any) -> EventName:
    """Hide a name from choices, block it from being stored, or choose the property that is the value of its events."""
    held = EventName.objects.select_for_update().get(pk=name.pk)
    said = dict(changes)
    if "value_property" in changes:
        promoting.choose(held, changes.pop("value_property"), actor=actor)
    for key, value in changes.items():
        setattr(held, key, value)
    if changes:
        held.save(update_fields=list(changes))
    audit.record(actor, "event_name.changed", f"evn_{held.pk}", **{key: str(value) for key, value in said.items()})
    return held


def _convert(attribute: Attribute) -> None:
    """Store top-level values that read exactly as the new type as that type, contact by contact in id order."""
    if attribute.type not in CONVERTED or "." in attribute.name:
        return
    texts = Contact.objects.filter(**{"attributes__has_key": attribute.name}).order_by("pk")
    for contact in texts.select_for_update(no_key=True).iterator(chunk_size=CHUNK):
        before = contact.attributes[attribute.name]
        after = as_type(before, attribute.type)
        if after is not before:
            contact.attributes[attribute.name] = after
            contact.save(update_fields=["attributes"])


def _find_moments(attribute: Attribute) -> None:
    """Make the moments of an attribute that has become a date; forget those of one that is none any more."""
    run("DELETE FROM contacts_moment WHERE attribute = %s", [attribute.name])
    if attribute.type not in DATED:
        return
    rows = run(
        "SELECT id, attributes #>> %s FROM contacts_contact WHERE attributes #> %s IS NOT NULL",
        [attribute.name.split(".")] * 2,
    )
    found: list[tuple[int, datetime]] = [(pk, at) for pk, value in rows if (at := moment_of(value))]
    for start in range(0, len(found), CHUNK):
        part = found[start : start + CHUNK]
        run(
            """INSERT INTO contacts_moment (contact_id, attribute, instant)
               SELECT unnest(%s::bigint[]), %s, unnest(%s::timestamptz[])""",
            [[pk for pk, _ in part], attribute.name, [at for _, at in part]],
        )
