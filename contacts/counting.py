"""How many there are, without reading a million rows for it."""

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
    key = f"recent_events:{days}"
    counts: dict[int, int] | None = cache.get(key)
    if counts is None:
        counts = _recent_events(days)
        cache.set(key, counts, REMEMBERED)
    return counts


def _recent_events(days: int) -> dict[int, int]:
    ((size,),) = run(
        """SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
           WHERE i.inhparent = 'contacts_event'::regclass"""
    )
    share = min(1.0, MANY_EVENTS / size) if size else 1.0
    part = f"TABLESAMPLE SYSTEM ({share * 100:.4f})" if share < 1 else ""
    rows = run(
        f"""SELECT name_id, count(*) FROM contacts_event {part}
            WHERE at > tributary_now() - make_interval(days => %s) GROUP BY 1""",  # noqa: S608 - a number
        [days],
    )
    return {pk: round(count / share) for pk, count in rows}
