"""How many match, by looking at some contacts only: an answer within the second where counting everybody takes longer."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.db import OperationalError, connection, transaction

from contacts.models import Contact
from segmentation.catalogue import Catalogue
from segmentation.compiler import q
from segmentation.criteria import Criteria

T = TypeVar("T")
DRAWS = 2000  # contact ids that are drawn: a share of one in a hundred is told to about a fifth of itself
CANCELED = "57014"

# The same ids at every asking, spread by a hash over all ids ever given: a change of criteria moves the number, chance does not.
_DRAWN = """
WITH ends AS (SELECT min(id) AS low, max(id) - min(id) + 1 AS span FROM contacts_contact)
SELECT DISTINCT low + ((hashint8extended(n, 0) %% span) + span) %% span, span FROM ends, generate_series(1, %s) AS n
WHERE span > 0
"""


def within(seconds: float, work: Callable[[], T]) -> T | None:
    """Do some queries, none of which may take longer; None when one did."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            (usual,) = cursor.fetchone()
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{seconds * 1000:.0f}ms"])
            answer = work()
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [usual])
            return answer
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != CANCELED:
            raise
        return None


def span() -> int:
    """Return how many ids contacts were given, which no count of them passes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id) - min(id) + 1, 0) FROM contacts_contact")
        return int(cursor.fetchone()[0])


def estimate(criteria: Criteria, at: datetime, catalogue: Catalogue, n: int) -> tuple[int, list[int]]:
    """Return about how many match, and the ids of a few who do."""
    with connection.cursor() as cursor:
        cursor.execute(_DRAWN, [DRAWS])
        rows = cursor.fetchall()
    if not rows:
        return 0, []
    drawn, span = [row[0] for row in rows], rows[0][1]
    found = Contact.objects.filter(q(criteria, at=at, catalogue=catalogue, among=drawn))
    ids = list(found.order_by("pk").values_list("pk", flat=True))
    return _rounded(len(ids) * span / len(drawn)), ids[:n]


def _rounded(number: float) -> int:
    """Round to the two digits that a sample can tell."""
    whole = round(number)
    return round(whole, 2 - len(str(whole)))
