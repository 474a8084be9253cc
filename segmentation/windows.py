"""Windows of time as criteria write them: in the last 30 days, between two instants, longer ago than that."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from segmentation.sql import Sql, both, sql
from segmentation.times import day_begins, is_day, read_moment, swept
from workspace.durations import Duration
from workspace.problems import Fault

FORMS = ({"last"}, {"from", "to"}, {"after"}, {"before"}, {"beforeLast"})
WRITE_A_WINDOW = (
    'Write one window: {"last": "30d"}, {"from": …, "to": …}, {"after": …}, {"before": …} or {"beforeLast": "90d"}.'
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The ends of a window at one instant; None is open, `_in` says whether the end itself belongs to it."""

    low: datetime | None
    low_in: bool
    high: datetime
    high_in: bool

    def where(self, column: str) -> Sql:
        """Render them on a column of instants."""
        high = sql(f"{column} {'<=' if self.high_in else '<'} {{at}}::timestamptz", at=self.high)
        low = sql(f"{column} {'>=' if self.low_in else '>'} {{at}}::timestamptz", at=self.low) if self.low else None
        return both(low, high)


class Window(BaseModel):
    """A stretch of time; exactly one of its forms."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    last: str | None = None
    from_: str | None = Field(None, alias="from")
    to: str | None = None
    after: str | None = None
    before: str | None = None
    before_last: str | None = Field(None, alias="beforeLast")

    def faults(self, path: str) -> Iterator[Fault]:
        """Yield what is wrong with it."""
        given = self.model_dump(by_alias=True, exclude_none=True)
        if set(given) not in FORMS:
            yield Fault(path, WRITE_A_WINDOW)
            return
        for name, text in given.items():
            try:
                _read(name, text)
            except ValueError as error:
                yield Fault(f"{path}.{name}", str(error))
                return
        ends = self.bounds(LATE, "UTC")
        if ends.low is not None and ends.low > ends.high:
            yield Fault(path, "The window ends before it begins.")

    @property
    def step(self) -> Duration | None:
        """Return the length that it is measured back from now, when it is."""
        text = self.last or self.before_last
        return Duration.parse(text) if text else None

    @property
    def clock(self) -> bool:
        """Tell whether time alone moves its ends."""
        return self.step is not None

    def bounds(self, at: datetime, zone: str) -> Bounds:
        """Return its ends at an instant; days are days of the house, and nothing after `at` counts."""
        if self.last:
            return Bounds(Duration.parse(self.last).before(at), False, at, True)
        if self.before_last:
            return Bounds(None, False, Duration.parse(self.before_last).before(at), True)
        low, low_in = (None, False)
        if self.from_ or self.after:
            low, low_in = _begins(read_moment(self.from_ or self.after), zone, after=bool(self.after))
        high, high_in = at, True
        if self.to or self.before:
            high, high_in = _ends(read_moment(self.to or self.before), zone, before=bool(self.before))
            high, high_in = (at, True) if high > at else (high, high_in)
        return Bounds(low, low_in, high, high_in)

    def edges(self, since: datetime, until: datetime) -> tuple[datetime, datetime] | None:
        """Return the range (low, high] of instants that went into or out of it while time passed, if it moves."""
        return swept(self.step, since, until, ahead=False) if self.step else None

    def words(self) -> str:
        """Say it in English."""
        if self.last:
            return f"in the last {Duration.parse(self.last).words()}"
        if self.before_last:
            return f"more than {Duration.parse(self.before_last).words()} ago"
        if self.from_:
            return f"from {self.from_} to {self.to}"
        return f"after {self.after}" if self.after else f"before {self.before}"


LATE = datetime(2999, 12, 31, tzinfo=UTC)


def _read(name: str, text: Any) -> Any:
    return Duration.parse(text) if name in ("last", "beforeLast") else read_moment(text)


def _begins(moment: date | datetime, zone: str, *, after: bool) -> tuple[datetime, bool]:
    if isinstance(moment, datetime):
        return moment, not after
    return day_begins(moment + timedelta(days=1) if after else moment, zone), True


def _ends(moment: date | datetime, zone: str, *, before: bool) -> tuple[datetime, bool]:
    if isinstance(moment, datetime):
        return moment, not before
    return day_begins(moment if before else moment + timedelta(days=1), zone), False


__all__ = ["Bounds", "Window", "is_day"]
