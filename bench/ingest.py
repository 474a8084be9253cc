"""W-a2 and W-a3: events over HTTP in batches of 100, from 4 connections, stored durably; then watched by 50 segments."""

import time

from django.db import connection

from bench.client import BATCH, Sent, identified, send, viewed
from bench.data import clear
from bench.measure import Row, centile, cpu_of, family, peak_mb, timed
from bench.servers import Web
from contacts.models import Change
from segmentation import evaluation, services
from segmentation.models import Membership, Segment
from workspace.audit import HOUSE

WARMING = 4_000
SEGMENTS = 50
PATIENCE = 120.0
WEST = {"type": "PROPERTY", "propertyName": "country", "operator": "in", "value": ["US", "GB", "DE", "FR"]}


def run_a2(web: Web, postgres: int, events: int) -> Row:
    """Send so many events of 10,000 standing contacts and return how many a second were stored."""
    prepare(web)
    servers = family(web.pid)
    before = sum(map(cpu_of, family(postgres)))
    with timed(*servers) as reading:
        sent = send(web.port, web.key, viewed(events, WARMING))
    stored = sum(map(cpu_of, family(postgres))) - before  # of connections made meanwhile, too
    shares = f"web {reading.cpu:.1f} + PostgreSQL {stored:.1f} + client {sent.cpu:.1f} s"
    figure = f"{events / sent.seconds:,.0f} events/s, p95 {1000 * centile(sent.waits, 0.95):.0f} ms per {BATCH}"
    return Row(f"W-a2 {events:,} events", figure, ">= 10,000 events/s", "", shares, memory(servers))


def run_a3(web: Web, workers: list[int], postgres: int, events: int) -> Row:
    """Send events while no segment watches them, and again while 50 do, until all memberships are complete."""
    prepare(web)
    alone = send(web.port, web.key, viewed(events, WARMING))
    watch()
    watched = [pid for top in (web.pid, *workers) for pid in family(top)]
    before = sum(map(cpu_of, family(postgres)))
    with timed(*watched) as reading:
        sent, whole = until_attended(web, viewed(events, WARMING + events))
    stored = sum(map(cpu_of, family(postgres))) - before
    prove()
    told = f"accepted {events / sent.seconds:,.0f}/s, complete {events / whole:,.0f}/s"
    ratio = f"{whole / alone.seconds:.1f} × without segments"
    target = ">= 5,000/s complete, <= 2 ×"
    shares = f"web and worker {reading.cpu:.1f} + PostgreSQL {stored:.1f} + client {sent.cpu:.1f} s"
    return Row(f"W-a3 {events:,} events, {SEGMENTS} segments", told, target, ratio, shares, memory(watched))


def prepare(web: Web) -> None:
    """Have everybody stand and every connection warm, unmeasured."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tributary.erasing', 'on', false)")
    Segment.objects.filter(slug__startswith="bench-a3-").delete()
    clear()
    send(web.port, web.key, identified())
    send(web.port, web.key, viewed(WARMING, 0))


def watch() -> None:
    """Make the segments "viewed a page over so much, in one of four countries", with their first members."""
    for n in range(SEGMENTS):
        dear = {"operator": "AND", "conditions": [{"propertyName": "price", "operator": ">", "value": 5 * n}]}
        viewing = {"type": "EVENT", "eventName": "page_view", "where": dear}
        segment = services.create_segment(
            name=f"Bench A3 {n}",
            slug=f"bench-a3-{n}",
            kind="dynamic",
            criteria={"operator": "AND", "conditions": [viewing, WEST]},
            actor=HOUSE,
            evaluate=False,
        )
        evaluation.recompute(segment.pk, cause="edited", fires=False)


def until_attended(web: Web, bodies: list[bytes]) -> tuple[Sent, float]:
    """Send calls and wait until no Change is left; return the sending, and the seconds of it all."""
    sent, start = send(web.port, web.key, bodies), time.perf_counter()
    while Change.objects.exists():
        assert time.perf_counter() - start < PATIENCE, "the worker did not come through"
        time.sleep(0.01)
    return sent, sent.seconds + time.perf_counter() - start


def prove() -> None:
    """Check that the members who came and went meanwhile are those whom a full look finds."""
    held = Membership.objects.filter(segment__slug__startswith="bench-a3-").count()
    for segment in Segment.objects.filter(slug__startswith="bench-a3-"):
        evaluation.recompute(segment.pk, cause="edited", fires=False)
    again = Membership.objects.filter(segment__slug__startswith="bench-a3-").count()
    assert held == again, f"{held:,} members while events came, {again:,} by a full look"


def memory(pids: list[int]) -> str:
    """Return the most that one of these processes held."""
    return f"{max(map(peak_mb, pids)):.0f} MB"
