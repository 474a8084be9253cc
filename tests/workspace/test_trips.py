"""Statements that travel together: in their order, all or none of what one of them breaks, and planned once."""

from datetime import UTC, datetime

import pytest
from django.db import DataError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from workspace.trips import array, ask, together

pytestmark = pytest.mark.django_db
ACCEPT = "INSERT INTO contacts_receipt (source, message_id) VALUES ('shop', %s::text)"


def accept_and_divide_by(number: int) -> None:
    with together():
        ask(ACCEPT, ["m2"])
        ask("SELECT 1 / %s::int", [number])
        ask(ACCEPT, ["m3"])


def accept_and_fall() -> None:
    with together():
        ask(ACCEPT, ["m4"])
        raise ZeroDivisionError


def test_several_statements_go_in_one_trip_and_each_has_its_answer() -> None:
    with transaction.atomic(), together():
        one = ask("SELECT %s::int + 1", [41])
        names = ask("SELECT n FROM unnest(%s::text[]) n ORDER BY n", [array(['Zoë, "the" \\ second', "Ann"])])
        at = ask("SELECT %s::timestamptz, %s::text, %s::text", [datetime(2026, 3, 1, tzinfo=UTC), None, "50 %"])
    assert one.rows() == [(42,)]
    assert names.rows() == [("Ann",), ('Zoë, "the" \\ second',)]
    assert at.rows() == [(datetime(2026, 3, 1, tzinfo=UTC), None, "50 %")]


def test_a_statement_sees_what_the_one_before_it_wrote() -> None:
    with together():
        ask(ACCEPT, ["m1"])
        seen = ask("SELECT count(*) FROM contacts_receipt WHERE message_id LIKE 'm%%'")
    assert seen.rows() == [(1,)]


def test_after_a_fault_nothing_of_the_trip_stands_and_the_next_trip_goes() -> None:
    with pytest.raises(DataError), transaction.atomic():
        accept_and_divide_by(0)
    assert ask("SELECT count(*) FROM contacts_receipt").rows() == [(0,)]
    assert ask("SELECT 1 / %s::int", [1]).rows() == [(1,)]


def test_a_block_that_raises_sends_nothing() -> None:
    with pytest.raises(ZeroDivisionError):
        accept_and_fall()
    assert ask("SELECT count(*) FROM contacts_receipt").rows() == [(0,)]


def test_a_statement_is_planned_once_for_a_connection_and_shows_among_the_queries() -> None:
    with CaptureQueriesContext(connection) as queries:
        for number in range(3):
            assert ask("SELECT %s::int AS planned_once", [number]).rows() == [(number,)]
    assert len(queries) == 3
    assert ask(
        "SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT $1::int AS planned_once'"
    ).rows() == [(1,)]


@pytest.mark.django_db(transaction=True)
def test_a_trip_on_a_connection_that_was_cut_raises_and_the_next_one_has_a_new_connection() -> None:
    (mine,) = ask("SELECT pg_backend_pid()").rows()[0]
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 2000)", [mine])
    other.close()
    with pytest.raises(OperationalError):
        accept_and_divide_by(1)
    connection.close()
    assert ask("SELECT 3").rows() == [(3,)]
