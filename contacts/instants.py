"""Reading instants as programs write them."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import available_timezones

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
SKEW_TOLERATED = timedelta(seconds=5)  # shorter differences are the way through the net, not a wrong clock
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")


def read_instant(value: object) -> datetime | None:
    """Return the UTC instant of an ISO 8601 text (without a zone: UTC), or None when it is none between 1900 and 2200."""
    if isinstance(value, datetime):
        instant = value
    elif isinstance(value, str) and 10 <= len(value) <= 40:
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            return None
    else:
        return None
    try:
        instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except OverflowError:
        return None
    return instant if EARLIEST <= instant < LATEST else None


def is_date(text: str) -> bool:
    """Tell whether a text is an ISO date."""
    if not _DATE.match(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_datetime(text: str) -> bool:
    """Tell whether a text is an ISO date with a time."""
    return bool(_DATETIME.match(text)) and read_instant(text) is not None


def corrected(claimed: datetime, sent_at: datetime | None, received_at: datetime) -> datetime:
    """Return the claimed instant moved by how wrong the sender's clock was when it sent."""
    if sent_at is None or abs(received_at - sent_at) <= SKEW_TOLERATED:
        return claimed
    return claimed + (received_at - sent_at)


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def is_timezone(name: str) -> bool:
    """Tell whether this is a time zone of the IANA database."""
    return name in _zones()
