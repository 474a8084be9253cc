"""One lock per segment: batches share it, a full evaluation has it alone; it stands before the locks of contacts."""

from collections.abc import Collection

from django.db import connection

CLASS = 7_302  # any constant of its own


def try_share(segment_ids: Collection[int]) -> set[int]:
    """Share those of the locks that are free until the transaction ends, and return their segments; never waits."""
    if not segment_ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM unnest(%s::int[]) AS id WHERE pg_try_advisory_xact_lock_shared(%s, id)",
            [sorted(segment_ids), CLASS],
        )
        return {row[0] for row in cursor.fetchall()}


def share(segment_id: int) -> None:
    """Share the lock of a segment until the transaction ends; waits for a full evaluation."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [CLASS, segment_id])


def alone(segment_id: int) -> None:
    """Have a segment alone until the transaction ends; waits for the batches that share it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [CLASS, segment_id])


def try_alone(segment_id: int) -> bool:
    """Have a segment alone if nobody works on it; never waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [CLASS, segment_id])
        return bool(cursor.fetchone()[0])


def hold_contacts(contact_ids: Collection[int], *, wait: bool = False) -> list[int]:
    """Lock contacts in the order of their ids and return those that were to be had (all of them when it waits)."""
    skip = "" if wait else " SKIP LOCKED"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM contacts_contact WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE{skip}",  # noqa: S608
            [sorted(contact_ids)],
        )
        return [row[0] for row in cursor.fetchall()]
