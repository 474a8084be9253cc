"""When an answer about one value turns only because time passes: the instants, exact to the microsecond."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from contacts.models import AttributeType as T
from segmentation.operators import Asked
from segmentation.times import STORED_DAY, STORED_INSTANT, TICK, day_begins
from workspace.durations import Duration

DAY = timedelta(days=1)
AROUND = range(-1, 5)  # calendar steps fall together at the ends of months: at most so many days


def of_window(step: Duration, instant: datetime, after: datetime) -> Iterator[datetime]:
    """Yield when an instant goes out of (now - step, now]."""
    if not step.calendar:
        yield from later([step.after(instant)], after)
        return
    yield from _flips(lambda at: step.before(at) < instant, _around(step.after(instant)), after)


def of_value(value: Any, asked: Asked, zone: str, after: datetime, *, lenient: bool = True) -> Iterator[datetime]:
    """Yield when a relative comparison with a stored value may change its answer."""
    anniversary = asked.operator.startswith("anniversary")
    if asked.type == T.DATETIME and not anniversary:
        instant = read_instant(value)
        if instant is not None:
            yield from _of_instant(instant, asked.operator, asked.value, after)
        return
    day = read_day(value, zone, lenient=lenient)
    if day is None:
        return
    today = after.astimezone(ZoneInfo(zone)).date()
    days = list(_returns(day, today)) if anniversary else [day]
    for one in days:
        yield from _of_day(one, asked.operator.removeprefix("anniversary_"), asked.value, zone, after)


def later(instants: list[datetime], after: datetime) -> Iterator[datetime]:
    """Yield those that are still to come."""
    yield from (one for one in instants if one > after)


def read_instant(value: Any) -> datetime | None:
    """Read a stored instant as the database does; None when it is none."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not re.search(STORED_INSTANT, value):
        return None
    read = datetime.fromisoformat(value)
    try:
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except OverflowError:
        return None


def read_day(value: Any, zone: str, *, lenient: bool = True) -> date | None:
    """Read a stored day, or the contact's calendar day of an instant where that counts too."""
    if isinstance(value, str) and re.search(STORED_DAY, value):
        return date.fromisoformat(value)
    instant = read_instant(value) if lenient or isinstance(value, datetime) else None
    return instant.astimezone(ZoneInfo(zone)).date() if instant else None


def _of_instant(instant: datetime, operator: str, step: Duration, after: datetime) -> Iterator[datetime]:
    yield from later([instant], after)
    if operator == "in_last":
        yield from of_window(step, instant, after)
        return
    yield from _flips(lambda at: step.after(at) >= instant, _around(step.before(instant)), after)


def _of_day(day: date, operator: str, step: Duration, zone: str, after: datetime) -> Iterator[datetime]:
    """Yield the midnights at which a day comes into or goes out of a range of days that moves with today."""
    inside = {"in_last": _in_last, "in_next": _in_next}[operator]
    far = _step(day, step, 1 if operator == "in_last" else -1)
    marks = {day, *(far + DAY * number for number in AROUND)}
    turning = [one for one in sorted(marks) if inside(day, one, step) != inside(day, one - DAY, step)]
    yield from later([day_begins(one, zone) for one in turning], after)


def _in_last(day: date, today: date, step: Duration) -> bool:
    return _step(today, step, -1) < day <= today


def _in_next(day: date, today: date, step: Duration) -> bool:
    return today < day <= _step(today, step, 1)


def _step(day: date, step: Duration, sign: int) -> date:
    midnight = datetime.combine(day, time(), UTC)
    return (step.after(midnight) if sign > 0 else step.before(midnight)).date()


def _returns(day: date, today: date) -> Iterator[date]:
    """Yield the returns of a day in the years around today; 29 February falls on 28 February in common years."""
    for year in range(max(today.year - 1, day.year + 1), today.year + 3):
        try:
            yield day.replace(year=year)
        except ValueError:
            yield day.replace(year=year, day=28)


def _around(instant: datetime) -> list[datetime]:
    """Return where a calendar step may turn near its target: at the same time of day and at midnights in UTC."""
    days = [instant.date() + DAY * number for number in AROUND]
    return [
        datetime.combine(one, when, UTC) for one in days for when in (time(), instant.timetz().replace(tzinfo=None))
    ]


def _flips(holds: Callable[[datetime], bool], marks: list[datetime], after: datetime) -> Iterator[datetime]:
    """Yield the marks at which a condition changes; `just after` a mark is a mark too, for ends that are closed."""
    every = sorted({*marks, *(one + TICK for one in marks)})
    yield from later([one for one in every if holds(one) != holds(one - TICK)], after)
