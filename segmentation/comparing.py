"""Where contacts belong beside where they are: a row for each contact, with a bit for every segment that looks."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from segmentation import moving
from segmentation.compiler import ALIVE, Shared, render
from segmentation.criteria import Criteria
from segmentation.measures import Scene
from segmentation.moving import Counts, Moved, Why
from segmentation.sql import Sql, join, sql

AT_ONCE = 60  # segments in one statement: their bits fit a bigint
Row = tuple[int, int, str, str, bool]  # segment, number of the group of contacts, cause, inner cause, fires

# `asked` has a row for each group and segment, `who` one for each contact. Nothing is made for each contact and segment:
# what differs is found by comparing two numbers, and only what differs becomes rows.
_DIFFERENT = """
asked AS MATERIALIZED (
    SELECT * FROM unnest({segment}::bigint[], {bit}::bigint[], {number}::int[], {cause}::text[], {inner}::text[],
        {fires}::bool[]) AS w(key, bit, number, cause, inner_cause, fires)
),
who AS MATERIALIZED (
    SELECT b.contact_id, b.number, g.asks FROM unnest({group}::int[], {contact}::bigint[]) AS b(number, contact_id)
    JOIN (SELECT number, bit_or(bit) AS asks FROM asked GROUP BY number) g ON g.number = b.number
),
held AS MATERIALIZED (
    SELECT m.contact_id, bit_or(k.bit) AS bits FROM segmentation_membership m
    JOIN (SELECT DISTINCT key, bit FROM asked) k ON k.key = m.segment_id + 0
    WHERE m.contact_id = ANY({ids}) GROUP BY m.contact_id
),
belongs AS MATERIALIZED (
    SELECT w.contact_id, {bits} AS bits FROM who w
    JOIN (SELECT * FROM contacts_contact WHERE id = ANY({ids}) OFFSET 0) c ON c.id = w.contact_id
    LEFT JOIN held h ON h.contact_id = w.contact_id{scan} WHERE {alive}
),
turned AS MATERIALIZED (
    SELECT w.contact_id, w.number, coalesce(n.bits, 0) AS bits,
        w.asks & (coalesce(n.bits, 0) # coalesce(h.bits, 0)) AS differ
    FROM who w LEFT JOIN belongs n ON n.contact_id = w.contact_id LEFT JOIN held h ON h.contact_id = w.contact_id
),
"""  # "+ 0": memberships are read contact by contact; a look into an index for each pair costs more than all the rest

_DIFF = Sql(
    "SELECT a.key, t.contact_id, a.cause, a.inner_cause, a.fires, t.bits & a.bit <> 0 AS inside"
    " FROM turned t JOIN asked a ON a.number = t.number AND t.differ & a.bit <> 0 WHERE t.differ <> 0"
)


# Every transition would be more to read than there is to know: how many, and who where somebody above must know.
_HOW_MANY = Sql(
    " SELECT segment_id, NULL::bigint, kind = 'entered', '', '', false, count(*) FROM written GROUP BY segment_id, kind"
)
_AND_WHO = " UNION ALL SELECT w.*, 1 FROM ({who}) w WHERE w.segment_id = ANY({above}::bigint[])"


@dataclass(frozen=True, slots=True)
class Turned:
    """What moved: how many by segment, and who in segments that others stand on."""

    counts: Counts = field(default_factory=Counter)
    moved: list[Moved] = field(default_factory=list)

    def __add__(self, other: "Turned") -> "Turned":
        return Turned(self.counts + other.counts, self.moved + other.moved)


def bring(
    rules: Mapping[int, Criteria | None],
    rows: Sequence[Row],
    groups: Sequence[Sequence[int]],
    scene: Scene,
    *,
    stages: Mapping[int, int],
    lane: int,
    above: Collection[int],
) -> Turned:
    """Bring these groups of contacts, whose locks the caller holds, to where the criteria say they belong.

    `above` names the segments that others stand on: of those it tells who moved.
    """
    ids = sorted({contact for _, number, *_ in rows for contact in groups[number]})
    statement = join(
        "",
        [
            sql("WITH looked AS MATERIALIZED (SELECT {ids}::bigint[] AS ids), ", ids=ids),
            _different(rules, rows, groups, scene),
            moving.write(_DIFF, scene.at, held=True, why=_why(rows)),
            moving.tell(stages, scene.at, lane),
            _HOW_MANY,
            sql(_AND_WHO, who=moving.WHO_MOVED, above=list(above)) if above else Sql(""),
        ],
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return _read(cursor.fetchall())


def _read(found: Sequence[tuple[Any, ...]]) -> Turned:
    turned = Turned()
    for segment, contact, *more, number in found:
        if contact is None:
            turned.counts[segment, more[0]] = number
        else:
            turned.moved.append(Moved(segment, contact, *more))
    return turned


def _why(rows: Sequence[Row]) -> Why:
    """One reason for all where there is but one: then it is looked up for nobody."""
    reasons = {row[2:] for row in rows}
    if len(reasons) > 1:
        return moving.EACH
    cause, inner, fires = reasons.pop()
    return Why.of_alike(cause, inner, fires=fires)


def _different(
    rules: Mapping[int, Criteria | None], rows: Sequence[Row], groups: Sequence[Sequence[int]], scene: Scene
) -> Sql:
    """Render the common table expressions that `_DIFF` reads: whose memberships differ from what the criteria say.

    `scene.among` are all the contacts of these groups; a segment without criteria is static.
    """
    segment, number, cause, inner, fires = zip(*rows, strict=True)
    bits = {key: 1 << place for place, key in enumerate(rules)}
    # Contact by contact: what is written for one lies together in the indexes.
    among = sorted((contact, index) for index in set(number) for contact in groups[index])
    shared = Shared(scene)
    found = _bits(rules, bits, scene, shared)
    scan = shared.scan()
    return sql(
        _DIFFERENT,
        segment=list(segment),
        bit=[bits[key] for key in segment],
        number=list(number),
        cause=list(cause),
        inner=list(inner),
        fires=list(fires),
        group=[index for _, index in among],
        contact=[contact for contact, _ in among],
        ids=scene.among,
        bits=found,
        scan=sql(" LEFT JOIN ({scan}) s ON s.contact_id = c.id", scan=scan) if scan else Sql(""),
        alive=ALIVE,
    )


def _bits(rules: Mapping[int, Criteria | None], bits: Mapping[int, int], scene: Scene, shared: Shared) -> Sql:
    """Render where a contact belongs; what nobody asks of it is not evaluated, static segments keep whom they have."""
    static = sum(bits[key] for key, criteria in rules.items() if criteria is None)
    parts = [
        sql(
            f"CASE WHEN w.asks & {bits[key]} = 0 THEN 0::bigint WHEN {{holds}} THEN {bits[key]}::bigint ELSE 0 END",
            holds=render(criteria.root, scene, shared=shared),
        )
        for key, criteria in rules.items()
        if criteria is not None
    ]
    if static:
        parts.append(Sql(f"(coalesce(h.bits, 0) & {static})"))
    return join(" | ", parts)
