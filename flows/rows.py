"""Asking the database in its own words."""

from typing import Any

from django.db import connection

Row = tuple[Any, ...]


def select(statement: str, params: Any) -> list[Row]:
    """Execute a statement of ours, values as parameters, and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        found: list[Row] = cursor.fetchall()
    return found
