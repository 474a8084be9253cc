"""Destinations one at a time: claimed for one worker, their deliveries in order, and what became of each recorded."""

import uuid
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from segmentation.models import Delivery, Destination
from workspace import audit, calling, clock, signing
from workspace.audit import HOUSE

LEASE = timedelta(seconds=60)
SLOW = 2_000  # milliseconds after which a destination counts as slow
# The example schedule of the Standard Webhooks specification; a little is added so that many do not come at once.
SCHEDULE = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
GONE = 410

CLAIM = """
WITH due AS MATERIALIZED (
    SELECT d.id FROM segmentation_destination d
    WHERE d.due_at <= %(at)s AND (d.lease_until IS NULL OR d.lease_until < %(at)s) AND d.slow = ANY(%(slow)s)
      AND (EXISTS (
               SELECT FROM segmentation_delivery v
               WHERE v.destination_id = d.id AND v.status IN ('queued', 'calling')
                 AND (d.status = 'running' OR v.kind = 'test'))
           OR d.status = 'running' AND d.kind = 'webhook'
              AND d.cursor < (SELECT coalesce(max(id), 0) FROM segmentation_transition))
    ORDER BY d.due_at, d.id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE segmentation_destination d SET token = gen_random_uuid(), lease_until = %(until)s
FROM due WHERE d.id = due.id RETURNING d.id, d.token, d.slow
"""
# Who goes is due again with its first waiting delivery; who has none looks again in a second.
RELEASE = """
UPDATE segmentation_destination d SET token = NULL, lease_until = NULL,
    due_at = CASE
        WHEN EXISTS (SELECT FROM segmentation_delivery v WHERE v.destination_id = d.id
                     AND v.status IN ('queued', 'calling') AND v.kind = 'test') THEN %(at)s
        ELSE coalesce(
            (SELECT v.due_at FROM segmentation_delivery v WHERE v.destination_id = d.id
             AND v.status IN ('queued', 'calling') AND v.kind <> 'test' ORDER BY v.id LIMIT 1),
            %(at)s::timestamptz + interval '1 second')
    END
WHERE d.id = %(id)s AND d.token = %(token)s
"""


class Stopped(Exception):
    """The file is no longer ours to write."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A destination that is ours under one token until its lease ends."""

    id: int
    token: uuid.UUID
    slow: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one call."""

    ok: bool
    ms: int
    code: int | None = None
    error: str = ""
    pause: float | None = None  # for how many seconds the other program asks to be left alone


def claim(limit: int, slow: Collection[bool] = (False, True)) -> list[Claimed]:
    """Take up to this many destinations that have something to do and that nobody else has."""
    at = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"at": at, "until": at + LEASE, "limit": limit, "slow": list(slow)})
        return [Claimed(*row) for row in cursor.fetchall()]


def release(claimed: Claimed) -> None:
    """Give a destination back; it is due again with the first delivery that waits."""
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, {"at": clock.now(), "id": claimed.id, "token": claimed.token})


@transaction.atomic
def take_next(claimed: Claimed) -> tuple[Destination, Delivery] | None:
    """Mark the next delivery as being called and renew the lease; None when there is none, or it must wait."""
    at = clock.now()
    held = held_by(claimed)
    if held is None:
        return None
    waiting = held.deliveries.filter(status__in=("queued", "calling")).order_by("pk")
    found = waiting.filter(kind=Delivery.Kind.TEST).first()
    if found is None and held.status == Destination.Status.RUNNING:
        found = waiting.exclude(kind=Delivery.Kind.TEST).first()
    if found is None or found.due_at > at:
        return None
    found.status, found.called_at, found.attempts = Delivery.Status.CALLING, at, found.attempts + 1
    found.save(update_fields=["status", "called_at", "attempts"])
    Destination.objects.filter(pk=held.pk).update(lease_until=at + LEASE)
    return held, found


def held_by(claimed: Claimed) -> Destination | None:
    """Lock a destination that is still ours."""
    found = Destination.objects.select_for_update(no_key=True, of=("self",)).select_related("segment")
    return found.filter(pk=claimed.id, token=claimed.token).first()


def renew(claimed: Claimed) -> bool:
    """Keep a destination for another while; False when somebody else has it meanwhile."""
    until = clock.now() + LEASE
    return bool(Destination.objects.filter(pk=claimed.id, token=claimed.token).update(lease_until=until))


def judge(answer: calling.Answer, ms: int) -> Outcome:
    """Say what an answer means: 2xx is a yes and everything else is none."""
    if 200 <= answer.status < 300:
        return Outcome(True, ms, answer.status)
    said = f"It answered {answer.status}."
    if 300 <= answer.status < 400:
        said = f"It answered {answer.status}, a redirect, and those are not followed. Change the URL instead."
    return Outcome(False, ms, answer.status, said, signing.retry_after(answer.headers))


@transaction.atomic
def record(claimed: Claimed, delivery: Delivery, outcome: Outcome) -> None:
    """Write what became of a call, unless another worker has taken the destination over."""
    held = held_by(claimed)
    if held is None:
        return
    at = clock.now()
    delivery.code, delivery.error, delivery.ms = outcome.code, outcome.error, outcome.ms
    if outcome.ok:
        delivery.status, delivery.settled_at = Delivery.Status.DELIVERED, at
    elif delivery.kind == Delivery.Kind.TEST or (delivery.attempts > len(SCHEDULE) and outcome.code != GONE):
        delivery.status, delivery.settled_at = Delivery.Status.FAILED, at
    else:
        delivery.status, delivery.due_at = Delivery.Status.QUEUED, again_at(delivery, outcome, at)
    delivery.save()
    slow = outcome.ms > SLOW
    if slow != held.slow:
        Destination.objects.filter(pk=held.pk).update(slow=slow)
    if outcome.code == GONE:
        _disable(held)


def again_at(delivery: Delivery, outcome: Outcome, at: datetime) -> datetime:
    """Return when a delivery is tried again: by the schedule, and never before the other program asked for it."""
    if outcome.code == GONE:
        return at  # at once when somebody takes the destination back into use
    step = SCHEDULE[min(delivery.attempts, len(SCHEDULE)) - 1]
    spread = 1 + zlib.crc32(f"{delivery.key}:{delivery.attempts}".encode()) % 1000 / 10_000
    return at + timedelta(seconds=max(step * spread, outcome.pause or 0))


def _disable(held: Destination) -> None:
    reason = "It answered 410 Gone: it wants no more calls."
    changed = Destination.objects.filter(pk=held.pk).exclude(status=Destination.Status.DISABLED)
    if changed.update(status=Destination.Status.DISABLED, reason=reason):
        audit.record(HOUSE, "destination.disabled", held.ref, reason=reason)
