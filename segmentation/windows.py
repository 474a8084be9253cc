"""Windows of time as criteria write them: in the last 30 days, between two instants, longer ago than that."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from segmentation.sql import Sql, both, sql
from segmentation.times import is_day, read_moment, swept
from workspace.durations import Duration
from workspace.problems import Fault

FORMS = ({"last"}, {"from", "to"}, {"after"}, {"before"}, {"beforeLast"}, {"since"})
WRITE_A_WINDOW = (
    'Write one window: {"last": "30d"}, {"from": …, "to": …}, {"after": …}, {"before": …} or {"beforeLast": "90d"}.'
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The ends of a window at one instant; None is open, `_in` says whether the end itself belongs to it.

    Days are days where the contact lives: then `low` and `high` are only how far those can lie on the whole earth, so that
    an index serves, and `first` and `last` say exactly which days belong to it.
    """

    low: datetime | None
    low_in: bool
    high: datetime
    high_in: bool
    first: date | None = None
    last: date | None = None

    @property
    def by_day(self) -> bool:
        """Tell whether the contact's zone matters."""
        return self.first is not None or self.last is not None

    def where(self, column: str, zone: Sql) -> Sql:
        """Render them on a column of instants; the zone is the contact's."""
        return both(self.after(column, zone), self.until(column, zone))

    def after(self, column: str, zone: Sql) -> Sql | None:
        """Render where it begins, if it does."""
        low = sql(f"{column} {'>=' if self.low_in else '>'} {{at}}::timestamptz", at=self.low) if self.low else None
        first = sql(f"({column} AT TIME ZONE {{zone}})::date >= {{day}}::date", zone=zone, day=self.first)
        return both(low, first) if self.first else low

    def until(self, column: str, zone: Sql) -> Sql:
        """Render where it ends."""
        high = sql(f"{column} {'<=' if self.high_in else '<'} {{at}}::timestamptz", at=self.high)
        last = sql(f"({column} AT TIME ZONE {{zone}})::date <= {{day}}::date", zone=zone, day=self.last)
        return both(high, last) if self.last else high


class Window(BaseModel):
    """A stretch of time; exactly one of its forms."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    last: str | None = None
    from_: str | None = Field(None, alias="from")
    to: str | None = None
    after: str | None = None
    before: str | None = None
    before_last: str | None = Field(None, alias="beforeLast")
    since: str | None = Field(None, max_length=100, description='Inside a flow: "entry" or "node:<id>".')

    def faults(self, path: str) -> Iterator[Fault]:
        """Yield what is wrong with it."""
        given = self.model_dump(by_alias=True, exclude_none=True)
        if set(given) not in FORMS:
            yield Fault(path, WRITE_A_WINDOW)
            return
        for name, text in given.items() if self.since is None else ():
            try:
                _read(name, text)
            except ValueError as error:
                yield Fault(f"{path}.{name}", str(error))
                return
        ends = self.bounds(LATE)
        if (ends.low and ends.low > ends.high) or (ends.first and ends.last and ends.first > ends.last):
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

    @property
    def by_day(self) -> bool:
        """Tell whether the contact's calendar decides what belongs to it."""
        return any(is_day(read_moment(text)) for text in (self.from_, self.to, self.after, self.before) if text)

    def bounds(self, at: datetime) -> Bounds:
        """Return its ends at an instant; nothing after `at` counts."""
        if self.last:
            return Bounds(Duration.parse(self.last).before(at), False, at, True)
        if self.since is not None:
            return Bounds(at, False, at, True)  # nothing, as long as nobody says since when
        if self.before_last:
            return Bounds(None, False, Duration.parse(self.before_last).before(at), True)
        low, first = (
            _begins(read_moment(self.from_ or self.after), after=bool(self.after))
            if self.from_ or self.after
            else (None, None)
        )
        high, last = (
            _ends(read_moment(self.to or self.before), before=bool(self.before))
            if self.to or self.before
            else (at, None)
        )
        high_in = high > at or self.before is None
        return Bounds(low, self.from_ is not None or first is not None, min(high, at), high_in, first, last)

    def edges(self, since: datetime, until: datetime) -> tuple[datetime, datetime] | None:
        """Return the range (low, high] of instants that went into or out of it while time passed, if it moves."""
        return swept(self.step, since, until, ahead=False) if self.step else None

    def words(self) -> str:
        """Say it in English."""
        if self.last:
            return f"in the last {Duration.parse(self.last).words()}"
        if self.since is not None:
            node = self.since.removeprefix("node:")
            return "since entering the flow" if self.since == "entry" else f"since the step “{node}”"
        if self.before_last:
            return f"more than {Duration.parse(self.before_last).words()} ago"
        if self.from_:
            return f"from {self.from_} to {self.to}"
        return f"after {self.after}" if self.after else f"before {self.before}"


LATE = datetime(2999, 12, 31, tzinfo=UTC)


def _read(name: str, text: Any) -> Any:
    return Duration.parse(text) if name in ("last", "beforeLast") else read_moment(text)


EAST, WEST = timedelta(hours=14), timedelta(hours=12)  # how far ahead of UTC a day begins, how far behind it ends


def _begins(moment: date | datetime, *, after: bool) -> tuple[datetime, date | None]:
    if isinstance(moment, datetime):
        return moment, None
    first = moment + timedelta(days=1) if after else moment
    return datetime.combine(first, time(), UTC) - EAST, first


def _ends(moment: date | datetime, *, before: bool) -> tuple[datetime, date | None]:
    if isinstance(moment, datetime):
        return moment, None
    last = moment - timedelta(days=1) if before else moment
    return datetime.combine(last + timedelta(days=1), time(), UTC) + WEST, last


__all__ = ["Bounds", "Window", "is_day"]
