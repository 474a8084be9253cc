"""W-d: one event on an idle system: until the segment is entered and the first step of its flow is made."""

import json
import time
import urllib.request
from base64 import b64encode

from bench.data import clear
from bench.measure import Row, centile, family, peak_mb
from bench.servers import Web
from flows import services as flows
from flows.models import Flow, Step
from segmentation import evaluation
from segmentation import services as segments
from segmentation.models import Segment
from workspace.audit import HOUSE

PATIENCE = 15.0


def run_d(web: Web, workers: list[int], singles: int) -> Row:
    """Post single events, one after another, and look every few milliseconds for the step."""
    prepare()
    waits = [wait_for_step(web, n) for n in range(singles)]
    figure = f"p50 {1000 * centile(waits, 0.5):.0f} ms, p95 {1000 * centile(waits, 0.95):.0f} ms"
    memory = f"{max(peak_mb(pid) for top in workers for pid in family(top)):.0f} MB"
    return Row(f"W-d {singles} events → segment → step", figure, "p95 <= 1,000 ms", "", "", memory)


def prepare() -> None:
    """Make the segment "has signed up" and the flow that it starts."""
    clear()
    Flow.objects.filter(slug="bench-d").update(slug="bench-d-old", version=None, status="draft")
    criteria = {"operator": "AND", "conditions": [{"type": "EVENT", "eventName": "signed_up"}]}
    segment = Segment.objects.filter(slug="bench-d").first() or segments.create_segment(
        name="Bench D", slug="bench-d", kind="dynamic", criteria=criteria, actor=HOUSE, evaluate=False
    )
    evaluation.recompute(segment.pk, cause="edited", fires=False)
    draft = {
        "nodes": [
            {
                "id": "start",
                "kind": "contact_segment",
                "name": "",
                "settings": {"segment": "bench-d", "when": "enters"},
            },
            {"id": "pause", "kind": "wait", "name": "", "settings": {"duration": "1d"}},
        ],
        "edges": [{"from": "start", "port": "next", "to": "pause"}],
    }
    flow = flows.create_flow(name="Bench D", slug="bench-d", draft=draft, actor=HOUSE)
    flows.activate(flow, settings={"entry": "new"}, actor=HOUSE)


def wait_for_step(web: Web, n: int) -> float:
    """Send one event and return the seconds until its contact's first step stands in the database."""
    call = json.dumps({"userId": f"d{n}", "event": "signed_up", "messageId": f"d{n}-{time.time_ns()}"}).encode()
    headers = {
        "Authorization": f"Basic {b64encode(f'{web.key}:'.encode()).decode()}",
        "Content-Type": "application/json",
    }
    before = Step.objects.count()
    start = time.perf_counter()
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{web.port}/v1/track", call, headers)).read()
    while Step.objects.count() == before:
        if time.perf_counter() - start > PATIENCE:
            raise TimeoutError(f"No step within {PATIENCE} s of event {n}.")
        time.sleep(0.004)
    return time.perf_counter() - start
