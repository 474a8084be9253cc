"""Dates that repeat by an RFC 5545 rule, in local time; what would never fire, or too often, is refused with a sentence."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

LONGEST = 200
MOST_COUNT, MOST_INTERVAL = 10_000, 1_000
AHEAD = timedelta(days=9 * 366)  # 29 February may be eight years away
AHEAD_HOURLY = timedelta(days=400)  # so many hours are looked at soon enough
PARTS = {
    "FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYHOUR", "BYMINUTE", "BYSETPOS", "BYWEEKNO",
    "BYYEARDAY", "WKST",
}  # fmt: skip
FREQUENCIES = {"HOURLY": "hour", "DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
DAYS = {
    "MO": "Monday",
    "TU": "Tuesday",
    "WE": "Wednesday",
    "TH": "Thursday",
    "FR": "Friday",
    "SA": "Saturday",
    "SU": "Sunday",
}
WRITE_A_RULE = "Write a rule such as FREQ=WEEKLY;BYDAY=MO or FREQ=MONTHLY;BYMONTHDAY=-1."
_STARTS = re.compile(r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?$")


def read_start(text: str) -> datetime:
    """Read a local date and time; raise ValueError with a sentence otherwise."""
    if not _STARTS.match(text):
        raise ValueError("Write a date and a time such as 2026-12-01T09:00, in the years 2000 to 2099.")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text} is not in the calendar.") from error


def parts_of(text: str) -> dict[str, str]:
    """Take a rule apart; raise ValueError with a sentence for what is no rule or fires too often."""
    bare = text.strip().upper().removeprefix("RRULE:")
    if len(bare) > LONGEST:
        raise ValueError(f"A rule has at most {LONGEST} characters.")
    pairs = [one.partition("=") for one in bare.split(";") if one]
    parts = {name: value for name, _, value in pairs}
    if len(parts) != len(pairs) or not all(parts.values()):
        raise ValueError(WRITE_A_RULE)
    if unknown := sorted(set(parts) - PARTS - {"BYSECOND", "BYEASTER"}):
        raise ValueError(f"A rule has no part “{unknown[0][:20]}”. {WRITE_A_RULE}")
    _refuse_often(parts)
    _refuse_large(parts)
    return parts


def _refuse_often(parts: dict[str, str]) -> None:
    if parts.get("FREQ") in ("SECONDLY", "MINUTELY") or "BYSECOND" in parts or "," in parts.get("BYMINUTE", ""):
        raise ValueError("It would fire more than once an hour, which is the most; write FREQ=HOURLY or seldomer.")
    if parts.get("FREQ") not in FREQUENCIES or "BYEASTER" in parts:
        raise ValueError(f"FREQ is one of {', '.join(FREQUENCIES)}. {WRITE_A_RULE}")


def _refuse_large(parts: dict[str, str]) -> None:
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("A rule has COUNT or UNTIL, not both.")
    for name, most in (("COUNT", MOST_COUNT), ("INTERVAL", MOST_INTERVAL)):
        value = parts.get(name, "1")
        if not (value.isascii() and value.isdigit() and len(value) <= 6 and 1 <= int(value) <= most):
            raise ValueError(f"{name} is a whole number from 1 to {most:,}.")


def dates(starts: datetime, rule: str, zone: str, after: datetime, count: int = 3) -> list[datetime]:
    """Return the next instants (UTC) after one: of the start alone, or of a rule; raise ValueError for what is no rule."""
    found = (_instant(one, zone) for one in _local(starts, rule, after))
    return list(islice((one for one in found if one > after), count))


def _local(starts: datetime, rule: str, after: datetime) -> Iterator[datetime]:
    if not rule:
        yield starts
        return
    parts = parts_of(rule)
    local = after.replace(tzinfo=None)
    begin = _nearer(starts, parts, local)
    ends = max(begin, local) + (AHEAD_HOURLY if parts["FREQ"] == "HOURLY" else AHEAD)
    text = ";".join(f"{name}={value.rstrip('Z') if name == 'UNTIL' else value}" for name, value in parts.items())
    try:
        yield from takewhile(lambda one: one <= ends, _bounded(rrulestr(text, dtstart=begin), begin, ends))
    except _TooFar:
        return
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError) as error:
        raise ValueError(f"The rule cannot be read: {str(error)[:120]}. {WRITE_A_RULE}") from error


class _TooFar(Exception):
    """So far ahead nobody looks for a date."""


class _Bounded(rrule):  # type: ignore[misc] # dateutil ships no types
    """A rule that gives up when it has looked for a date in so many months; the library's own looks until the year 9999."""

    months: int

    @property
    def _byeaster(self) -> None:
        """Asked by the library whenever it comes to another month or year; Easter itself is refused above."""
        self.months -= 1
        if self.months < 0:
            raise _TooFar


def _bounded(made: Any, begin: datetime, ends: datetime) -> Iterator[datetime]:
    made.__class__ = _Bounded
    made.months = (ends.year - begin.year + 1) * 12
    return iter(made)


def _nearer(starts: datetime, parts: dict[str, str], after: datetime) -> datetime:
    """Begin an hourly rule near the instant asked for, a whole number of its steps later: the same dates, found at once."""
    step = timedelta(hours=int(parts.get("INTERVAL", "1")))
    if parts["FREQ"] != "HOURLY" or "COUNT" in parts or after <= starts:
        return starts
    return starts + step * max(0, (after - starts) // step - 48)


def _instant(local: datetime, zone: str) -> datetime:
    """Return the instant of a local time: one that does not exist moves by the gap, of two the first counts (rule 4)."""
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def words(rule: str) -> str:
    """Say a rule in English; what has no simple words stands as it was written."""
    try:
        parts = parts_of(rule)
    except ValueError:
        return rule
    number, unit = int(parts.get("INTERVAL", "1")), FREQUENCIES[parts["FREQ"]]
    said = f"every {unit}" if number == 1 else f"every {number} {unit}s"
    days = parts.get("BYDAY", "")
    if days and all(day in DAYS for day in days.split(",")):
        said += f" on {', '.join(DAYS[day] for day in days.split(','))}"
        parts.pop("BYDAY")
    if parts.get("BYMONTHDAY") == "-1":
        said += " on the last day"
    elif parts.get("BYMONTHDAY", "").isdigit():
        said += f" on day {parts['BYMONTHDAY']}"
    said += f", {parts['COUNT']} times" if "COUNT" in parts else ""
    plain = {"FREQ", "INTERVAL", "COUNT", "BYMONTHDAY", "WKST"}
    return said if set(parts) <= plain and "," not in parts.get("BYMONTHDAY", "") else rule
