"""W-d: one event until the first step of its flow, by an event and by a segment, idle and beside a recompute and a burst."""

import json
import time
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection

from bench.client import Sent, send, viewed
from bench.crowd import people
from bench.data import clear
from bench.journeys import retire
from bench.measure import Row, centile, family, peak_mb
from bench.segments import DEAR, US
from bench.servers import Web
from flows import services as flows
from flows.models import Flow
from segmentation import evaluation, recomputing
from segmentation import services as segments
from segmentation.models import Evaluation, Segment
from workspace import clock
from workspace.audit import HOUSE

PATIENCE = 60.0
BURST = 10_000
APART = 0.2  # seconds between two singles under load
BUSY = {"type": "EVENT", "eventName": "page_view", "where": DEAR}


def run_d(web: Web, workers: list[int], singles: int, contacts: int) -> list[Row]:
    """Post single events, one after another, and look every few milliseconds for the step."""
    prepare()
    words = f"W-d {singles} events"
    by_event = [wait_for_step(web, "came", f"e{n}") for n in range(singles)]
    by_segment = [wait_for_step(web, "signed_up", f"s{n}") for n in range(singles)]
    with under_load(web, contacts) as load:
        busy = [wait_for_step(web, "signed_up", f"l{n}", APART) for n in range(singles) if load()]
        looks = load()
    memory = f"{max(peak_mb(pid) for top in workers for pid in family(top)):.0f} MB"
    beside = f"beside {looks} looks at {contacts:,} contacts and {BURST:,} events"
    return [
        Row(f"{words} → first step, idle", _figure(by_event), "p50 <= 50 ms, p95 <= 150 ms", "", "", memory),
        Row(f"{words} → segment → first step, idle", _figure(by_segment), "p95 <= 1,000 ms", "", "", memory),
        Row(f"{words} → segment → first step, {beside}", _figure(busy), "p95 <= 2,000 ms", "", "", memory),
    ]


def _figure(waits: list[float]) -> str:
    return f"p50 {1000 * centile(waits, 0.5):.0f} ms, p95 {1000 * centile(waits, 0.95):.0f} ms"


@contextmanager
def under_load(web: Web, contacts: int) -> Iterator["Looks"]:
    """Have the worker recompute a segment over so many contacts again and again, and send a burst of events meanwhile."""
    people(contacts, clock.now())
    segment = _segment("bench-d-us", [US])
    _segment("bench-d-busy", [BUSY])
    looks = Looks(segment)
    with ThreadPoolExecutor(1) as pool:
        burst: Future[Sent] = pool.submit(send, web.port, web.key, viewed(BURST, 0))
        yield looks
        assert len(burst.result().waits) == BURST // 100


class Looks:
    """Full looks that the worker takes at a segment; asking how many there were asks for another when none runs."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        recomputing.ask(segment, "edited")

    def __call__(self) -> int:
        """Return how many were asked for, and see that one runs."""
        full = Evaluation.objects.filter(segment=self.segment, full=True)
        if not full.filter(status=Evaluation.Status.RUNNING).exists():
            recomputing.ask(self.segment, "edited")
        return full.count()


def _segment(slug: str, conditions: list[dict[str, object]]) -> Segment:
    criteria = {"operator": "AND", "conditions": conditions}
    segment = Segment.objects.filter(slug=slug).first() or segments.create_segment(
        name=slug, slug=slug, kind="dynamic", criteria=criteria, actor=HOUSE, evaluate=False
    )
    evaluation.recompute(segment.pk, cause="edited", fires=False)
    return segment


def prepare() -> None:
    """Make the segment "has signed up" and the flow that it starts, and a flow that the event "came" starts."""
    clear()
    retire()
    _segment("bench-d", [{"type": "EVENT", "eventName": "signed_up"}])
    flow("bench-d", "contact_segment", {"segment": "bench-d", "when": "enters"})
    flow("bench-came", "event", {"event_name": "came"})


def flow(slug: str, kind: str, settings: dict[str, object]) -> Flow:
    """Activate a flow of a trigger and a day's wait."""
    made = flows.create_flow(name=slug, slug=slug, draft=draft(kind, settings), actor=HOUSE)
    return flows.activate(made, settings={"entry": "new"}, actor=HOUSE)


def draft(kind: str, settings: dict[str, object]) -> dict[str, Any]:
    """Return a trigger and a day's wait."""
    return {
        "nodes": [
            {"id": "start", "kind": kind, "name": "", "settings": settings},
            {"id": "pause", "kind": "wait", "name": "", "settings": {"duration": "1d"}},
        ],
        "edges": [{"from": "start", "port": "next", "to": "pause"}],
    }


STEPPED = """
SELECT EXISTS (SELECT FROM contacts_identity i JOIN flows_enrollment e ON e.contact_id = i.contact_id
               WHERE i.kind = 'user' AND i.value = %s AND e.visit > 1)
"""


def wait_for_step(web: Web, event: str, who: str, apart: float = 0.0) -> float:
    """Send one event and return the seconds until its contact's first step stands in the database."""
    call = json.dumps({"userId": who, "event": event, "messageId": f"{who}-{time.time_ns()}"}).encode()
    headers = {
        "Authorization": f"Basic {b64encode(f'{web.key}:'.encode()).decode()}",
        "Content-Type": "application/json",
    }
    time.sleep(apart)
    start = time.perf_counter()
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{web.port}/v1/track", call, headers)).read()
    while not _stepped(who):
        if time.perf_counter() - start > PATIENCE:
            raise TimeoutError(f"No step within {PATIENCE} s of the event of {who}.")
        time.sleep(0.004)
    return time.perf_counter() - start


def _stepped(who: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(STEPPED, [who])
        return bool(cursor.fetchone()[0])
