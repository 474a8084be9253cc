"""Moving contacts in and out: one set-based statement writes memberships, transitions, deltas and the next Changes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from segmentation.sql import Sql, join, sql


@dataclass(frozen=True, slots=True)
class Moved:
    """A transition that was written."""

    segment_id: int
    contact_id: int
    entered: bool
    cause: str
    inner_cause: str
    fires: bool


Counts = Counter[tuple[int, bool]]  # segment, whether they entered → how many

# `diff` has key, contact_id, inside (whether the contact belongs in) and, unless all share one, cause, inner_cause,
# fires. What RETURNING gives back is what happened, and nothing else is; only where the writer has the segment alone,
# what differs is what happens, and rows by the million need not be told.
_WRITE = """
came AS (
    INSERT INTO segmentation_membership (segment_id, contact_id, seq, since)
    SELECT d.key, d.contact_id, {next}, {at}::timestamptz FROM diff d WHERE d.inside
    {conflict} {kept}
),
went AS (
    DELETE FROM segmentation_membership m USING diff d
    WHERE NOT d.inside AND m.segment_id = d.key AND m.contact_id = d.contact_id
    RETURNING m.segment_id, m.contact_id, m.seq
),
moved AS ({moved}),
written AS (
    INSERT INTO segmentation_transition (segment_id, contact_id, seq, kind, cause, inner_cause, origin, rule_id, fires, at)
    SELECT v.segment_id, v.contact_id, v.seq, v.kind, {cause}, {inner}, {origin}::text, {rule}, {fires}, {at}::timestamptz
    FROM moved v {why} {order}
    {returned}
),
counted AS (
    INSERT INTO segmentation_tally (segment_id, minute, entered, exited)
    SELECT segment_id, date_trunc('minute', {at}::timestamptz), count(*) FILTER (WHERE entered), count(*) FILTER (WHERE NOT entered)
    FROM {counted} w GROUP BY segment_id
)"""
_MOVED = Sql(
    "SELECT segment_id, contact_id, seq, 'entered' AS kind FROM came"
    " UNION ALL SELECT segment_id, contact_id, seq + 1, 'exited' FROM went"
)
# Where nobody was ever in and nobody else writes, the difference is what happens, in its own order.
_FIRST = Sql("SELECT key AS segment_id, contact_id, 1 AS seq, 'entered' AS kind FROM diff WHERE inside")
# IS TRUE keeps the index of a segment's moves out: a plan that was kept from when there were few would read them all.
_NEXT = Sql(
    "1 + coalesce((SELECT max(t.seq) FROM segmentation_transition t"
    " WHERE t.contact_id = d.contact_id AND (t.segment_id = d.key) IS TRUE), 0)"
)
_TELL = """,
told AS (
    INSERT INTO contacts_change (contact_id, fact, cause, ref, at, fires, lane, stage)
    SELECT t.contact_id, 'segment:' || s.slug, CASE t.cause WHEN 'segment' THEN t.inner_cause ELSE t.cause END,
           t.id, {at}::timestamptz, t.fires, {lane}::smallint, r.stage
    FROM written t JOIN segmentation_segment s ON s.id = t.segment_id
    JOIN unnest({ids}::bigint[], {stages}::smallint[]) AS r(segment_id, stage) ON r.segment_id = t.segment_id
)"""


_SEGMENT = " JOIN segmentation_segment s ON s.id = v.segment_id"


@dataclass(frozen=True, slots=True)
class Why:
    """Where transitions have their cause, rule and loudness from: a row each, unless one reason serves for all."""

    cause: Sql
    inner: Sql
    rule: Sql
    fires: Sql
    join: Sql

    @classmethod
    def of_all(cls, cause: str, *, entries: bool, exits: bool) -> "Why":
        """One cause for everybody: no join of millions with millions that the planner cannot size."""
        fires = sql("{loud} AND NOT s.muted", loud=_loud(entries, exits))
        return cls(sql("{cause}::text", cause=cause), Sql("''"), Sql("s.rule_id"), fires, Sql(_SEGMENT))

    @classmethod
    def of_alike(cls, cause: str, inner: str, *, fires: bool) -> "Why":
        """One reason for all that a batch moves."""
        loud = sql("{fires}::bool AND NOT s.muted", fires=fires)
        return cls(sql("{x}::text", x=cause), sql("{x}::text", x=inner), Sql("s.rule_id"), loud, Sql(_SEGMENT))

    @classmethod
    def of_one(cls, cause: str, *, segment: int, rule: int | None, entries: bool, exits: bool) -> "Why":
        """One segment, by one rule, for one cause: nothing is looked up for each row."""
        fires = sql(
            "{loud} AND (SELECT NOT s.muted FROM segmentation_segment s WHERE s.id = {segment}::bigint)",
            loud=_loud(entries, exits),
            segment=segment,
        )
        return cls(sql("{cause}::text", cause=cause), Sql("''"), sql("{rule}::bigint", rule=rule), fires, Sql(""))


def _loud(entries: bool, exits: bool) -> Sql:
    return sql("CASE v.kind WHEN 'entered' THEN {entries}::bool ELSE {exits}::bool END", entries=entries, exits=exits)


EACH = Why(
    Sql("d.cause"),
    Sql("d.inner_cause"),
    Sql("s.rule_id"),
    Sql("d.fires AND NOT s.muted"),
    Sql(f"JOIN diff d ON d.key = v.segment_id AND d.contact_id = v.contact_id{_SEGMENT}"),
)


def write(
    diff: Sql,
    at: datetime,
    *,
    fresh: bool = False,
    alone: bool = False,
    held: bool = False,
    why: Why | None = None,
    origin: str = "",
) -> Sql:
    """Render the writing of a difference: common table expressions after one named diff.

    `fresh`: nobody was ever in; `alone`: the caller has the segment alone, so that the difference is what happens;
    `held`: the caller holds all these contacts and shares the segments, so that nobody else moves them meanwhile;
    `origin`: by whose doing all of them move.
    """
    why = why or EACH
    first = fresh and alone
    return sql(
        f"diff AS MATERIALIZED ({{diff}}), {_WRITE.strip()}",
        diff=diff,
        at=at,
        next=Sql("1") if fresh else _NEXT,
        kept=Sql("" if first else "RETURNING segment_id, contact_id, seq"),
        moved=_FIRST if first else _MOVED,
        order=Sql("" if first else "ORDER BY v.contact_id, v.segment_id"),
        conflict=Sql("" if alone or held else "ON CONFLICT DO NOTHING"),
        returned=Sql("" if alone else "RETURNING id, segment_id, contact_id, kind, cause, inner_cause, fires"),
        counted=Sql("(SELECT key AS segment_id, inside AS entered FROM diff)")
        if alone
        else Sql("(SELECT segment_id, kind = 'entered' AS entered FROM written)"),
        cause=why.cause,
        inner=why.inner,
        origin=origin,
        rule=why.rule,
        fires=why.fires,
        why=why.join,
    )


def tell(stages: Mapping[int, int], at: datetime, lane: int) -> Sql:
    """Render the Changes of those segments whose transitions are read (segment → stage)."""
    if not stages:
        return Sql("")
    return sql(_TELL, at=at, lane=lane, ids=list(stages), stages=list(stages.values()))


def touched(rows: Sequence[tuple[int, int, str, str, bool]], batches: Sequence[Sequence[int]]) -> Sql:
    """Render who is to be looked at: rows (segment, number of the batch of contacts, cause, inner cause, fires)."""
    segment, number, cause, inner, fires = zip(*rows, strict=True)
    numbered = [(index, contact) for index in sorted(set(number)) for contact in batches[index]]
    return sql(
        "SELECT w.key, b.contact_id, w.cause, w.inner_cause, w.fires"
        " FROM unnest({segment}::bigint[], {number}::int[], {cause}::text[], {inner}::text[], {fires}::bool[])"
        " AS w(key, batch, cause, inner_cause, fires)"
        " JOIN unnest({batch}::int[], {contact}::bigint[]) AS b(batch, contact_id) ON b.batch = w.batch",
        segment=list(segment),
        number=list(number),
        cause=list(cause),
        inner=list(inner),
        fires=list(fires),
        batch=[index for index, _ in numbered],
        contact=[contact for _, contact in numbered],
    )


# Of the pairs that are asked about, those whose membership differs from what `matched` says.
DIFF = Sql(
    "SELECT a.key, a.contact_id, a.cause, a.inner_cause, a.fires, x.contact_id IS NOT NULL AS inside"
    " FROM asked a LEFT JOIN matched x ON x.key = a.key AND x.contact_id = a.contact_id"
    " LEFT JOIN members m ON m.segment_id = a.key AND m.contact_id = a.contact_id"
    " WHERE (x.contact_id IS NOT NULL) <> (m.contact_id IS NOT NULL)"
)


WHO_MOVED = Sql(" SELECT segment_id, contact_id, kind = 'entered', cause, inner_cause, fires FROM written")

# Read once for all pairs, contact by contact (so "+ 0"): a look into an index for each pair costs more than all the rest.
_MEMBERS = Sql(
    "members AS MATERIALIZED (SELECT segment_id, contact_id FROM segmentation_membership"
    " WHERE contact_id = ANY((SELECT ids FROM looked)::bigint[]) AND segment_id + 0 = ANY(ARRAY(SELECT DISTINCT key FROM asked))), "
)


def move(
    asked: Sql,
    matched: Sql,
    ids: Sequence[int],
    at: datetime,
    *,
    stages: Mapping[int, int],
    lane: int = 0,
    origin: str = "",
) -> list[Moved]:
    """Bring the memberships of the asked pairs to what `matched` says, and return the transitions.

    `matched` selects (key, contact_id) and may read `asked` and `looked` (one array of all the contact ids).
    """
    statement = join(
        "",
        [
            sql("WITH looked AS MATERIALIZED (SELECT {ids}::bigint[] AS ids), ", ids=list(ids)),
            sql("asked AS MATERIALIZED ({asked}), matched AS MATERIALIZED ({matched}), ", asked=asked, matched=matched),
            _MEMBERS,
            write(DIFF, at, origin=origin),
            tell(stages, at, lane),
            WHO_MOVED,
        ],
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return [Moved(*row) for row in cursor.fetchall()]


def count(moved: Iterable[Moved]) -> Counts:
    """Count transitions up."""
    return Counter((one.segment_id, one.entered) for one in moved)


def stages_of(slugs: Mapping[int, str], *, alone: int | None = None) -> dict[int, int]:
    """Return segment → the stage at which its transitions are read: the first one, or only that stage when it is given.

    Call it inside the writing transaction, after the lock on readers.
    """
    if not slugs:
        return {}
    facts = {f"segment:{slug}": pk for pk, slug in slugs.items()}
    where = "" if alone is None else "AND stage = %s"
    params: list[Any] = [list(facts)] + ([] if alone is None else [alone])
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT fact, min(stage) FROM contacts_read WHERE fact = ANY(%s::text[]) {where} GROUP BY fact",  # noqa: S608
            params,
        )
        return {facts[fact]: stage for fact, stage in cursor.fetchall()}
