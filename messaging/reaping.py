"""What a dead or stopped worker left behind: back to the queue, or unknown, by what may be repeated."""

from django.db import connection, transaction

from messaging.models import Message, Stream
from messaging.queueing import refuse_closed
from messaging.settling import lock, note_settled
from workspace import clock, doorbell

BATCH = 500
LOST = "The worker stopped between the call and its record; whether it arrived is not known."

# Marketing to a person is said at most once; everything else at least once, with the same key.
REAP = """
UPDATE messaging_message m
SET status = CASE WHEN m.status = 'calling' AND m.class = 'marketing' AND m.channel <> 'webhook' THEN 'unknown' ELSE 'queued' END,
    reason = CASE WHEN m.status = 'calling' THEN %(lost)s ELSE m.reason END,
    settled_at = CASE WHEN m.status = 'calling' AND m.class = 'marketing' AND m.channel <> 'webhook' THEN %(at)s END,
    token = NULL, lease_until = NULL
FROM unnest(%(ids)s::bigint[]) AS v(id)
WHERE m.id = v.id AND m.status IN ('sending', 'calling') AND m.lease_until < %(at)s
RETURNING m.id, m.status
"""


def reap() -> int:
    """Settle every message whose lease is over and refuse what closed streams still hold; return how many."""
    total = sum(refuse_closed(pk) for pk in _closed_with_work())
    while count := _reap_some():
        total += count
    if total:
        doorbell.ring("deliver")
        doorbell.poke(["messages"])
    return total


@transaction.atomic
def _reap_some() -> int:
    at = clock.now()
    stale = list(
        Message.objects.filter(
            status__in=(Message.Status.SENDING, Message.Status.CALLING), lease_until__lt=at
        ).order_by("lease_until")[:BATCH]
    )
    if not stale:
        return 0
    lock({one.contact_id for one in stale})
    with connection.cursor() as cursor:
        cursor.execute(REAP, {"ids": [one.pk for one in stale], "at": at, "lost": LOST})
        statuses = dict(cursor.fetchall())
    note_settled([one for one in stale if statuses.get(one.pk) == Message.Status.UNKNOWN], at)
    return len(statuses)


def _closed_with_work() -> list[int]:
    waiting = Message.objects.filter(status__in=(Message.Status.QUEUED, Message.Status.HELD))
    closed = Stream.objects.filter(state=Stream.State.CLOSED, pk__in=waiting.values("stream"))
    return list(closed.values_list("pk", flat=True))
