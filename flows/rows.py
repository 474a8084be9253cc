"""Asking the database in its own words."""

from collections.abc import Collection
from typing import Any

from django.db import connection

from workspace.trips import Given, array, ask

Row = tuple[Any, ...]


def select(statement: str, params: Any) -> list[Row]:
    """Execute a statement of ours, values as parameters, and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        found: list[Row] = cursor.fetchall()
    return found


def quick(statement: str, params: Collection[Given | Collection[int] | Collection[str]] = ()) -> list[Row]:
    """Do so with a statement that is planned once for a connection: about small tables, whose plan never has to change."""
    given = [one if isinstance(one, Given) else array(one) for one in params]
    return ask(statement, given).rows()
