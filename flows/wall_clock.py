"""Local times as people mean them: nine o'clock there, on weekdays, between nine and six; pure, every instant is given.

A local time that does not exist moves by the length of the gap, one that exists twice is the first (rule 4).
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from workspace.zones import is_zone

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKDAYS = DAYS[:5]
DAY_NAMES = dict(zip(DAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True))
TIME = re.compile(r"^([01][0-9]|2[0-3]):([0-5][0-9])\Z")
A_WEEK_AND_A_BIT = 10  # days in which every weekday comes by, whatever the zone skips
LATEST = datetime(9990, 1, 1, tzinfo=UTC)


def read_time(text: str) -> time:
    """Read "09:30"; raise ValueError with a sentence otherwise."""
    match = TIME.match(text)
    if match is None:
        raise ValueError('Write a time of day as hours and minutes, such as "09:00".')
    return time(int(match[1]), int(match[2]))


zone = lru_cache(maxsize=1024)(ZoneInfo)


def first_zone(*names: str) -> str:
    """Return the first of these names that is a zone there is; UTC when none is."""
    return next((name for name in names if name and is_zone(name)), "UTC")


def instant(day: date, at: time, where: str) -> datetime:
    """Return the instant of a local time on a day: moved by a gap, the first of two."""
    return datetime.combine(day, at, zone(where)).astimezone(UTC)


def local_day(at: datetime, where: str) -> date:
    """Return the day it is somewhere."""
    return at.astimezone(zone(where)).date()


def allowed(at: datetime, days: Collection[str], where: str) -> bool:
    """Tell whether an instant falls on one of these weekdays there; none named are all."""
    return not days or DAYS[local_day(at, where).weekday()] in days


def next_time(after: datetime, at: time, days: Collection[str], where: str) -> datetime:
    """Return the next instant, strictly later, at which it is this time of day there on one of these weekdays."""
    return next(
        one for one in _each_day(after, at, where, 1) if one > after and allowed(one, days, where)
    )  # within a week and a bit every weekday has come by


def on_a_day(at: datetime, days: Collection[str], where: str) -> datetime:
    """Return this instant, or the same time of day on the next of these weekdays there."""
    if allowed(at, days, where):
        return at
    clock = at.astimezone(zone(where)).time()
    return next(one for one in _each_day(at, clock, where, 0) if one > at and allowed(one, days, where))


def _each_day(around: datetime, at: time, where: str, back: int) -> Iterator[datetime]:
    first = local_day(around, where) - timedelta(days=back)
    return (instant(first + timedelta(days=n), at, where) for n in range(A_WEEK_AND_A_BIT + back))


@dataclass(frozen=True, slots=True)
class Hours:
    """Open from one local time to another on some weekdays; past midnight when it closes before it opens."""

    opens: time
    closes: time
    days: tuple[str, ...] = ()

    def open_from(self, at: datetime, where: str) -> datetime:
        """Return this instant when it is open there, else the next at which it opens."""
        later = LATEST
        first = local_day(at, where) - timedelta(days=2)
        for n in range(A_WEEK_AND_A_BIT + 2):
            day = first + timedelta(days=n)
            if self.days and DAYS[day.weekday()] not in self.days:
                continue
            begins, ends = self._on(day, where)
            if begins <= at < ends:
                return at
            if begins > at:
                later = min(later, begins)
        return later

    def _on(self, day: date, where: str) -> tuple[datetime, datetime]:
        last = day if self.closes > self.opens else day + timedelta(days=1)
        return instant(day, self.opens, where), instant(last, self.closes, where)


def anniversary(day: date, year: int) -> date:
    """Return the day of a year on which a date is remembered; 29 February falls on 28 February in common years."""
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def day_words(days: Collection[str]) -> str:
    """Say weekdays: "Monday, Tuesday", "weekdays", "any day"."""
    chosen = [one for one in DAYS if one in days]
    if not chosen or len(chosen) == len(DAYS):
        return "any day"
    if tuple(chosen) == WORKDAYS:
        return "weekdays"
    return ", ".join(DAY_NAMES[one] for one in chosen)
