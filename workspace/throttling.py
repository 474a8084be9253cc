"""So many calls a minute through one door: counted in Valkey for all processes, by each process alone while that is away."""

import threading
import time
from dataclasses import dataclass

import redis
import structlog
from django.conf import settings

log = structlog.get_logger()

WINDOW_SECONDS = 60
QUIET_SECONDS = 5.0  # how long nobody asks Valkey after it was silent
PATIENCE_SECONDS = 0.3
MOST_DOORS = 10_000  # that a process remembers by itself

# The first call of a window gives it its end; what is told is how many there were, and how long it lasts.
_COUNT = """
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {n, redis.call('PTTL', KEYS[1])}
"""


@dataclass(slots=True)
class _Window:
    """The calls that a process has counted by itself."""

    ends: float
    count: int = 0


_client: redis.Redis | None = None
_silent_until = 0.0
_alone: dict[str, _Window] = {}
_lock = threading.Lock()


def wait_for(door: str, most: int) -> int:
    """Count one call at a door; return 0 when it may come in, else in how many seconds it may."""
    if most <= 0:
        return 0
    count, seconds = _counted(door)
    return 0 if count <= most else max(1, round(seconds + 0.5))


def _counted(door: str) -> tuple[int, float]:
    if time.monotonic() >= _silent_until:
        try:
            count, left = _redis().eval(_COUNT, 1, f"tributary:calls:{door}", str(WINDOW_SECONDS * 1000))
            return int(count), max(0, int(left)) / 1000
        except (redis.RedisError, OSError) as error:
            _fall_silent(error)
    return _counted_alone(door)


def _counted_alone(door: str) -> tuple[int, float]:
    now = time.monotonic()
    with _lock:
        if len(_alone) > MOST_DOORS:
            _alone.clear()
        window = _alone.get(door)
        if window is None or window.ends <= now:
            window = _alone[door] = _Window(now + WINDOW_SECONDS)
        window.count += 1
        return window.count, window.ends - now


def _redis() -> redis.Redis:
    global _client
    if _client is None:
        _client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS
        )
    return _client


def _fall_silent(error: Exception) -> None:
    global _silent_until
    _silent_until = time.monotonic() + QUIET_SECONDS
    log.warning("throttling.alone", error=str(error))


def forget() -> None:
    """Ask Valkey anew, wherever it is by now; for tests."""
    global _client, _silent_until
    _client, _silent_until = None, 0.0
    _alone.clear()
