"""How many match, by looking at some contacts only: an answer within the second where counting everybody takes longer."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from django.db import OperationalError, connection

from segmentation.catalogue import Catalogue
from segmentation.compiler import matching_among
from segmentation.criteria import Criteria
from segmentation.room import room

T = TypeVar("T")
LOOKS = (200, 1000, 5000, 20_000)  # contact ids that are drawn: each look is surer of itself, while there is time
ENOUGH = 200  # so many found tell the number to about a fifteenth of itself
LOOKING = 0.45  # seconds that all looks together may take
HASTE = 20  # drawn when not even the first look came to an end
HARDLY = 5  # found fewer than this, the number is told with what it surely stays below
SURELY = (
    3.0,
    4.75,
    6.3,
    7.76,
    9.16,
)  # of a rare thing seen n times, 95 in 100 samples would have shown it were it more
CANCELED = "57014"

# The same ids at every asking, spread by a hash over all ids ever given: a change of criteria moves the number, chance does not.
_DRAWN = """
WITH ends AS (SELECT min(id) AS low, max(id) - min(id) + 1 AS span FROM contacts_contact)
SELECT DISTINCT low + ((hashint8extended(n, 0) %% span) + span) %% span, span FROM ends, generate_series(1, %s) AS n
WHERE span > 0
"""


def within(seconds: float, work: Callable[[], T]) -> T | None:
    """Do some queries, none of which may take longer; None when one did, or no time is left."""
    if seconds < 0.001:
        return None
    try:
        with room(statement_timeout=f"{seconds * 1000:.0f}ms"):
            return work()
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != CANCELED:
            raise
        return None


def span() -> int:
    """Return how many ids contacts were given, which no count of them passes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id) - min(id) + 1, 0) FROM contacts_contact")
        return int(cursor.fetchone()[0])


@dataclass(frozen=True, slots=True)
class Estimate:
    """About how many match, the ids of a few who do and, where hardly anybody was found, below which number it stays."""

    count: int
    ids: list[int]
    fewer_than: int | None = None


def estimate(criteria: Criteria, at: datetime, catalogue: Catalogue, n: int) -> Estimate:
    """Say about how many match: a few contacts are looked at, then more and more, as long as that helps."""
    seen = _longest_look(criteria, at, catalogue)
    if not seen.drawn:
        return Estimate(0, [])
    number = len(seen.ids) * seen.span / seen.drawn
    if len(seen.ids) >= HARDLY or seen.drawn >= seen.span:
        return Estimate(_rounded(number), seen.ids[:n])
    most = SURELY[len(seen.ids)] * seen.span / seen.drawn
    return Estimate(_rounded(number), seen.ids[:n], _rounded_up(most))


def _longest_look(criteria: Criteria, at: datetime, catalogue: Catalogue) -> "_Seen":
    end, seen = time.monotonic() + LOOKING, None
    for draws in LOOKS:
        more = within(end - time.monotonic(), partial(_look, criteria, at, catalogue, draws))
        if more is None:
            break
        seen = more
        if len(seen.ids) >= ENOUGH or seen.drawn >= seen.span:
            break
    return seen or _look(criteria, at, catalogue, HASTE)


@dataclass(frozen=True, slots=True)
class _Seen:
    ids: list[int]
    drawn: int
    span: int


def _look(criteria: Criteria, at: datetime, catalogue: Catalogue, draws: int) -> _Seen:
    with connection.cursor() as cursor:
        cursor.execute(_DRAWN, [draws])
        rows = cursor.fetchall()
        if not rows:
            return _Seen([], 0, 0)
        statement = matching_among({0: criteria}, [row[0] for row in rows], at, catalogue)
        cursor.execute(statement.text, statement.params)
        return _Seen(sorted(pk for _, pk in cursor.fetchall()), len(rows), rows[0][1])


def _rounded(number: float) -> int:
    """Round to the two digits that a sample can tell."""
    whole = round(number)
    return round(whole, 2 - len(str(whole)))


def _rounded_up(number: float) -> int:
    """Round up to one digit and a half: 150, 300, 2000."""
    unit = 10 ** max(0, len(str(int(number))) - 1)
    return int(-(-number // (unit / 2)) * (unit / 2)) or 1
