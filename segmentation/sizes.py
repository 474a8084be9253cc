"""How large segments are and were, from their deltas alone."""

from collections.abc import Collection
from datetime import date, timedelta

from django.db import connection

from workspace import clock


def sizes(segment_ids: Collection[int]) -> dict[int, int]:
    """Return the size of each of these segments."""
    answer = dict.fromkeys(segment_ids, 0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT segment_id, sum(entered - exited)::bigint FROM segmentation_tally"
            " WHERE segment_id = ANY(%s::bigint[]) GROUP BY segment_id",
            [list(answer)],
        )
        answer.update(cursor.fetchall())
    return answer


def growth(segment_id: int, days: int = 30) -> list[tuple[date, int]]:
    """Return the size at the end of each of the last days (UTC), oldest first, today last."""
    today = clock.now().date()
    first = today - timedelta(days=days - 1)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT greatest((minute AT TIME ZONE 'UTC')::date, %s), sum(entered - exited)::bigint"
            " FROM segmentation_tally WHERE segment_id = %s GROUP BY 1",
            [first - timedelta(days=1), segment_id],
        )
        deltas = dict(cursor.fetchall())
    size = deltas.get(first - timedelta(days=1), 0)
    answer = []
    for day in (first + timedelta(days=number) for number in range(days)):
        size += deltas.get(day, 0)
        answer.append((day, size))
    return answer
