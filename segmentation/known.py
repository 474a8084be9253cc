"""One contact as conditions see it when they say until when an answer stands: values, read when they are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contacts.models import Activity, Contact, Event, attribute_of, name_id
from contacts.properties import CUSTOM, STANDARD
from contacts.searching import selves
from segmentation.catalogue import Catalogue
from segmentation.models import Membership, Transition
from workspace.zones import is_zone

MOST_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of the contact."""

    id: int
    at: datetime
    properties: dict[str, Any]


class Known:
    """What is known of one contact at an instant."""

    def __init__(self, contact: Contact, at: datetime, catalogue: Catalogue) -> None:
        self.contact = contact
        self.at = at
        self.catalogue = catalogue

    @property
    def zone(self) -> str:
        """Return the contact's zone, else the house's."""
        own = self.contact.timezone
        return own if own and is_zone(own) else self.catalogue.zone

    def value(self, name: str) -> Any:
        """Return the value of a property that may be a date: an instant, or as it is stored."""
        if name == "lastSeenAt":
            return Activity.objects.filter(contact=self.contact).values_list("last_seen_at", flat=True).first()
        if name in STANDARD:
            return getattr(self.contact, STANDARD[name].column) if STANDARD[name].column else None
        return attribute_of(self.contact, name.removeprefix(CUSTOM))

    def events(self, name: str, since: datetime | None = None) -> list[Happened]:
        """Return its events of a name after an instant, the earliest first."""
        rows = Event.objects.filter(contact=self.contact, name=name_id(name), at__lte=self.at)
        rows = rows.filter(at__gt=since) if since else rows
        found = rows.order_by("at", "id").values_list("id", "at", "properties")[:MOST_EVENTS]
        return [Happened(*row) for row in found]

    def since(self, segment: str) -> datetime | None:
        """Return since when it is a member of a segment."""
        pk = self.catalogue.segment_ids.get(segment, 0)
        rows = Membership.objects.filter(segment=pk, contact=self.contact)
        return rows.values_list("since", flat=True).first()

    def transitions(self, segment: str) -> Sequence[datetime]:
        """Return when it, or whoever was merged into it, entered and left a segment."""
        pk = self.catalogue.segment_ids.get(segment, 0)
        rows = Transition.objects.filter(contact__in=selves(self.contact), segment=pk)
        return list(rows.order_by("at").values_list("at", flat=True))
