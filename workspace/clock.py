"""What time it is: asked of the database, so that one clock decides and tests can set it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection


def now() -> datetime:
    """Return the instant of the house, aware and in UTC, as the database tells it right now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tributary_now()")
        row = cursor.fetchone()
    assert row is not None
    instant: datetime = row[0]
    return instant


@contextmanager
def at(instant: datetime | None) -> Iterator[None]:
    """Hold this connection's clock at an instant (None: let it run) until the block ends; for tests and simulation."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('tributary.now', true)")
        row = cursor.fetchone()
        before = (row[0] if row else "") or ""
        cursor.execute("SELECT set_config('tributary.now', %s, false)", [instant.isoformat() if instant else ""])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('tributary.now', %s, false)", [before])
