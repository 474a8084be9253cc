"""`30s 15m 24h 7d 4w` are lengths; `1mo 1y` are calendar steps."""

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_SHAPE = re.compile(r"^([1-9][0-9]{0,5})(s|m|h|d|w|mo|y)\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_NAMES = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year"}
LONGEST = timedelta(days=36600)


@dataclass(frozen=True, slots=True)
class Duration:
    """A whole number of one unit."""

    count: int
    unit: str

    @classmethod
    def parse(cls, text: object) -> "Duration":
        """Read "<whole number><unit>"; raise ValueError with a sentence otherwise."""
        match = _SHAPE.match(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError(
                'Write a duration as a whole number and a unit: "30s", "15m", "24h", "7d", "4w", "1mo" or "1y".'
            )
        duration = cls(int(match[1]), match[2])
        if duration.longest > LONGEST:
            raise ValueError("A duration of more than 100 years is too long.")
        return duration

    @property
    def longest(self) -> timedelta:
        """Return the longest it can be."""
        if self.unit in _SECONDS:
            return timedelta(seconds=self.count * _SECONDS[self.unit])
        return timedelta(days=self.count * (31 if self.unit == "mo" else 366))

    @property
    def calendar(self) -> bool:
        """Tell whether it is a calendar step rather than a length."""
        return self.unit not in _SECONDS

    def after(self, instant: datetime) -> datetime:
        """Return the instant this long after another (calendar steps in the instant's own zone)."""
        return self._step(instant, 1)

    def before(self, instant: datetime) -> datetime:
        """Return the instant this long before another."""
        return self._step(instant, -1)

    def _step(self, instant: datetime, sign: int) -> datetime:
        if not self.calendar:
            return instant + sign * self.longest
        months = sign * self.count * (12 if self.unit == "y" else 1)
        year, month = divmod(instant.year * 12 + instant.month - 1 + months, 12)
        month += 1
        return instant.replace(year=year, month=month, day=min(instant.day, calendar.monthrange(year, month)[1]))

    def words(self) -> str:
        """Say it in English: "30 days"."""
        return f"{self.count} {_NAMES[self.unit]}{'' if self.count == 1 else 's'}"

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"
