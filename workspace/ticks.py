"""One slot of one job is worked by one worker, however many beats ring."""

from datetime import UTC, datetime

from django.db import connection

from workspace import clock

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def claim(job: str, seconds: float) -> bool:
    """Take the present slot of a job that is due every so many seconds; False when somebody else has it."""
    slot = int((clock.now() - EPOCH).total_seconds() // seconds)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO workspace_tick (job, slot) VALUES (%s, %s) ON CONFLICT (job, slot) DO NOTHING", [job, slot]
        )
        return bool(cursor.rowcount == 1)
