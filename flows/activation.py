"""The settings of a flow's activation: who enters, again when, who leaves, what is too late, how many at most."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from flows.nodes.base import check_duration, setting_faults
from workspace.durations import Duration
from workspace.problems import Refused

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


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reentry(_Settings):
    """Whether a contact who left may enter again, and how long after."""

    allowed: bool = False
    after: Annotated[str, AfterValidator(_gap)] = "1d"


class Ceilings(_Settings):
    """How many may enter at most: ever, and per day of the workspace."""

    total: int | None = Field(default=None, ge=1, le=10**12)
    daily: int | None = Field(default=None, ge=1, le=10**12)


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

    @property
    def gap(self) -> Duration | None:
        """Return the gap before entering again; None when nobody may."""
        return Duration.parse(self.reentry.after) if self.reentry.allowed else None

    @property
    def oldest_event(self) -> timedelta | None:
        """Return how old an event may be that starts somebody; None: any age."""
        return Duration.parse(self.max_event_age).longest if self.max_event_age else None


def read(raw: Any) -> Activation:
    """Read settings as sent or stored; raise Refused with a sentence per fault."""
    try:
        return Activation.model_validate(raw or {})
    except ValidationError as error:
        raise Refused("The activation settings have faults.", setting_faults(error)) from error
