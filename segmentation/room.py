"""Memory for a look over everybody: a set that is hashed must fit, or every contact is looked up in it row by row."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from segmentation.filling import WORK_MEM


@contextmanager
def room(**more: str) -> Iterator[None]:
    """Give the queries of a block their memory, and other settings (statement_timeout="300ms"), in one transaction."""
    given = {"work_mem": WORK_MEM, **more}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT name, current_setting(name) FROM unnest(%s::text[]) AS n(name)", [list(given)])
        usual = dict(cursor.fetchall())
        _set(given)
        yield
        _set(usual)


def _set(settings: dict[str, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(name, value, true) FROM unnest(%s::text[], %s::text[]) AS n(name, value)",
            [list(settings), list(settings.values())],
        )
        cursor.fetchall()
