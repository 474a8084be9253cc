"""The sender of events: a process of its own, as real senders are, that knows nothing of the house but its address."""

import http.client
import json
import random
import threading
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

BATCH = 100
CONNECTIONS = 4
CONTACTS = 10_000
COUNTRIES = ("US", "US", "US", "GB", "DE", "FR", "BR", "IN", "JP", "CA")


@dataclass(frozen=True)
class Sent:
    """How a sending went: seconds in all, of each call, and of the sender's processor."""

    seconds: float
    waits: list[float]
    cpu: float


def identified() -> list[bytes]:
    """Return the calls that make everybody stand."""
    people = [
        {"type": "identify", "userId": f"a{n}", "traits": {"country": COUNTRIES[n % len(COUNTRIES)]}}
        for n in range(CONTACTS)
    ]
    return batches(people)


def viewed(events: int, start: int) -> list[bytes]:
    """Return the calls of so many page views, always the same for a start."""
    chance = random.Random(42 + start)
    return batches(
        [
            {
                "type": "track",
                "messageId": f"a-{start + n}",
                "userId": f"a{chance.randrange(CONTACTS)}",
                "event": "page_view",
                "properties": {"price": chance.randrange(1, 201), "sku": f"s{n % BATCH}"},
            }
            for n in range(events)
        ]
    )


def batches(items: Sequence[Mapping[str, object]]) -> list[bytes]:
    """Return items as bodies of batch calls."""
    return [json.dumps({"batch": items[start : start + BATCH]}).encode() for start in range(0, len(items), BATCH)]


def send(port: int, key: str, bodies: list[bytes]) -> Sent:
    """Send the calls from a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_send, port, key, bodies).result()


def _send(port: int, key: str, bodies: list[bytes]) -> Sent:
    """Send the calls from several connections."""
    local = threading.local()
    headers = {"Authorization": f"Basic {b64encode(f'{key}:'.encode()).decode()}", "Content-Type": "application/json"}

    def post(content: bytes) -> float:
        if not hasattr(local, "line"):
            local.line = http.client.HTTPConnection("127.0.0.1", port)
        start = time.perf_counter()
        local.line.request("POST", "/v1/batch", content, headers)
        answer = local.line.getresponse()
        text = answer.read()
        assert answer.status == 200, text[:300]
        return time.perf_counter() - start

    cpu, start = time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        waits = list(pool.map(post, bodies))
    return Sent(time.perf_counter() - start, waits, time.process_time() - cpu)
