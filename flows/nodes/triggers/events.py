"""A contact does something, here or in a program that calls the flow's own address."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator

from contacts.properties import CUSTOM
from flows.nodes.base import NodeSettings, Surroundings, setting
from flows.nodes.triggers.base import Criteria, Trigger, only_who_match

RECEIVED = "Webhook Received"
MOST_MAPPED = 50
PATH = re.compile(r"^\$?\.?[^.\[\]]+(\.[^.\[\]]+|\[[0-9]{1,4}\])*$")
PLACE = "Write a place in the body such as customer.email or items[0].sku."


class EventSettings(NodeSettings):
    """Which event, with which properties, by whom."""

    event_name: str = setting("", "Event", "event", max_length=200)
    where: Criteria = setting(None, "Only events whose properties match", "where")
    filter: Criteria = only_who_match()
    entry_key: str = setting(
        "",
        "One journey per",
        "text",
        "A property of the event, such as orderId; empty: one per contact.",
        max_length=128,
    )


class EventTrigger(Trigger[EventSettings]):
    """A contact does something."""

    kind = "event"
    label = "Event"
    icon = "bolt"
    description = "Starts when a contact does something."
    Settings = EventSettings
    example = {"event_name": "Order Completed", "entry_key": "orderId"}
    carries = True

    @classmethod
    def facts(cls, settings: EventSettings) -> frozenset[str]:
        """Wait for the event."""
        return frozenset([f"event:{settings.event_name}"])

    @classmethod
    def words(cls, settings: EventSettings) -> str:
        """Say which event."""
        each = f", one journey per {settings.entry_key}" if settings.entry_key else ""
        where = " with matching properties" if settings.where else ""
        return f"Does “{settings.event_name or '…'}”{where}{each}"

    @classmethod
    def faults(cls, settings: EventSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find a missing event name."""
        return [] if settings.event_name else [("event_name", "Choose the event that starts this flow.")]


def _place(value: str) -> str:
    if value and (len(value) > 200 or not PATH.match(value)):
        raise ValueError(PLACE)
    return value


def _places(value: dict[str, str]) -> dict[str, str]:
    if len(value) > MOST_MAPPED:
        raise ValueError(f"At most {MOST_MAPPED} values are mapped.")
    for name, place in value.items():
        plain = name.removeprefix(CUSTOM)
        if not plain or len(plain) > 128 or "." in plain:
            raise ValueError("A name has 1 to 128 characters and no dot.")
        if not place:
            raise ValueError(f"Say where “{name}” stands in the body. {PLACE}")
        _place(place)
    return value


Place = Annotated[str, AfterValidator(_place)]
Places = Annotated[dict[str, str], AfterValidator(_places)]


def _where(title: str, about: str = "") -> Any:
    return setting("", title, "place", about)


class WebhookSettings(NodeSettings):
    """Where in the body stands who it is about and what is told of them."""

    user_id: Place = _where("User id stands at", "A place in the body, such as customer.id.")
    email: Place = _where("Email stands at")
    phone: Place = _where("Phone stands at")
    attributes: Places = setting(dict, "Attributes of the contact", "places", "Name of the attribute and its place.")
    event_name: str = setting(
        RECEIVED, "Recorded as the event", "text", "It stands in the contact's history.", max_length=200
    )
    properties: Places = setting(
        dict, "Properties of the event", "places", "Name and place of each; none: the body as it came."
    )
    delivery_id: Place = _where("Id of the delivery stands at", "Empty: the header webhook-id or its like.")
    entry_key: str = setting(
        "",
        "One journey per",
        "text",
        "A property of the event, such as orderId; empty: one per contact.",
        max_length=128,
    )
    filter: Criteria = only_who_match()


class WebhookReceived(Trigger[WebhookSettings]):
    """Another program calls the flow's own secret address."""

    kind = "webhook_received"
    label = "Inbound webhook"
    icon = "webhook"
    description = "Starts when another program calls this flow's own secret address."
    Settings = WebhookSettings
    example = {"user_id": "customer.id", "email": "customer.email", "properties": {"orderId": "order.id"}}
    carries = True

    @classmethod
    def facts(cls, settings: WebhookSettings) -> frozenset[str]:
        """Wait for the event that the address records."""
        return frozenset([f"event:{settings.event_name}"])

    @classmethod
    def words(cls, settings: WebhookSettings) -> str:
        """Say by what the contact is known."""
        known = [
            word
            for word, place in (("user id", settings.user_id), ("email", settings.email), ("phone", settings.phone))
            if place
        ]
        each = f", one journey per {settings.entry_key}" if settings.entry_key else ""
        return f"Its address is called for a contact known by {' or '.join(known) or '…'}{each}"

    @classmethod
    def faults(cls, settings: WebhookSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find a body that would be about nobody."""
        found = []
        if not (settings.user_id or settings.email or settings.phone):
            found.append(("user_id", "Say where the user id, the email or the phone stands, or nobody can be found."))
        if not settings.event_name:
            found.append(("event_name", "Name the event that the contact's history shows."))
        return found
