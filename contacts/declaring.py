"""Attributes and event names as people shape them: types declared, labels, what is hidden or blocked."""

from typing import Any

from django.db import transaction

from contacts import joining, promoting, readers, retyping
from contacts.models import Attribute, EventName
from contacts.properties import CUSTOM, fact_of
from workspace import audit
from workspace.audit import Actor
from workspace.problems import refuse
from workspace.taken import refuse_taken
from workspace.uses import InUse


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
    """Change an attribute; a new type is declared, and stands once the values stored were converted to it."""
    held = Attribute.objects.select_for_update().get(pk=attribute.pk)
    said = dict(changes)
    kind = changes.pop("type", held.type if held.declared else None)
    for name, value in changes.items():
        setattr(held, name, value)
    held.save()
    if kind is not None and (kind != held.type or not held.declared):
        retyping.begin(held, kind, actor=actor)
    audit.record(actor, "attribute.changed", f"att_{held.pk}", **{key: str(value) for key, value in said.items()})
    return held


@transaction.atomic
def stop_retyping(attribute: Attribute, *, actor: Actor) -> bool:
    """Ask the conversion of an attribute's values to stop; what it converted is put back."""
    stopped = retyping.cancel(attribute)
    if stopped:
        audit.record(actor, "attribute.retyping_cancelled", f"att_{attribute.pk}")
    return stopped


@transaction.atomic
def join_attribute(attribute: Attribute, *, into: Attribute, actor: Actor) -> Attribute:
    """Join a duplicate into the attribute it means: its values go over, and what arrives by its name is stored so."""
    rows = {one.pk: one for one in _both(attribute, into)}
    joining.begin(rows[attribute.pk], rows[into.pk], actor=actor)
    audit.record(actor, "attribute.joined", f"att_{attribute.pk}", name=attribute.name, into=into.name)
    return rows[attribute.pk]


@transaction.atomic
def stop_joining(attribute: Attribute, *, actor: Actor) -> bool:
    """Ask the joining of an attribute to stop; what went over stays where it is."""
    stopped = joining.cancel(attribute)
    if stopped:
        audit.record(actor, "attribute.joining_cancelled", f"att_{attribute.pk}")
    return stopped


def _both(*attributes: Attribute) -> list[Attribute]:
    return list(Attribute.objects.filter(pk__in=[one.pk for one in attributes]).select_for_update().order_by("pk"))


@transaction.atomic
def delete_attribute(attribute: Attribute, *, actor: Actor) -> None:
    """Forget an attribute that nothing uses and no contact has; it is learned again when it arrives."""
    users = readers.readers_of(fact_of(CUSTOM + attribute.name))
    if users:
        raise InUse(f"attribute:{attribute.name}", [f"{one.kind}:{one.slug}" for one in users])
    if attribute.aliases.exists():
        raise refuse(
            "name", f"Other names were joined into {attribute.name}; what arrives by them is stored as it.", 409
        )
    if retyping.under_way(attribute) or joining.under_way(attribute):
        raise refuse("name", f"The values of {attribute.name} are being converted or moved. Wait for that.", 409)
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
