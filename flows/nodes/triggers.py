"""What starts a journey."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from flows.nodes.base import Document, Node, NodeSettings, Surroundings, check_duration, duration_words, setting

OptionalDuration = Annotated[str, AfterValidator(check_duration)]


class ContactSegmentSettings(NodeSettings):
    """Which segment, which way, and who of those."""

    segment: str = setting("", "Segment", "segment", max_length=63)
    when: Literal["enters", "leaves"] = setting("enters", "Starts when the contact", "choice")
    which: Literal["any", "first", "again"] = setting(
        "any", "Which time", "choice", "Any time, only the first time, or again after an absence."
    )
    after: OptionalDuration = setting("", "After an absence of at least", "duration", "Only for “again”.")
    filter: dict[str, Any] | None = setting(None, "Only contacts who match", "criteria")


class ContactSegment(Node[ContactSegmentSettings]):
    """A contact enters or leaves a segment."""

    kind = "contact_segment"
    group = "trigger"
    label = "Contact segment"
    icon = "segment"
    description = "Starts when a contact enters or leaves a segment."
    Settings = ContactSegmentSettings
    example = {"segment": "signed-up", "when": "enters"}

    @classmethod
    def asks(cls, settings: ContactSegmentSettings) -> Mapping[str, Document]:
        """Ask the filter."""
        return {"filter": settings.filter} if settings.filter else {}

    @classmethod
    def words(cls, settings: ContactSegmentSettings) -> str:
        """Say which segment and which time."""
        which = {"any": "", "first": " for the first time", "again": " again"}[settings.which]
        after = (
            f" after {duration_words(settings.after)} or more" if settings.which == "again" and settings.after else ""
        )
        return f"{settings.when.capitalize()} “{settings.segment or '…'}”{which}{after}"

    @classmethod
    def faults(cls, settings: ContactSegmentSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find a missing or unknown segment."""
        if not settings.segment:
            return [("segment", "Choose the segment that starts this flow.")]
        if settings.segment not in near.segments:
            return [("segment", f"There is no segment “{settings.segment}”; choose another.")]
        return []

    @classmethod
    def uses(cls, settings: ContactSegmentSettings) -> list[str]:
        """Name the segment."""
        return [f"segment:{settings.segment}"] if settings.segment else []


class EventSettings(NodeSettings):
    """Which event, with which properties, by whom."""

    event_name: str = setting("", "Event", "event", max_length=200)
    where: dict[str, Any] | None = setting(None, "Only events whose properties match", "where")
    filter: dict[str, Any] | None = setting(None, "Only contacts who match", "criteria")
    entry_key: str = setting(
        "",
        "One journey per",
        "text",
        "A property of the event, such as orderId; empty: one per contact.",
        max_length=128,
    )


class EventTrigger(Node[EventSettings]):
    """A contact does something."""

    kind = "event"
    group = "trigger"
    label = "Event"
    icon = "bolt"
    description = "Starts when a contact does something."
    Settings = EventSettings
    example = {"event_name": "Order Completed", "entry_key": "orderId"}

    @classmethod
    def asks(cls, settings: EventSettings) -> Mapping[str, Document]:
        """Ask the filter; `where` is asked of the event itself by intake."""
        return {"filter": settings.filter} if settings.filter else {}

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
