"""How contacts moved between personas month by month, reckoned from what they did: each document as it would have answered then.

What contacts did has its instants and is reckoned exactly; attributes and consent are read as they are today.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from segmentation.catalogue import Catalogue
from segmentation.compiler import matching_set
from segmentation.criteria import Criteria, parse
from segmentation.measures import Scene
from segmentation.room import room
from segmentation.sql import sql

NOBODY = ""  # in none of them


@dataclass(slots=True)
class Movement:
    """Sizes at each instant by slug, and between each two neighbours how many went from where to where."""

    at: list[datetime]
    sizes: list[dict[str, int]] = field(default_factory=list)
    moved: list[dict[tuple[str, str], int]] = field(default_factory=list)


def month_ends(now: datetime, months: int, zone: str) -> list[datetime]:
    """Return the last so many ends of months in a zone, oldest first, and now as the last."""
    local = now.astimezone(ZoneInfo(zone)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    ends: list[datetime] = [now]
    while len(ends) <= months:
        ends.insert(0, local)
        local = (local - timedelta(days=1)).replace(day=1)
    return ends


def movement(
    documents: Mapping[str, dict[str, Any]],
    instants: Sequence[datetime],
    catalogue: Catalogue,
    *,
    told: Callable[[int], None] = lambda done: None,
) -> Movement:
    """Ask every document at every instant; `told` hears after each how many instants are done, and may raise to stop."""
    found = Movement(list(instants))
    asked = {slug: parse(document, catalogue) for slug, document in documents.items()}
    with _table():
        for turn, at in enumerate(instants):
            _stand(turn, asked, Scene(at=at, catalogue=catalogue))
            told(turn + 1)
        _run("ANALYZE stood")
        found.sizes = _sizes(list(documents), len(instants))
        found.moved = _moved(len(instants))
    return found


@contextmanager
def _table() -> Iterator[None]:
    """Keep who stood where in a table of this session alone, outside any transaction, so that nothing waits for it."""
    _run("DROP TABLE IF EXISTS pg_temp.stood")
    _run("CREATE TEMP TABLE stood (turn int, slug text, contact_id bigint)")
    yield
    _run("DROP TABLE pg_temp.stood")


def _stand(turn: int, asked: Mapping[str, Criteria], scene: Scene) -> None:
    for slug, criteria in asked.items():
        statement = sql(
            "INSERT INTO stood SELECT {turn}::int, {slug}::text, m.id FROM ({who}) AS m(id)"
            " JOIN contacts_contact c ON c.id = m.id WHERE c.created_at <= {at}",
            turn=turn,
            slug=slug,
            who=matching_set(criteria, scene),
            at=scene.at,
        )
        with room():
            _run(statement.text, statement.params)


def _sizes(slugs: list[str], turns: int) -> list[dict[str, int]]:
    sizes = [dict.fromkeys(slugs, 0) for _ in range(turns)]
    for turn, slug, size in _run("SELECT turn, slug, count(*) FROM stood GROUP BY 1, 2"):
        sizes[turn][slug] = size
    return sizes


def _moved(turns: int) -> list[dict[tuple[str, str], int]]:
    """Count who went from where to where; who stayed is counted from a slug to itself."""
    moved: list[Counter[tuple[str, str]]] = [Counter() for _ in range(turns - 1)]
    rows = _run(
        "SELECT coalesce(a.turn, b.turn - 1), coalesce(a.slug, ''), coalesce(b.slug, ''), count(*)"
        " FROM (SELECT * FROM stood WHERE turn < %s) a FULL JOIN (SELECT * FROM stood WHERE turn > 0) b"
        " ON b.contact_id = a.contact_id AND b.turn = a.turn + 1 GROUP BY 1, 2, 3",
        [turns - 1],
    )
    for turn, before, after, people in rows:
        moved[turn][before, after] += people
    return [dict(one) for one in moved]


def _run(text: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(text, params)
        return cursor.fetchall() if cursor.description else []
