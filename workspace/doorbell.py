"""Telling workers and open pages that there is something to look at: best effort, never the work itself."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import redis
import structlog
from celery import current_app
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger()

TASKS = {
    "attend": "flows.tasks.attend",
    "deliver": "messaging.tasks.deliver",
    "recompute": "segmentation.tasks.recompute_waiting",
    "sync": "segmentation.tasks.sync",
}
LIVE = "live"
CHANNEL = f"asgi__group__{LIVE}"  # where the layer of channels_redis listens for what its group is told
QUIET_SECONDS = 5.0  # how long nobody rings after the broker was silent
PATIENCE_SECONDS = 0.3  # a broker that is frozen answers nothing, not even no
COALESCE_MS = 1000  # one ring stands for all others until it is answered, at most this long

_looking: ContextVar[frozenset[str]] = ContextVar("looking", default=frozenset())
_client: redis.Redis | None = None
_silent_until = 0.0


def ring_on_commit(name: str) -> None:
    """Ring once the caller's transaction has committed."""
    transaction.on_commit(lambda: ring(name))


def ring(name: str) -> None:
    """Ask a worker to look for work of this name, unless somebody already did; a lost ring costs one tick."""
    if name in _looking.get() or _silent():
        return
    try:
        if _redis().set(f"tributary:ring:{name}", 1, nx=True, px=COALESCE_MS):
            current_app.send_task(TASKS[name], kwargs={"rung": True}, retry=False)
    except (redis.RedisError, OperationalError, OSError) as error:
        _fall_silent(error)


@contextmanager
def looking(name: str) -> Iterator[None]:
    """Spare the rings for work that the caller looks for until there is none: they would only wake a second worker."""
    before = _looking.set(_looking.get() | {name})
    try:
        yield
    finally:
        _looking.reset(before)


def answered(name: str) -> None:
    """Say that the work is being looked at, so that the next ring goes through."""
    if _silent():
        return
    try:
        _redis().delete(f"tributary:ring:{name}")
    except (redis.RedisError, OSError) as error:
        _fall_silent(error)


def poke(topics: Iterable[str]) -> None:
    """Tell open pages which topics moved ("segments", "segment:7", "flows", "flow:4", "contacts", "messages", "events").

    Published as the channel layer would, but without an event loop, a thread and a connection for every poke.
    """
    wanted = sorted(set(topics))
    layer = get_channel_layer()
    if not wanted or layer is None or _silent():
        return
    try:
        _redis().publish(CHANNEL, layer.serialize({"type": "live.moved", "topics": wanted}))
    except (redis.RedisError, OSError) as error:
        _fall_silent(error)


def _redis() -> redis.Redis:
    global _client
    if _client is None:
        _client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS
        )
    return _client


def _silent() -> bool:
    return time.monotonic() < _silent_until


def _fall_silent(error: Exception) -> None:
    global _silent_until
    _silent_until = time.monotonic() + QUIET_SECONDS
    log.warning("doorbell.silent", error=str(error))
