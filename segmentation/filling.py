"""Bringing a whole segment to what its criteria say: the difference is found in one look and written in order."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection

from contacts.changes import READS_LOCK
from segmentation import moving
from segmentation.catalogue import load_catalogue
from segmentation.compiler import matching_set
from segmentation.criteria import Criteria
from segmentation.measures import Scene
from segmentation.models import Evaluation, Segment
from segmentation.sql import Sql, join, sql

FEW = 250_000  # so many contacts are looked at in one statement: nobody has time to ask it to stop
PART = 100_000  # transitions written at a time, with progress told between
WORK_MEM = "128MB"  # sets of contacts are hashed, and a set that does not fit would be looked through row by row


class Cancelled(Exception):
    """Somebody asked a running evaluation to stop."""


def fill(evaluation: Evaluation, criteria: Criteria, segment: Segment) -> None:
    """Move everybody in or out who is to be moved, within the caller's transaction; raise Cancelled when asked to stop."""
    before, fresh, few = _what_stands(segment)
    difference = _difference(segment.pk, matching_set(criteria, Scene(at=evaluation.at, catalogue=load_catalogue())))
    if few:
        _go_on(evaluation, connection)
        _write(evaluation, difference, fresh=fresh)
    else:
        with _outside() as outside:
            _write_in_parts(evaluation, difference, outside, fresh=fresh)
    _tell_changes(segment, evaluation.at, before)


def copy(evaluation: Evaluation, difference: Sql, segment: Segment) -> None:
    """Take everybody of a difference into a static copy, part by part, within the caller's transaction."""
    before, fresh, _ = _what_stands(segment)
    with _outside() as outside:
        _write_in_parts(evaluation, difference, outside, fresh=fresh)
    _tell_changes(segment, evaluation.at, before)


def _difference(segment: int, everybody: Sql) -> Sql:
    """Render who must move; in the order of the contacts, because indexes that grow in order grow twice as fast."""
    return sql(
        "SELECT {segment}::bigint AS key, coalesce(x.id, m.contact_id) AS contact_id, x.id IS NOT NULL AS inside"
        " FROM ({everybody}) x"
        " FULL JOIN (SELECT contact_id FROM segmentation_membership WHERE segment_id = {segment}::bigint) m"
        " ON m.contact_id = x.id WHERE x.id IS NULL OR m.contact_id IS NULL ORDER BY 2",
        segment=segment,
        everybody=everybody,
    )


def _what_stands(segment: Segment) -> tuple[int, bool, bool]:
    """Allow the work its memory, and return the last transition, whether nobody was ever in, whether contacts are few."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('work_mem', %s, true), (SELECT coalesce(max(id), 0) FROM segmentation_transition),"
            " NOT EXISTS (SELECT FROM segmentation_transition WHERE segment_id = %s),"
            " (SELECT coalesce(max(id) - min(id), 0) < %s FROM contacts_contact)",
            [WORK_MEM, segment.pk, FEW],
        )
        _, before, fresh, few = cursor.fetchone()
        return before, fresh, few


def _write_in_parts(evaluation: Evaluation, difference: Sql, outside: Any, *, fresh: bool) -> None:
    """Write a difference that may be large part by part, telling how far it is."""
    _go_on(evaluation, outside)
    ends = _find(difference)
    evaluation.total = ends[-1][1] if ends else 0
    low = 0
    for high, passed in ends:
        _go_on(evaluation, outside)
        _write(evaluation, _part(low, high), fresh=fresh)
        low, evaluation.done = high, passed
    _go_on(evaluation, outside)
    _run(Sql("DROP TABLE difference"))


def _find(difference: Sql) -> list[tuple[int, int]]:
    """Keep the difference for this transaction, and return the ends of its parts: contact, how many up to there."""
    _run(sql("CREATE TEMPORARY TABLE difference ON COMMIT DROP AS {difference}", difference=difference))
    _run(Sql("CREATE INDEX ON difference (contact_id)"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT contact_id, n FROM (SELECT contact_id, row_number() OVER w AS n, lead(contact_id) OVER w AS next"
            " FROM difference WINDOW w AS (ORDER BY contact_id)) d WHERE n %% %s = 0 OR next IS NULL ORDER BY n",
            [PART],
        )
        return [(row[0], row[1]) for row in cursor.fetchall()]


def _part(low: int, high: int) -> Sql:
    return sql(
        "SELECT key, contact_id, inside FROM difference"
        " WHERE contact_id > {low}::bigint AND contact_id <= {high}::bigint ORDER BY contact_id",
        low=low,
        high=high,
    )


def _write(evaluation: Evaluation, difference: Sql, *, fresh: bool) -> None:
    """Write a difference with its transitions, and add up who came and who went."""
    why = moving.Why.of_one(
        evaluation.cause,
        segment=evaluation.segment_id,
        rule=evaluation.rule_id,
        entries=evaluation.fires in ("entries", "both"),
        exits=evaluation.fires in ("exits", "both"),
    )
    count = "SELECT count(*) FILTER (WHERE inside), count(*) FILTER (WHERE NOT inside) FROM diff"
    writing = moving.write(difference, evaluation.at, fresh=fresh, alone=True, why=why, origin=evaluation.origin)
    statement = join(" ", [Sql("WITH"), writing, Sql(count)])
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        entered, exited = cursor.fetchone()
    evaluation.entered += entered
    evaluation.exited += exited


def _tell_changes(segment: Segment, at: datetime, before: int) -> None:
    """Queue Changes of the transitions just written, at the end: readers wait for this transaction from here on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [READS_LOCK])
    stages = moving.stages_of({segment.pk: segment.slug})
    if segment.pk in stages:
        _run(
            sql(
                "INSERT INTO contacts_change (contact_id, fact, cause, ref, at, fires, lane, stage)"
                " SELECT contact_id, {fact}, cause, id, at, fires, 5, {stage}::smallint FROM segmentation_transition"
                " WHERE segment_id = {segment} AND at = {at}::timestamptz AND id > {before} ORDER BY id",
                fact=f"segment:{segment.slug}",
                stage=stages[segment.pk],
                segment=segment.pk,
                at=at,
                before=before,
            )
        )


@contextmanager
def _outside() -> Iterator[Any]:
    """Give a connection of its own, so that progress is seen and a wish to cancel heard while the work is not committed."""
    other = connection.copy()
    try:
        yield other
    finally:
        other.close()


def _go_on(evaluation: Evaluation, told: Any) -> None:
    """Tell how far it is, where others see it, and stop when somebody asks."""
    with told.cursor() as cursor:
        if told is not connection:
            cursor.execute(
                "UPDATE segmentation_evaluation SET done = %s, total = %s, seen_at = tributary_now() WHERE id = %s",
                [evaluation.done, evaluation.total, evaluation.pk],
            )
        cursor.execute("SELECT cancel_requested FROM segmentation_evaluation WHERE id = %s", [evaluation.pk])
        row = cursor.fetchone()
    if row and row[0]:
        raise Cancelled


def _run(statement: Sql) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params or None)
