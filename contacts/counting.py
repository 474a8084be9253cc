"""How many there are, without reading a million rows for it."""

from collections.abc import Callable

from django.core.cache import cache

from contacts.searching import standing
from contacts.storing import run

EXACT_BELOW = 100_000
MANY_EVENTS = 2_000_000
REMEMBERED = 60  # seconds


def standing_count() -> int:
    """Return how many contacts stand: exact while they are few, else as the database's statistics say."""
    rows = run("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'contacts_contact'::regclass")
    about = int(rows[0][0])
    return about if about >= EXACT_BELOW else standing().count()


def recent_events(days: int) -> dict[int, int]:
    """Return name id → events of the last days, a minute old at most: of very many only a part is counted."""
    return _kept(f"recent_events:{days}", lambda: _recent_events(days))


def events_ever() -> dict[int, int]:
    """Return name id → events there are, a minute old at most: of very many as the database's statistics say."""
    return _kept("events_ever", _events_ever)


def _kept(key: str, count: Callable[[], dict[int, int]]) -> dict[int, int]:
    counts: dict[int, int] | None = cache.get(key)
    if counts is None:
        counts = count()
        cache.set(key, counts, REMEMBERED)
    return counts


def _size() -> int:
    """Return about how many events there are."""
    rows = run(
        """SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
           WHERE i.inhparent = 'contacts_event'::regclass"""
    )
    return int(rows[0][0])


def _recent_events(days: int) -> dict[int, int]:
    size = _size()
    share = min(1.0, MANY_EVENTS / size) if size else 1.0
    part = f"TABLESAMPLE SYSTEM ({share * 100:.4f})" if share < 1 else ""
    rows = run(
        f"""SELECT name_id, count(*) FROM contacts_event {part}
            WHERE at > tributary_now() - make_interval(days => %s) GROUP BY 1""",  # noqa: S608 - a number
        [days],
    )
    return {pk: round(count / share) for pk, count in rows}


_EXACT = "SELECT name_id, count(*) FROM contacts_event GROUP BY name_id"
_STATISTICS = """
SELECT value::bigint, sum(share * rows)::bigint FROM (
    SELECT unnest(s.most_common_vals::text::text[]) AS value, unnest(s.most_common_freqs) AS share, greatest(c.reltuples, 0) AS rows
    FROM pg_stats s JOIN pg_class c ON c.oid = to_regclass(quote_ident(s.tablename)) JOIN pg_inherits i ON i.inhrelid = c.oid
    WHERE i.inhparent = 'contacts_event'::regclass AND s.attname = 'name_id'
) parts GROUP BY value
"""


def _events_ever() -> dict[int, int]:
    return dict(run(_EXACT if _size() <= MANY_EVENTS else _STATISTICS))
