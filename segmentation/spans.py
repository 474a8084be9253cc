"""Where on the calendar the stored dates stand whose answer may turn while time passes: ranges that an index serves.

Wide by a day or two, never narrow: who really turned is asked of the contact's own row (`sweeps.crossed`).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from contacts.models import AttributeType as T
from segmentation.operators import Asked
from segmentation.times import a_day_may_turn, swept

Span = tuple[datetime, datetime]  # (low, high]
SLACK = timedelta(days=2)  # zones, and 29 February that falls on the 28th
EARLIEST = 1000  # the first year that a stored date may have


def spans(asked: Asked, since: datetime, until: datetime) -> list[Span] | None:
    """Return the ranges of the dates that may turn from `since` to `until`; None: any may."""
    ahead = asked.operator.endswith("in_next")
    if asked.operator.startswith("anniversary"):
        if until - since > timedelta(days=180):
            return None
        return list(_each_year(_around(asked, since, until, ahead))) if a_day_may_turn(since, until) else []
    if asked.type == T.DATETIME:
        return [swept(asked.value, since, until, ahead=ahead), (since, until)]
    return _around(asked, since, until, ahead) if a_day_may_turn(since, until) else []


def _around(asked: Asked, since: datetime, until: datetime, ahead: bool) -> list[Span]:
    """Return the days that today reached, and those at the far end."""
    low, high = swept(asked.value, since, until, ahead=ahead)
    return [(low - SLACK, high + SLACK), (since - SLACK, until + SLACK)]


def _each_year(spans: list[Span]) -> Iterator[Span]:
    """Yield the same days of all the years before."""
    for low, high in spans:
        for year in range(EARLIEST, high.year + 1):
            begins = datetime(year, low.month, min(low.day, 28), tzinfo=UTC) - SLACK
            yield begins, begins + (high - low) + 3 * SLACK
