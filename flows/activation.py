"""The settings of a flow's activation: who enters, again when, who leaves, what is too late, how many at most."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from flows.nodes.base import check_duration, setting_faults
from workspace.durations import Duration
from workspace.problems import Refused
from workspace.zones import is_zone

LATE = re.compile(r"^(always|hold|send_if_under:(.+))$")
SHORTEST_GAP, LONGEST_GAP = timedelta(hours=1), timedelta(days=366)


def _gap(value: str) -> str:
    length = Duration.parse(value).longest
    if not SHORTEST_GAP <= length <= LONGEST_GAP:
        raise ValueError("The wait before entering again is between 1 hour and 365 days.")
    return value


def _late(value: str) -> str:
    match = LATE.match(value)
    if match is None:
        raise ValueError("Late work is “send_if_under:24h”, “always” or “hold”.")
    if match[2]:
        Duration.parse(match[2])
    return value


def _zone(value: str) -> str:
    if value and not is_zone(value):
        raise ValueError("There is no such time zone; write one such as Europe/Amsterdam, or leave it empty.")
    return value


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC).replace(microsecond=0)  # one spelling of one instant, so that texts sort


Instant = Annotated[AwareDatetime, AfterValidator(_utc)]
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)


class Reentry(_Settings):
    """Whether a contact who left may enter again, and how long after."""

    allowed: bool = False
    after: Annotated[str, AfterValidator(_gap)] = "1d"


class Ceilings(_Settings):
    """How many may enter at most, ever and per day of the workspace; and what happens when more would."""

    total: int | None = Field(default=None, ge=1, le=10**12)
    daily: int | None = Field(default=None, ge=1, le=10**12)
    then: Literal["refuse", "pause"] = "refuse"


class QuietHours(_Settings):
    """When nothing is said, on the contact's clock, and what becomes of what falls into it."""

    begins: ClockTime = Field(alias="from")
    ends: ClockTime = Field(alias="to")
    then: Literal["wait", "skip"] = "wait"

    @model_validator(mode="after")
    def _has_length(self) -> "QuietHours":
        if self.begins == self.ends:
            raise ValueError("Quiet hours begin and end at different times.")
        return self


class Conversion(_Settings):
    """What counts as a success: an event within a time of entering, and which of its properties is the money."""

    event: str = Field(min_length=1, max_length=200)
    within: Annotated[str, AfterValidator(check_duration)] = "30d"
    value: str = Field(default="", max_length=128)


class Activation(_Settings):
    """All of it, with the defaults of semantics.md."""

    entry: Literal["new", "current", "both"] = "new"
    reentry: Reentry = Reentry()
    exit_when: dict[str, Any] | None = None
    exit_on_leave: bool = False
    restart_when: dict[str, Any] | None = None
    goal: dict[str, Any] | None = None
    late: Annotated[str, AfterValidator(_late)] = "send_if_under:24h"
    ceilings: Ceilings = Ceilings()
    max_event_age: Annotated[str, AfterValidator(check_duration)] = "24h"
    zone: Literal["contact", "flow"] = "contact"
    timezone: Annotated[str, AfterValidator(_zone)] = ""
    quiet_hours: QuietHours | None = None  # None: those of the workspace
    ignore_quiet_hours: bool = False
    cap_class: Literal["counted", "exempt"] = "counted"
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    conversion: Conversion | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "Activation":
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValueError("The flow ends after it starts; choose a later end.")
        return self

    @property
    def gap(self) -> Duration | None:
        """Return the gap before entering again; None when nobody may."""
        return Duration.parse(self.reentry.after) if self.reentry.allowed else None

    @property
    def oldest_event(self) -> timedelta | None:
        """Return how old an event may be that starts somebody; None: any age."""
        return Duration.parse(self.max_event_age).longest if self.max_event_age else None


def instant_text(at: datetime) -> str:
    """Return an instant as settings spell it: such texts sort as instants do."""
    return TypeAdapter(Instant).dump_json(at.astimezone(UTC).replace(microsecond=0)).decode().strip('"')


def zone_of(settings: Activation, contact: str, house: str) -> str:
    """Return the zone of a contact's calendar in this flow: the contact's, else the flow's, else the workspace's."""
    order = (contact, settings.timezone) if settings.zone == "contact" else (settings.timezone, "")
    return next((one for one in (*order, house) if one and is_zone(one)), "UTC")


def read(raw: Any) -> Activation:
    """Read settings as sent or stored; raise Refused with a sentence per fault."""
    try:
        return Activation.model_validate(raw or {})
    except ValidationError as error:
        raise Refused("The activation settings have faults.", setting_faults(error)) from error
