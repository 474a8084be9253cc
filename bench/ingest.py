"""W-a2: events over HTTP in batches of 100, from 4 connections, stored durably."""

import http.client
import json
import random
import threading
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from bench.data import clear
from bench.measure import Row, centile, family, peak_mb, timed
from bench.servers import Web

BATCH = 100
CONNECTIONS = 4
CONTACTS = 10_000


def run_a2(web: Web, events: int) -> Row:
    """Send so many events and return how many a second were stored."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tributary.erasing', 'on', false)")
    clear()
    chance = random.Random(42)
    bodies = [body(chance, start) for start in range(0, events, BATCH)]
    post_all(web, bodies[: CONNECTIONS * 5])  # a warm-up: connections, plans, and most of the contacts
    bodies = [body(chance, start + events) for start in range(0, events, BATCH)]
    watched = family(web.pid)
    with timed(*watched) as reading:
        waits = post_all(web, bodies)
    rate = len(bodies) * BATCH / reading.seconds
    p95 = 1000 * centile(waits, 0.95)
    memory = f"{max(map(peak_mb, watched)):.0f} MB"
    return Row(
        f"W-a2 {events:,} events",
        f"{rate:,.0f} events/s, p95 {p95:.0f} ms per {BATCH}",
        ">= 10,000 events/s",
        "",
        f"{reading.cpu:.1f} s",
        memory,
    )


def body(chance: random.Random, start: int) -> bytes:
    """Return one batch call."""
    batch = [
        {
            "type": "track",
            "messageId": f"a2-{start + n}",
            "userId": f"a{chance.randrange(CONTACTS)}",
            "event": "page_view",
            "properties": {"price": chance.randrange(200), "sku": f"s{n}"},
        }
        for n in range(BATCH)
    ]
    return json.dumps({"batch": batch}).encode()


def post_all(web: Web, bodies: list[bytes]) -> list[float]:
    """Send the calls from several connections; return how long each took."""
    local = threading.local()
    headers = {
        "Authorization": f"Basic {b64encode(f'{web.key}:'.encode()).decode()}",
        "Content-Type": "application/json",
    }

    def post(content: bytes) -> float:
        if not hasattr(local, "line"):
            local.line = http.client.HTTPConnection("127.0.0.1", web.port)
        start = time.perf_counter()
        local.line.request("POST", "/v1/batch", content, headers)
        answer = local.line.getresponse()
        text = answer.read()
        assert answer.status == 200, text[:300]
        return time.perf_counter() - start

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return list(pool.map(post, bodies))
