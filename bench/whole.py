"""W-c as others were measured: over HTTP, with the worker as installed, until everybody has got their mail and ended."""

import time

from django.db import connection

from bench.client import batches, send
from bench.journeys import BODY, fresh_flow, known, started
from bench.measure import Row, family, peak_mb, timed
from bench.servers import Web
from flows.models import Enrollment
from messaging.models import Message

WAIT = 60.0
PATIENCE = 900.0
TIMES = """
SELECT extract(epoch FROM max(e.entered_at) - min(e.entered_at))::float,
       extract(epoch FROM max(m.settled_at) - min(m.calling_at))::float,
       extract(epoch FROM max(e.ended_at) - min(e.entered_at))::float
FROM flows_enrollment e JOIN messaging_message m ON m.thread = 'e:' || e.id WHERE e.flow_id = %s
"""


def run_whole(web: Web, workers: list[int], starts: int) -> Row:
    """Send so many starts, and take the seconds from the first call until the last journey ended, the wait left out."""
    flow = fresh_flow("bench-whole", [("pause", "wait", {"duration": "1m"}), ("mail", "send_email", BODY)])
    people, facts = batches([known(n) for n in range(starts)]), batches([started(n) for n in range(starts)])
    busy = [pid for top in (web.pid, *workers) for pid in family(top)]
    with timed(*busy) as reading:
        send(web.port, web.key, people)
        send(web.port, web.key, facts)
        _until_ended(flow.pk, starts)
    sent = Message.objects.filter(status="sent").count()
    assert sent == starts, f"{sent} of {starts} sent"
    with connection.cursor() as cursor:
        cursor.execute(TIMES, [flow.pk])
        entering, sending, whole = cursor.fetchone()
    return Row(
        f"W-c {starts:,} starts over HTTP, worker as installed",
        f"{reading.seconds - WAIT:.1f} s without the wait: entered in {entering:.1f} s, sent in {sending:.1f} s,"
        f" first entry to last end {whole - WAIT:.1f} s",
        "<= 10 s at 10,000",
        "",
        f"{reading.cpu:.1f} s, web and worker",
        f"{max(peak_mb(pid) for pid in busy):.0f} MB",
    )


def _until_ended(flow: int, starts: int) -> None:
    until = time.monotonic() + PATIENCE
    while Enrollment.objects.filter(flow=flow, status="completed").count() < starts or _unsent():
        if time.monotonic() > until:
            raise TimeoutError(f"Not everybody came through within {PATIENCE:.0f} s.")
        time.sleep(0.25)


def _unsent() -> bool:
    return Message.objects.filter(status__in=("queued", "sending", "calling")).exists()
