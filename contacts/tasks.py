"""Keeping the tables of this floor in shape."""

from datetime import timedelta

from celery import shared_task

from contacts import waiting_files
from contacts.storing import run
from workspace import clock, ticks

MONTHS_AHEAD = 6
RECEIPTS_KEPT = timedelta(days=90)
CHUNK = 10_000


@shared_task
def make_partitions() -> None:
    """Make the months ahead and forget receipts past their 90 days; running it twice changes nothing more."""
    run("SELECT tributary_make_partitions('contacts_event', %s)", [MONTHS_AHEAD])
    prune_receipts()


@shared_task
def forget_files() -> None:
    """Drop files of contacts that were looked at and never brought."""
    if ticks.claim("forget_files", 3600):
        waiting_files.forget(clock.now())


def prune_receipts() -> int:
    """Forget receipts older than 90 days, a part at a time, and return how many."""
    gone = 0
    while part := _prune_part():
        gone += part
    return gone


def _prune_part() -> int:
    return len(
        run(
            """DELETE FROM contacts_receipt WHERE id IN (
                   SELECT id FROM contacts_receipt WHERE received_at < %s ORDER BY received_at LIMIT %s
               ) RETURNING 1""",
            [clock.now() - RECEIPTS_KEPT, CHUNK],
        )
    )
