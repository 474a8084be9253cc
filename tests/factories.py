"""Small makers of rows for tests: people by name, what they did, and the Changes that come of it."""

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from contacts.changes import NewChange, note
from contacts.models import Contact, Event, EventName, List, ListMember, name_id
from segmentation.models import Segment
from segmentation.services import create_segment
from workspace import clock
from workspace.audit import HOUSE

_numbers = itertools.count()
JANUARY = datetime(2026, 1, 15, 12, tzinfo=UTC)


def person(first_name: str = "Anna", **columns: Any) -> Contact:
    """Make a contact, and note that there is a new one."""
    with transaction.atomic():
        contact = Contact.objects.create(first_name=first_name, **columns)
        facts = ["contact", "attribute:firstName"]
        facts += [f"attribute:customProperties.{key}" for key in columns.get("attributes", {})]
        note([NewChange(contact.pk, fact, at=clock.now()) for fact in facts])
    return contact


def event_name(name: str, **columns: Any) -> EventName:
    """Make an event name unless it is known."""
    return EventName.objects.get_or_create(id=name_id(name), defaults={"name": name, **columns})[0]


def did(contact: Contact, name: str, at: datetime | None = None, *, fires: bool = True, **properties: Any) -> Event:
    """Have a contact do something, now unless said otherwise."""
    with transaction.atomic():
        known = event_name(name)
        when = at or clock.now()
        value = properties.get(known.value_property) if known.value_property else None
        event = Event.objects.create(
            contact=contact,
            name=known,
            at=when,
            occurred_at=when,
            received_at=clock.now(),
            source="tests",
            message_id=f"m{next(_numbers)}",
            value=value if isinstance(value, int | float) and not isinstance(value, bool) else None,
            properties=properties,
        )
        note([NewChange(contact.pk, f"event:{name}", ref=event.pk, at=when, fires=fires)])
    return event


def say(contact: Contact, **attributes: Any) -> None:
    """Set attributes of a contact's own."""
    with transaction.atomic():
        contact.refresh_from_db()
        contact.attributes = {**contact.attributes, **attributes}
        contact.save()
        note([NewChange(contact.pk, f"attribute:customProperties.{key}", at=clock.now()) for key in attributes])


def change(contact: Contact, **columns: Any) -> None:
    """Set standard properties of a contact, by their criteria names and values."""
    names = {"country": "country", "email": "email", "timezone": "timezone", "firstName": "first_name"}
    with transaction.atomic():
        Contact.objects.filter(pk=contact.pk).update(**{names[name]: value for name, value in columns.items()})
        note([NewChange(contact.pk, f"attribute:{name}", at=clock.now()) for name in columns])


def put_on(slug: str, *contacts: Contact) -> List:
    """Put contacts on a list, made when it is not there."""
    with transaction.atomic():
        found = List.objects.get_or_create(slug=slug, defaults={"name": slug.title()})[0]
        ListMember.objects.bulk_create([ListMember(list=found, contact=one) for one in contacts], ignore_conflicts=True)
        note([NewChange(one.pk, f"list:{slug}", at=clock.now()) for one in contacts])
    return found


def segment(name: str, *conditions: dict[str, Any], operator: str = "AND", **said: Any) -> Segment:
    """Make a dynamic segment of these conditions."""
    criteria = {"operator": operator, "conditions": list(conditions)}
    return create_segment(name=name, kind="dynamic", criteria=criteria, actor=HOUSE, **said)


def members(found: Segment | str) -> set[str]:
    """Name who is in a segment."""
    slug = found if isinstance(found, str) else found.slug
    return set(Contact.objects.filter(memberships__segment__slug=slug).values_list("first_name", flat=True))


def ids(contacts: Iterable[Contact]) -> list[int]:
    """Return their ids."""
    return [one.pk for one in contacts]
