"""Time itself starts journeys: a date of the contact, or a date of the calendar."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator

from contacts.properties import CUSTOM, fact_of, in_a_sentence, is_custom
from flows import recurrence
from flows.nodes.base import NodeSettings, Surroundings, duration_words, setting
from flows.nodes.triggers.base import Criteria, OptionalDuration, Trigger, Zone, only_who_match
from workspace.durations import Duration

TIME = re.compile(r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
CREATED = "createdAt"
MOST_OFFSET = timedelta(days=366 * 5)
SHORT_UNITS = ("s", "m", "h")
AT_ONCE = "1s"  # each date is a reason of its own


def _time(value: str) -> str:
    if value and not TIME.match(value):
        raise ValueError("Write a time of day such as 09:00.")
    return value


def _offset(value: str) -> str:
    if value and Duration.parse(value).longest > MOST_OFFSET:
        raise ValueError("An offset is at most 5 years.")
    return value


class DateSettings(NodeSettings):
    """Which date, how long before or after it, at what time of day where the contact lives."""

    attribute: str = setting(
        "", "Date", "date_attribute", "An attribute of contacts whose type is a date.", max_length=128
    )
    when: Literal["on", "before", "after"] = setting(
        "on", "Starts", "choice", choices={"on": "On that date", "before": "Before it", "after": "After it"}
    )
    offset: Annotated[OptionalDuration, AfterValidator(_offset)] = setting(
        "", "By how much", "duration", shown_when="when=before|after"
    )
    yearly: bool = setting(
        False, "Every year", "switch", "As for birthdays; 29 February is kept on the 28th in common years."
    )
    time: Annotated[str, AfterValidator(_time)] = setting(
        "09:00",
        "At the time of day",
        "time",
        "Where the contact lives, else in the flow's zone. Empty: at the instant itself, of a day at its beginning.",
    )
    filter: Criteria = only_who_match()


class DateAttribute(Trigger[DateSettings]):
    """A date of the contact comes."""

    kind = "date_attribute"
    label = "Date of the contact"
    icon = "calendar"
    description = "Starts on, before or after a date of each contact: a birthday, a renewal, a trial's end."
    Settings = DateSettings
    example = {"attribute": "customProperties.birthday", "yearly": True, "time": "09:00"}
    clocked = True
    carries = True

    @classmethod
    def facts(cls, settings: DateSettings) -> frozenset[str]:
        """Wait for changed dates and changed zones: what they make due may lie behind the clock already."""
        return frozenset(
            [fact_of(settings.attribute), "attribute:timezone", *(["contact"] if settings.attribute == CREATED else [])]
        )

    @classmethod
    def again(cls, settings: DateSettings) -> str:
        """Take in again every year, when it says so."""
        return AT_ONCE if settings.yearly else ""

    @classmethod
    def words(cls, settings: DateSettings) -> str:
        """Say when."""
        name = in_a_sentence(settings.attribute) if settings.attribute else "…"
        by = f"{duration_words(settings.offset)} {settings.when}" if settings.when != "on" else "On"
        year = " every year" if settings.yearly else ""
        time = f", at {settings.time}" if settings.time else ""
        return f"{by} the date “{name}”{year}{time}"

    @classmethod
    def faults(cls, settings: DateSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find a date that is none, and offsets that say nothing or too much."""
        found = _date_faults(settings.attribute, near)
        if settings.when == "on" and settings.offset:
            found.append(("offset", "On the date itself there is no offset; choose before or after, or clear it."))
        if settings.when != "on" and not settings.offset:
            found.append(("offset", f"Say how long {settings.when} the date."))
        if settings.offset.endswith(SHORT_UNITS) and not settings.offset.endswith("mo") and settings.time:
            found.append(
                (
                    "time",
                    "Hours and minutes count from the instant itself: clear the time of day, or give the offset in days.",
                )
            )
        return found


def _date_faults(name: str, near: Surroundings) -> list[tuple[str, str]]:
    if not name:
        return [("attribute", "Choose the date that starts this flow.")]
    if name == CREATED:
        return []
    kind = near.criteria.attributes.get(name.removeprefix(CUSTOM)) if is_custom(name) else None
    if kind in ("date", "datetime"):
        return []
    why = f"it is a {kind}" if kind else "there is no attribute of that name"
    return [("attribute", f"“{in_a_sentence(name)}” is no date: {why}. Declare its type as date, or choose another.")]


def _starts(value: str) -> str:
    if value:
        recurrence.read_start(value)
    return value


def _repeat(value: str) -> str:
    if value:
        recurrence.parts_of(value)
    return value


class ScheduleSettings(NodeSettings):
    """When, how often, and for whom."""

    starts: Annotated[str, AfterValidator(_starts)] = setting("", "First time", "datetime", max_length=19)
    repeat: Annotated[str, AfterValidator(_repeat)] = setting("", "Repeats", "repeat", max_length=210)
    timezone: Zone = setting("", "Time zone", "zone", "Empty: the flow's, else the workspace's.", max_length=64)
    segment: str = setting("", "For the members of", "segment", max_length=63)
    audience: Criteria = setting(None, "For all contacts who match", "criteria")
    filter: Criteria = only_who_match()


class Schedule(Trigger[ScheduleSettings]):
    """A date of the calendar comes, once or again and again."""

    kind = "schedule"
    label = "Schedule"
    icon = "clock"
    description = "Starts at a date and time, once or again and again, for an audience."
    Settings = ScheduleSettings
    example = {"starts": "2027-01-04T09:00", "repeat": "FREQ=WEEKLY;BYDAY=MO", "audience": {"type": "EVERYONE"}}
    clocked = True
    carries = True

    @classmethod
    def again(cls, settings: ScheduleSettings) -> str:
        """Take in again at each date, when it repeats."""
        return AT_ONCE if settings.repeat else ""

    @classmethod
    def asks(cls, settings: ScheduleSettings) -> dict[str, dict[str, object]]:
        """Ask the audience's criteria and the filter."""
        both = {"filter": settings.filter, "audience": settings.audience}
        return {name: document for name, document in both.items() if document}

    @classmethod
    def words(cls, settings: ScheduleSettings) -> str:
        """Say when and for whom."""
        starts = settings.starts.replace("T", " ") or "…"
        again = f", {recurrence.words(settings.repeat)}" if settings.repeat else ""
        if settings.segment:
            who = f" for “{settings.segment}”" + (" and criteria" if settings.audience else "")
        else:
            who = " for who matches criteria" if settings.audience else " for …"
        return f"{'From' if again else 'On'} {starts}{again}{who}"

    @classmethod
    def faults(cls, settings: ScheduleSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find a schedule that never comes, and one for nobody."""
        found = []
        if not settings.starts:
            found.append(("starts", "Say when the schedule begins."))
        else:
            found += _never(settings, near)
        if not settings.segment and not settings.audience:
            found.append(
                ("segment", "Choose a segment or criteria for whom; for everybody there is the condition “everyone”.")
            )
        if settings.segment and settings.segment not in near.segments:
            found.append(("segment", f"There is no segment “{settings.segment}”; choose another."))
        return found

    @classmethod
    def uses(cls, settings: ScheduleSettings) -> list[str]:
        """Name the segment."""
        return [f"segment:{settings.segment}"] if settings.segment else []


def _never(settings: ScheduleSettings, near: Surroundings) -> list[tuple[str, str]]:
    """Find dates that never come: none at all, or none any more."""
    starts, zone = recurrence.read_start(settings.starts), settings.timezone or near.criteria.zone
    try:
        if not recurrence.dates(starts, settings.repeat, zone, EVER, 1):
            return [("repeat", "This rule never fires: no date is like that. Write another.")]
        if near.at is not None and not recurrence.dates(starts, settings.repeat, zone, near.at, 1):
            where = "repeat" if settings.repeat else "starts"
            return [(where, "All its dates lie in the past. Choose a later one.")]
    except ValueError as error:
        return [("repeat", str(error))]
    return []


EVER = datetime(1999, 12, 31, tzinfo=UTC)
