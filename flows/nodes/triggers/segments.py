"""A contact enters or leaves a segment."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator

from flows.nodes.base import NodeSettings, Surroundings, duration_words, setting
from flows.nodes.triggers.base import Criteria, OptionalDuration, Trigger, only_who_match
from workspace.durations import Duration

SHORTEST, LONGEST = timedelta(hours=1), timedelta(days=365)


def _delay(value: str) -> str:
    if value and not SHORTEST <= Duration.parse(value).longest <= LONGEST:
        raise ValueError("The delay before a member enters again is between 1 hour and 365 days.")
    return value


class ContactSegmentSettings(NodeSettings):
    """Which segment, which way, and who of those."""

    segment: str = setting("", "Segment", "segment", max_length=63)
    when: Literal["enters", "leaves"] = setting("enters", "Starts when the contact", "choice")
    which: Literal["any", "first", "again"] = setting(
        "any", "Which time", "choice", "Any time, only the first time, or again after an absence."
    )
    after: OptionalDuration = setting("", "After an absence of at least", "duration", "Only for “again”.")
    or_still_in_after: Annotated[str, AfterValidator(_delay)] = setting(
        "",
        "Or is still in it, so long after the last journey",
        "duration",
        "Who is still a member then enters again: from 1 hour to 365 days. Empty: only who enters the segment.",
    )
    filter: Criteria = only_who_match()


class ContactSegment(Trigger[ContactSegmentSettings]):
    """A contact enters or leaves a segment."""

    kind = "contact_segment"
    label = "Contact segment"
    icon = "segment"
    description = "Starts when a contact enters or leaves a segment."
    Settings = ContactSegmentSettings
    example = {"segment": "signed-up", "when": "enters"}

    @classmethod
    def facts(cls, settings: ContactSegmentSettings) -> frozenset[str]:
        """Wait for the moves of the segment."""
        return frozenset([f"segment:{settings.segment}"])

    @classmethod
    def again(cls, settings: ContactSegmentSettings) -> str:
        """Take in again who is still in."""
        return settings.or_still_in_after

    @classmethod
    def words(cls, settings: ContactSegmentSettings) -> str:
        """Say which segment and which time."""
        which = {"any": "", "first": " for the first time", "again": " again"}[settings.which]
        after = (
            f" after {duration_words(settings.after)} or more" if settings.which == "again" and settings.after else ""
        )
        still = (
            f", or is still in it {duration_words(settings.or_still_in_after)} after the last journey"
            if settings.or_still_in_after
            else ""
        )
        return f"{settings.when.capitalize()} “{settings.segment or '…'}”{which}{after}{still}"

    @classmethod
    def faults(cls, settings: ContactSegmentSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find a missing or unknown segment, and a delay that cannot be."""
        if not settings.segment:
            return [("segment", "Choose the segment that starts this flow.")]
        if settings.segment not in near.segments:
            return [("segment", f"There is no segment “{settings.segment}”; choose another.")]
        if settings.or_still_in_after and settings.when == "leaves":
            return [("or_still_in_after", "Only who enters can be still in; leave this empty for a flow of leavers.")]
        return []

    @classmethod
    def uses(cls, settings: ContactSegmentSettings) -> list[str]:
        """Name the segment."""
        return [f"segment:{settings.segment}"] if settings.segment else []
