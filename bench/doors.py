"""Waits that fall due under a running worker, whole audiences at activation, and a person's state for websites."""

import http.client
import json
import time
from base64 import b64encode
from datetime import timedelta
from typing import Any

from django.db import connection

from bench.backlog import PAUSE
from bench.crowd import FIRST, people, stand
from bench.data import clear
from bench.journeys import SOURCE, fresh_flow, retire
from bench.latency import draft, flow
from bench.loop import both
from bench.measure import Row, centile, family, peak_mb, timed
from bench.servers import Web
from contacts.ingest import take
from flows import crank as engine
from flows import services as flows
from flows.models import Enrollment, Entry, Flow, Step
from segmentation import services as segments
from segmentation.models import Segment
from workspace import clock
from workspace.audit import HOUSE
from workspace.keys import make_key
from workspace.models import Job

SPREAD = 20.0  # seconds over which the waits fall due
AHEAD = 5.0
PATIENCE = 120.0
LATE = """
SELECT extract(epoch FROM s.at - (%s::timestamptz + %s * (s.contact_id - %s) * interval '1 microsecond'))::float
FROM flows_step s WHERE s.flow_id = %s AND s.node = 'pause'
"""


def run_due(workers: list[int], many: int) -> Row:
    """Let so many waits fall due within twenty seconds, and read from the steps how late each was picked up."""
    waiting = fresh_flow("bench-due", [PAUSE])
    now = clock.now()
    people(many, now - timedelta(days=1))
    apart = int(SPREAD * 1_000_000 / many)
    due = clock.now() + timedelta(seconds=AHEAD)
    stand(waiting, many, "pause", now - timedelta(minutes=1), due, apart)
    _until(lambda: Enrollment.objects.filter(flow=waiting, status="completed").count() == many)
    with connection.cursor() as cursor:
        cursor.execute(LATE, [due, apart, FIRST, waiting.pk])
        late = [row[0] for row in cursor.fetchall()]
    assert len(late) == many
    assert min(late) >= 0, f"somebody was picked up {-min(late):.3f} s before the time"
    figure = f"p50 {1000 * centile(late, 0.5):.0f} ms, p99 {1000 * centile(late, 0.99):.0f} ms"
    memory = max(peak_mb(pid) for top in workers for pid in family(top))
    return Row(f"{many:,} waits due within 20 s → picked up", figure, "p99 <= 5 s", "", "", f"{memory:.0f} MB")


def _until(done: Any) -> None:
    until = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > until:
            raise TimeoutError(f"It was not done within {PATIENCE:.0f} s.")
        time.sleep(0.2)


MEMBERS = """
WITH made AS (
    INSERT INTO segmentation_membership (segment_id, contact_id, seq, since)
    SELECT %(segment)s, %(first)s + n, 1, %(at)s FROM generate_series(0, %(members)s - 1) n RETURNING contact_id
)
INSERT INTO segmentation_transition (segment_id, contact_id, seq, kind, cause, fires, at)
SELECT %(segment)s, contact_id, 1, 'entered', 'import', false, %(at)s FROM made
"""


def run_activate(members: int) -> Row:
    """Activate a flow for the members that a segment has, while somebody new enters another flow now and then."""
    _fill(members)
    other = flow("bench-beside", "event", {"event_name": "start"})
    mine = draft("contact_segment", {"segment": "bench-members", "when": "enters"})
    chosen = flows.create_flow(name="bench-members", slug="bench-members", draft=mine, actor=HOUSE)
    waits: list[float] = []
    with timed() as starting:
        chosen = flows.activate(chosen, settings={"entry": "both"}, actor=HOUSE)
    with timed(*both()) as reading:
        began = time.perf_counter()
        while Job.objects.filter(kind="flows.enrol_members", status__in=("waiting", "running")).exists():
            if time.perf_counter() - began > 2 * len(waits):
                waits.append(_entered(other, len(waits)))
            engine.turn_once()
    entered = Enrollment.objects.filter(flow=chosen).count()
    decided = Entry.objects.filter(flow=chosen, outcome="enrolled").count()
    assert entered == decided == members, f"{entered} of {members} entered, {decided} decisions"
    return Row(
        f"activation with {members:,} members",
        f"{reading.seconds:.1f} s, the button {1000 * starting.seconds:.0f} ms; new ones elsewhere <= {max(waits):.2f} s",
        "<= 120 s for 1,000,000",
        "",
        f"{reading.cpu:.1f} s with the database: {1_000_000 * reading.cpu / members:.0f} µs a member, first steps included",
        f"{peak_mb():.0f} MB",
    )


def _fill(members: int) -> None:
    clear()
    retire()
    now = clock.now()
    people(members, now - timedelta(days=1))
    segment = Segment.objects.filter(slug="bench-members").first() or segments.create_segment(
        name="Bench members", slug="bench-members", kind="static", actor=HOUSE
    )
    with connection.cursor() as cursor:
        cursor.execute(MEMBERS, {"segment": segment.pk, "first": FIRST, "members": members, "at": now})
        cursor.execute("VACUUM ANALYZE contacts_contact, segmentation_membership, segmentation_transition")


def _entered(flow: Flow, number: int) -> float:
    """Let somebody new come and return the seconds until their first step, beside what else is to do."""
    start = time.perf_counter()
    call = {"type": "track", "messageId": f"m{number}", "userId": f"fresh{number}", "event": "start"}
    take([call], source=SOURCE, received_at=clock.now())
    while not Step.objects.filter(flow=flow, contact__user_id=f"fresh{number}").exists():
        engine.turn_once()
    return time.perf_counter() - start


def run_state(web: Web, calls: int) -> Row:
    """Ask for the state of people who are in ten segments and three flows, one call after another on one line."""
    _inside(calls)
    _, secret = make_key(name="bench-state", scope="read", actor=HOUSE)
    line = http.client.HTTPConnection("127.0.0.1", web.port)
    headers = {"Authorization": f"Basic {b64encode(f'{secret}:'.encode()).decode()}"}
    waits = []
    with timed(*family(web.pid)) as reading:
        for number in range(calls):
            start = time.perf_counter()
            line.request("GET", f"/v1/state/u{number}", headers=headers)
            answer = line.getresponse()
            said = json.loads(answer.read())
            waits.append(time.perf_counter() - start)
            assert answer.status == 200, said
            assert (len(said["segments"]), len(said["flows"])) == (10, 3), said
    figure = f"p50 {1000 * centile(waits, 0.5):.1f} ms, p95 {1000 * centile(waits, 0.95):.1f} ms"
    memory = max(peak_mb(pid) for pid in family(web.pid))
    cpu = f"{1000 * reading.cpu / calls:.1f} ms a call"
    return Row(f"{calls:,} × GET /v1/state/{{user_id}}", figure, "p95 <= 20 ms", "", cpu, f"{memory:.0f} MB")


def _inside(many: int) -> None:
    """Put so many into ten segments and three flows."""
    clear()
    retire()
    now = clock.now()
    people(many, now - timedelta(days=1))
    for number in range(10):
        slug = f"bench-state-{number}"
        segment = Segment.objects.filter(slug=slug).first() or segments.create_segment(
            name=slug, slug=slug, kind="static", actor=HOUSE
        )
        with connection.cursor() as cursor:
            cursor.execute(MEMBERS, {"segment": segment.pk, "first": FIRST, "members": many, "at": now})
    for number in range(3):
        made = flow(f"bench-state-{number}-{now:%H%M%S}", "event", {"event_name": "start"})
        stand(made, many, "pause", now, now + timedelta(days=1))
