"""Instants and days as criteria write them, and the instants between which time alone changes an answer."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from workspace.durations import Duration

_DAY = re.compile(r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}$")
_INSTANT = re.compile(
    r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})$"
)
WRITE_A_TIME = 'Write a day as "2026-03-01" or an instant as "2026-03-01T09:30:00Z" (with Z or an offset).'
WRITE_A_DAY = 'Write a day as "2026-03-01".'
QUARTER = timedelta(minutes=15)  # every zone's midnight falls on a quarter of an hour in UTC
TICK = timedelta(microseconds=1)

_MONTHS = "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
_LEAP = "([12][0-9](0[48]|[2468][048]|[13579][26])|(1[26]|2[048])00)-02-29"
# What is stored counts as a date only when it is one of these, so that the cast after it never fails.
STORED_DAY = f"^([12][0-9]{{3}}-{_MONTHS}|{_LEAP})$"
STORED_INSTANT = (
    f"^([12][0-9]{{3}}-{_MONTHS}|{_LEAP})"
    r"([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?(Z|[+-](0[0-9]|1[0-4]):?[0-5][0-9])?)?$"
)


def read_moment(text: object) -> date | datetime:
    """Read a day or an aware instant; raise ValueError with a sentence otherwise."""
    if isinstance(text, str):
        try:
            if _DAY.match(text):
                return date.fromisoformat(text)
            if _INSTANT.match(text):
                return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"{text[:40]} is not in the calendar. {WRITE_A_TIME}") from error
    raise ValueError(WRITE_A_TIME)


def is_day(value: date | datetime) -> bool:
    """Tell a day from an instant."""
    return not isinstance(value, datetime)


def day_begins(day: date, zone: str) -> datetime:
    """Return the instant at which a day begins in a zone (a midnight that does not exist moves by the gap)."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def a_day_may_turn(since: datetime, until: datetime) -> bool:
    """Tell whether somewhere on earth a calendar day ends between two instants."""
    return since.timestamp() // QUARTER.total_seconds() != until.timestamp() // QUARTER.total_seconds()


def swept(step: Duration, since: datetime, until: datetime, *, ahead: bool) -> tuple[datetime, datetime]:
    """Return the range that `at - step` (or `at + step`) sweeps over while `at` goes from `since` to `until`.

    Lengths sweep forward only. Calendar steps fall back at midnights (30 March and 29 March are both a month after
    28 February), so the range is the hull of all they touch.
    """
    move = step.after if ahead else step.before
    marks = [since, until]
    if step.calendar and until - since > timedelta(days=40):
        return move(since) - timedelta(days=4), move(until) + timedelta(days=4)
    if step.calendar:
        midnight = datetime.combine(since.date(), time(), UTC) + timedelta(days=1)
        while midnight <= until:
            marks += [midnight - TICK, midnight]
            midnight += timedelta(days=1)
    reached = [move(mark) for mark in marks]
    low, high = min(reached), max(reached)
    return (low, high) if not step.calendar else (low - TICK, high)
