"""One lock per flow: batches of the engine share it, a change of the flow's state takes it alone.

So after pausing has committed no step commits, and nobody enters a flow that drains. It stands before the locks of
contacts and enrollments (design.md), and is always taken in the order of flow ids.
"""

from collections.abc import Collection

from django.db import connection

from workspace.trips import array, ask, together

CLASS = 7_301  # any constant of its own


def share(flow_ids: Collection[int]) -> None:
    """Share the locks of these flows until the transaction ends; waits for a change of state to commit."""
    with together():
        for flow_id in sorted(flow_ids):
            ask("SELECT pg_advisory_xact_lock_shared(%s::int, %s::int)", [CLASS, flow_id])


def try_share(flow_ids: Collection[int]) -> list[int]:
    """Share those of the locks that are free, and return their flows."""
    if not flow_ids:
        return []
    sql = "SELECT id FROM unnest(%s::int[]) AS id WHERE pg_try_advisory_xact_lock_shared(%s::int, id)"
    return [row[0] for row in ask(sql, [array(sorted(flow_ids)), CLASS]).rows()]


def alone(flow_id: int) -> None:
    """Have the flow alone until the transaction ends: no batch moves anybody meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [CLASS, flow_id])
