"""Waiting for a time: a length, a date or a time of day where the contact lives, and hours that are open."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from contacts.instants import is_date, read_instant
from contacts.properties import type_of
from flows import wall_clock
from flows.nodes.base import (
    Decision,
    Go,
    Node,
    Port,
    Scene,
    Stay,
    StepSettings,
    Surroundings,
    check_duration,
    duration_words,
    setting,
)
from flows.wall_clock import DAYS, Hours
from workspace.durations import Duration

_length = lru_cache(maxsize=1024)(Duration.parse)


class WaitSettings(StepSettings):
    """How long."""

    duration: Annotated[str, AfterValidator(check_duration)] = setting("", "Wait for", "duration")


class Wait(Node[WaitSettings]):
    """Wait for a length of time."""

    kind = "wait"
    group = "rule"
    label = "Wait"
    icon = "clock"
    description = "Waits for a length of time."
    Settings = WaitSettings
    example = {"duration": "1d"}
    is_wait = True

    @classmethod
    def decide(cls, settings: WaitSettings, scene: Scene) -> Decision:
        """Stay once; the due moment is fixed on arrival."""
        if scene.waiting:
            return Go()
        return Stay(until=_length(settings.duration).after(scene.at), clock="elapsed")

    @classmethod
    def words(cls, settings: WaitSettings) -> str:
        """Say how long."""
        return f"Wait {duration_words(settings.duration)}"

    @classmethod
    def faults(cls, settings: WaitSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find a missing length."""
        return [] if settings.duration else [("duration", "Say how long to wait, such as 1h or 3d.")]


# Local times -------------------------------------------------------------------------------------------------------------

ZONES = {"": "as the flow's settings say", "contact": "where the contact lives", "flow": "of the flow"}
Zone = Literal["", "contact", "flow"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _time(value: str) -> str:
    if value:
        wall_clock.read_time(value)
    return value


def _day(value: str) -> str:
    if value and not is_date(value):
        raise ValueError("Write a day of the calendar, such as 2026-12-24.")
    return value


TimeOfDay = Annotated[str, AfterValidator(_time)]


def zone_setting() -> Any:
    """Declare whose clock counts."""
    return setting("", "Time zone", "choice", "Whoever has none: the flow's, else the workspace's.", choices=ZONES)


def zone_of(settings: Any, scene: Scene) -> str:
    """Return the zone in which a node's local times are meant."""
    return scene.zones.get(settings.zone, "UTC")


class WaitUntilSettings(StepSettings):
    """Until when: a time of day, a date, or a date that the contact carries."""

    until: Literal["time", "date", "attribute"] = setting(
        "time",
        "Wait until",
        "choice",
        choices={"time": "a time of day", "date": "a date", "attribute": "a date of the contact's"},
    )
    date: Annotated[str, AfterValidator(_day)] = setting("", "Date", "date", shown_when="until=date")
    attribute: str = setting(
        "", "Attribute", "date_attribute", "One that holds a date.", max_length=200, shown_when="until=attribute"
    )
    offset: Annotated[str, AfterValidator(check_duration)] = setting(
        "", "Earlier or later by", "duration", "Empty: on that very date.", shown_when="until=attribute"
    )
    direction: Literal["before", "after"] = setting(
        "before",
        "Which is",
        "choice",
        choices={"before": "before it", "after": "after it"},
        shown_when="until=attribute",
    )
    yearly: bool = setting(
        False, "Every year again: the next time it is remembered", "switch", shown_when="until=attribute"
    )
    time: TimeOfDay = setting(
        "", "At", "time", "A time of day there; empty: as soon as the day begins, or the exact instant."
    )
    days: list[Day] = setting(list, "Only on", "weekdays", "None chosen: any day.", max_length=7)
    zone: Zone = zone_setting()


class WaitUntil(Node[WaitUntilSettings]):
    """Wait until a moment of the calendar."""

    kind = "wait_until"
    group = "rule"
    label = "Wait until"
    icon = "calendar"
    description = "Waits until a time of day, a date, or a date of the contact's, by the clock where the contact lives."
    Settings = WaitUntilSettings
    example = {"until": "attribute", "attribute": "customProperties.renewal", "offset": "3d", "time": "09:00"}
    heeds = True

    @classmethod
    def ports(cls, settings: WaitUntilSettings) -> Sequence[Port]:
        """Part those who have no such date from the others."""
        return (
            (Port("next", "Then"), Port("missing", "No such date"))
            if settings.until == "attribute"
            else (Port("next", "Next"),)
        )

    @classmethod
    def wants(cls, settings: WaitUntilSettings) -> Sequence[str]:
        """See the zone, and the date where it is the contact's."""
        return ("timezone", settings.attribute) if settings.until == "attribute" else ("timezone",)

    @classmethod
    def waits(cls, settings: WaitUntilSettings, port: str) -> bool:
        """A time of day, or of the year, always lies ahead; a date may be past."""
        return settings.until == "time" or (settings.until == "attribute" and settings.yearly and port == "next")

    @classmethod
    def decide(cls, settings: WaitUntilSettings, scene: Scene) -> Decision:
        """Stay until the moment; one that is past passes at once (rule 24)."""
        zone = zone_of(settings, scene)
        saw: dict[str, Any] = {"zone": zone}
        if settings.until == "attribute":
            saw["value"] = scene.values.get(settings.attribute)
        if scene.waiting and scene.until is not None and scene.at >= scene.until:
            return Go(saw={**saw, "until": scene.until})
        target = _target(settings, scene, zone)
        if target is None:
            return Go("missing", saw=saw)
        if target <= scene.at:
            return Go(saw={**saw, "until": target, "past": True})
        return Stay(until=target, clock="wall")

    @classmethod
    def words(cls, settings: WaitUntilSettings) -> str:
        """Say until when."""
        clock = f" at {settings.time}" if settings.time else ""
        days = f" on {wall_clock.day_words(settings.days)}" if settings.days else ""
        if settings.until == "time":
            return f"Wait until {settings.time or '…'}{days}"
        if settings.until == "date":
            return f"Wait until {settings.date or '…'}{clock}{days}"
        name = settings.attribute.removeprefix("customProperties.") or "…"
        offset = f"{duration_words(settings.offset)} {settings.direction} " if settings.offset else ""
        return f"Wait until {offset}“{name}”{' each year' if settings.yearly else ''}{clock}{days}"

    @classmethod
    def faults(cls, settings: WaitUntilSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find a missing moment."""
        needed = {"time": settings.time, "date": settings.date, "attribute": settings.attribute}[settings.until]
        sentence = {
            "time": "Say the time of day, such as 09:00.",
            "date": "Say the date, such as 2026-12-24.",
            "attribute": "Choose the attribute that holds the date.",
        }
        found = [] if needed else [(settings.until, sentence[settings.until])]
        return found + _wrong_type(settings, near)


def _wrong_type(settings: WaitUntilSettings, near: Surroundings) -> list[tuple[str, str]]:
    if settings.until != "attribute" or not settings.attribute or near.criteria is None:
        return []
    kind = type_of(settings.attribute, near.criteria)
    if kind is None or kind in ("date", "datetime"):
        return []
    return [("attribute", f"“{settings.attribute.removeprefix('customProperties.')}” is a {kind}, not a date.")]


def _target(settings: WaitUntilSettings, scene: Scene, zone: str) -> datetime | None:
    """Return the moment meant; None when the contact carries no such date."""
    if settings.until == "time":
        return wall_clock.next_time(scene.at, wall_clock.read_time(settings.time), settings.days, zone)
    if settings.until == "date":
        base: date | datetime | None = date.fromisoformat(settings.date)
    else:
        base = _carried(scene.values.get(settings.attribute))
    if base is None:
        return None
    if settings.until == "attribute" and settings.yearly:
        return _remembered(base, settings, scene.at, zone)
    return _moment(base, settings, zone)


def _carried(value: Any) -> date | datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and is_date(value):
        return date.fromisoformat(value)
    return read_instant(value)


def _remembered(base: date | datetime, settings: WaitUntilSettings, at: datetime, zone: str) -> datetime | None:
    """Return the next moment, strictly later, that comes of an anniversary."""
    day = wall_clock.local_day(base, zone) if isinstance(base, datetime) else base
    year = wall_clock.local_day(at, zone).year
    reach = (_length(settings.offset).longest.days // 365 if settings.offset else 0) + 2
    years = range(max(year - reach, 1), min(year + reach, 9990) + 1)
    moments = (_moment(wall_clock.anniversary(day, one), settings, zone) for one in years)
    return next((one for one in moments if one > at), None)


def _moment(base: date | datetime, settings: WaitUntilSettings, zone: str) -> datetime:
    """Return the instant of a day or instant, moved by the offset, at the time of day and on a weekday that are asked for."""
    if isinstance(base, datetime) and not settings.time:
        return wall_clock.on_a_day(_moved(base, settings), settings.days, zone)
    day = wall_clock.local_day(base, zone) if isinstance(base, datetime) else base
    moved = _moved(datetime.combine(day, time(), UTC), settings)  # of a day: calendar days, whatever the clocks do
    clock = wall_clock.read_time(settings.time) if settings.time else moved.time()
    return wall_clock.on_a_day(wall_clock.instant(moved.date(), clock, zone), settings.days, zone)


def _moved(base: datetime, settings: WaitUntilSettings) -> datetime:
    if settings.until != "attribute" or not settings.offset:
        return base
    step = _length(settings.offset)
    try:
        return step.before(base) if settings.direction == "before" else step.after(base)
    except (OverflowError, ValueError):
        return base


class TimeWindowSettings(StepSettings):
    """When it is open."""

    opens: TimeOfDay = setting("09:00", "From", "time")
    closes: TimeOfDay = setting("18:00", "To", "time", "Earlier than the beginning: past midnight.")
    days: list[Day] = setting(lambda: list(DAYS[:5]), "On", "weekdays", "None chosen: any day.", max_length=7)
    zone: Zone = zone_setting()


class TimeWindow(Node[TimeWindowSettings]):
    """Let through while it is open."""

    kind = "time_window"
    group = "rule"
    label = "Time window"
    icon = "sun-moon"
    description = "Lets through only at certain hours where the contact lives; else waits until they begin."
    Settings = TimeWindowSettings
    example = {"opens": "09:00", "closes": "18:00", "days": ["mon", "tue", "wed", "thu", "fri"]}
    heeds = True

    @classmethod
    def wants(cls, settings: TimeWindowSettings) -> Sequence[str]:
        """See the zone."""
        return ("timezone",)

    @classmethod
    def decide(cls, settings: TimeWindowSettings, scene: Scene) -> Decision:
        """Go while it is open, else stay until it opens."""
        zone = zone_of(settings, scene)
        hours = _hours(settings.opens, settings.closes, tuple(settings.days))
        opens = hours.open_from(scene.at, zone)
        return Go(saw={"zone": zone}) if opens <= scene.at else Stay(until=opens, clock="wall")

    @classmethod
    def words(cls, settings: TimeWindowSettings) -> str:
        """Say when it is open."""
        return f"Only {settings.opens or '…'} to {settings.closes or '…'} on {wall_clock.day_words(settings.days)}"

    @classmethod
    def faults(cls, settings: TimeWindowSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find missing hours."""
        found = [
            (name, "Say a time of day, such as 09:00.") for name in ("opens", "closes") if not getattr(settings, name)
        ]
        if not found and settings.opens == settings.closes:
            found.append(("closes", "A window has a beginning and a later end."))
        return found


@lru_cache(maxsize=1024)
def _hours(opens: str, closes: str, days: tuple[str, ...]) -> Hours:
    return Hours(wall_clock.read_time(opens), wall_clock.read_time(closes), days)
