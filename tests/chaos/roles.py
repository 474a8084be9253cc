"""Single deeds of the small stories: one thing done once by a process of its own."""

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from config.celery import app
from flows import crank
from messaging import outbox, reaping
from messaging.models import Message
from messaging.services import Draft, queue
from tests.chaos.dump import dump
from tests.chaos.mutants import drop_unique_key
from workspace import clock, crash, ticks


def stop_once_at(point: str) -> None:
    """Freeze this process the first time it comes to a crash point, until somebody sends SIGCONT."""
    real = outbox.crashpoint
    left = [point]

    def frozen(name: str) -> None:
        real(name)
        if name in left:
            left.clear()
            os.kill(os.getpid(), signal.SIGSTOP)

    outbox.crashpoint = frozen


def turn() -> int:
    """Turn the crank once."""
    return crank.turn().steps


def deliver_once(channel: str = "", stop_at: str = "", crash_at: str = "") -> int:
    """Send once what is due on a channel (or all); a point to freeze at makes it a zombie."""
    crash._ARMED = crash_at
    if stop_at:
        stop_once_at(stop_at)
    return outbox._deliver((channel,), 100) if channel else outbox.deliver()


def reap() -> int:
    """Settle what dead workers left behind, their leases being over."""
    Message.objects.filter(lease_until__isnull=False).update(lease_until=clock.now() - timedelta(seconds=1))
    return reaping.reap()


def queue_again() -> int:
    """Queue again what flows queued, as does a caller whose COMMIT went unanswered, and return how many were new."""
    return queue([_again(one) for one in Message.objects.all()])


def _again(one: Message) -> Draft:
    at = clock.now()
    return Draft(
        key=":".join(one.key.split(":")[:3]),
        contact_id=one.contact_id,
        channel=one.channel,
        stream_id=one.stream_id,
        due_at=at,
        planned_at=at,
        klass=one.klass,
        topic=one.topic,
        template_version_id=one.template_version_id,
        content=one.content,
    )


def every_task(times: int) -> list[str]:
    """Run every task that Celery knows so often in a row, each time as if its tick had just come; return their names."""
    ticks.claim = lambda job, seconds: True
    app.loader.import_default_modules()
    names = sorted(name for name in app.tasks if not name.startswith("celery."))
    for name in names:
        for _ in range(times):
            app.tasks[name]()
    return names


ROLES: dict[str, Callable[..., Any]] = {
    one.__name__: one for one in (turn, deliver_once, reap, queue_again, drop_unique_key, every_task, dump)
}
