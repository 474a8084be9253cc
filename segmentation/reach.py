"""How many can be reached on which channel: of a document while it is built, and of segments on their page."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import connection

from segmentation.catalogue import load_catalogue
from segmentation.compiler import matching_set
from segmentation.criteria import parse
from segmentation.estimating import within
from segmentation.measures import Scene
from segmentation.sql import Sql, join, sql

CHANNELS = ("email", "sms", "whatsapp")
CHUNKS, IN_CHUNK = 20, 100  # a large segment is asked in so many places, so many members at each
MOST = CHUNKS * IN_CHUNK
PATIENT = 10.0  # seconds that a count beside the builder may take; it comes after the number, by itself
KEPT = 300  # seconds for which a page believes what it asked


def of_document(document: Any, at: datetime) -> dict[str, int]:
    """Return how many match a document and can be reached, by channel, in one query; nothing when that takes too long."""
    scene = Scene(at=at, catalogue=load_catalogue())
    reachable = [
        sql(
            "(SELECT count(*) FROM found WHERE id IN ({channel}))",
            channel=matching_set(parse({"type": "REACHABILITY", "channel": channel}, scene.catalogue), scene),
        )
        for channel in CHANNELS
    ]
    statement = sql(
        "WITH found(id) AS MATERIALIZED ({who}) SELECT {reachable}",
        who=matching_set(parse(document, scene.catalogue), scene),
        reachable=join(", ", reachable),
    )
    counts = within(PATIENT, lambda: _row(statement))
    return dict(zip(CHANNELS, counts, strict=True)) if counts else {}


def _row(statement: Sql) -> tuple[int, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return cursor.fetchone() or (0, 0, 0)


def of_segments(sizes: Mapping[int, int]) -> dict[int, dict[str, int]]:
    """Return by segment how many of its members can be reached, by channel; of more than 2,000 members it is estimated."""
    answer = known(sizes)
    if missing := [pk for pk in sizes if pk not in answer]:
        fresh = _asked(missing, sizes)
        cache.set_many({_key(pk): one for pk, one in fresh.items()}, KEPT)
        answer |= fresh
    return answer


def known(ids: Collection[int]) -> dict[int, dict[str, int]]:
    """Return what was asked in the last minutes, and nothing else."""
    kept = cache.get_many([_key(pk) for pk in ids])
    return {pk: kept[_key(pk)] for pk in ids if _key(pk) in kept}


def estimated(size: int) -> bool:
    """Tell whether the numbers of a segment of this size are estimates."""
    return size > MOST


def _key(pk: int) -> str:
    return f"reach:{pk}"


# The members of a large segment are looked at in places spread evenly over the ids, so that a page costs the same whatever the size.
_REACH = """
WITH asked AS (SELECT * FROM unnest(%(ids)s::bigint[], %(large)s::boolean[]) AS a(segment_id, large)),
ends AS MATERIALIZED (
    SELECT a.segment_id, a.large,
        (SELECT m.contact_id FROM segmentation_membership m WHERE m.segment_id = a.segment_id ORDER BY m.contact_id LIMIT 1) AS low,
        (SELECT m.contact_id FROM segmentation_membership m WHERE m.segment_id = a.segment_id ORDER BY m.contact_id DESC LIMIT 1) AS high
    FROM asked a
),
seen AS MATERIALIZED (
    SELECT DISTINCT e.segment_id, m.contact_id FROM ends e
    CROSS JOIN LATERAL generate_series(0, CASE WHEN e.large THEN %(chunks)s - 1 ELSE 0 END) AS c(number)
    CROSS JOIN LATERAL (
        SELECT k.contact_id FROM segmentation_membership k
        WHERE k.segment_id = e.segment_id AND k.contact_id >= e.low + (e.high - e.low) * c.number / %(chunks)s
        ORDER BY k.contact_id LIMIT CASE WHEN e.large THEN %(in_chunk)s ELSE %(most)s END
    ) m
),
reachable AS MATERIALIZED (
    SELECT n.contact_id, n.channel FROM contacts_consentnow n
    WHERE n.contact_id IN (SELECT s.contact_id FROM seen s) AND n.topic = '' AND n.status = 'subscribed'
    AND EXISTS (
        SELECT 1 FROM contacts_address a WHERE a.contact_id = n.contact_id AND a.channel = n.channel
        AND NOT EXISTS (SELECT 1 FROM contacts_suppression x WHERE x.channel = a.channel AND x.digest = a.digest)
    )
)
SELECT s.segment_id, count(DISTINCT s.contact_id), count(*) FILTER (WHERE r.channel = 'email'),
    count(*) FILTER (WHERE r.channel = 'sms'), count(*) FILTER (WHERE r.channel = 'whatsapp')
FROM seen s LEFT JOIN reachable r ON r.contact_id = s.contact_id GROUP BY s.segment_id
"""


def _asked(ids: Collection[int], sizes: Mapping[int, int]) -> dict[int, dict[str, int]]:
    large = [estimated(sizes[pk]) for pk in ids]
    values: dict[str, Any] = {"ids": list(ids), "large": large, "chunks": CHUNKS, "in_chunk": IN_CHUNK, "most": MOST}
    answer = {pk: dict.fromkeys(CHANNELS, 0) for pk in ids}
    with connection.cursor() as cursor:
        cursor.execute(_REACH, values)
        for pk, seen, *counts in cursor.fetchall():
            scale = sizes[pk] / seen if estimated(sizes[pk]) and seen else 1
            answer[pk] = {channel: round(one * scale) for channel, one in zip(CHANNELS, counts, strict=True)}
    return answer
