"""Instants and long lists go quickly between Python and PostgreSQL, and mean what they meant."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import connection, utils

pytestmark = pytest.mark.django_db


def ask(sql: str, *params: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bigint", [1, -2, 2**62]),
        ("bigint", []),
        ("bigint", [1, None]),
        ("bigint", [[1, 2], [3, 4]]),
        ("boolean", [True, False]),
        ("text", ["a", "b,{c}", '"', "\\", "null", "", None]),
    ],
)
def test_a_list_comes_back_as_it_went(kind: str, values: list[Any]) -> None:
    assert ask(f"SELECT %s::{kind}[]", values) == values


@pytest.mark.parametrize(
    "written", ["2026-11-22T03:04:05.12+00:00", "2026-11-22T03:04:05+05:30", "0001-01-01T00:00:00+00:00"]
)
def test_an_instant_comes_back_in_utc_to_the_microsecond(written: str) -> None:
    found = ask("SELECT %s::timestamptz", written)
    assert found == datetime.fromisoformat(written)
    assert found.tzinfo is UTC


def test_an_instant_is_read_in_utc_whatever_zone_the_session_speaks() -> None:
    ask("SELECT set_config('TimeZone', 'Asia/Kolkata', true)")
    assert ask("SELECT '2026-11-22T03:04:05Z'::timestamptz") == datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)


def test_an_instant_that_python_cannot_hold_is_refused_and_not_misread() -> None:
    with pytest.raises((utils.DataError, psycopg.DataError)):
        ask("SELECT 'infinity'::timestamptz")


@pytest.mark.parametrize("numbers", [[1, 2], [1, 70_000], [2**40], [None, 3]])
def test_a_list_of_numbers_is_one_of_ids_however_small_so_that_they_are_looked_up_in_a_hash(numbers: list[Any]) -> None:
    assert ask("SELECT pg_typeof(%s)::text", numbers) == "bigint[]"
