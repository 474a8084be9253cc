"""The doorbells of messaging: each looks for work, and may be lost, doubled or late."""

import time

from celery import shared_task

from messaging import noticing, outbox, reaping
from workspace import doorbell, ticks

SECONDS = 20.0


@shared_task
def deliver(rung: bool = False) -> None:
    """Send what is due until nothing is left or the time is over."""
    if rung:
        doorbell.answered("deliver")
    elif not ticks.claim("deliver", 1):
        return
    ends = time.monotonic() + SECONDS
    while outbox.deliver() and time.monotonic() < ends:
        pass


@shared_task
def reap() -> None:
    """Settle what dead workers left behind, and mail what staff should look at."""
    if ticks.claim("reap", 30):
        reaping.reap()
        noticing.mail_notices()
