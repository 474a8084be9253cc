"""How many there are, without reading a million rows for it."""

from contacts.searching import standing
from contacts.storing import run

EXACT_BELOW = 100_000


def standing_count() -> int:
    """Return how many contacts stand: exact while they are few, else as the database's statistics say."""
    rows = run("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'contacts_contact'::regclass")
    about = int(rows[0][0])
    return about if about >= EXACT_BELOW else standing().count()


def recent_events(days: int) -> dict[int, int]:
    """Return name id → events of the last days."""
    return dict(
        run(
            """SELECT name_id, count(*) FROM contacts_event
               WHERE at > tributary_now() - make_interval(days => %s) GROUP BY 1""",
            [days],
        )
    )
