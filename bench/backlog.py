"""Many who wait: two workers beside one, a backlog with fresh work beside it, the price of a step among few and many."""

import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

from bench.crowd import people, stand
from bench.journeys import PRO, SOURCE, Spent, crank, fresh_flow
from bench.loop import both
from bench.measure import Row, peak_mb, resident_mb, timed
from bench.servers import ROOT
from contacts.ingest import take
from flows import crank as engine
from flows.models import Enrollment, Flow, Step
from workspace import clock

PAUSE = ("pause", "wait", {"duration": "1m"})
EVERY = 2.0  # seconds between two fresh facts
STEPS_LEFT = 2  # the wait and the split


def crowded(slug: str, many: int, due_in: timedelta = timedelta(0)) -> Flow:
    """Make a flow in which so many wait since two minutes ago, due by now and so much."""
    branches = {"branches": [{"port": "yes", "criteria": {"operator": "AND", "conditions": [PRO]}}]}
    flow = fresh_flow(slug, [PAUSE, ("which", "split", branches)])
    now = clock.now()
    people(many, now - timedelta(days=1))
    stand(flow, many, "pause", now - timedelta(minutes=2), now - timedelta(minutes=1) + due_in)
    return flow


def came_through(flow: Flow, many: int) -> None:
    """Fail unless everybody made the two steps that were left, and ended."""
    done = Enrollment.objects.filter(flow=flow, status="completed").count()
    steps = Step.objects.filter(flow=flow).exclude(node="start").count()
    assert (done, steps) == (many, STEPS_LEFT * many), f"{done} of {many} came through, by {steps} steps"


def run_two(many: int) -> Row:
    """Let one worker move so many, then two move as many."""
    alone, together = [_together(count, many) for count in (1, 2)]
    ratio = together["rate"] / alone["rate"]
    return Row(
        f"two workers, {STEPS_LEFT * many:,} steps",
        f"{together['rate']:,.0f} steps/s, one {alone['rate']:,.0f}",
        ">= 1.6 × one, where two cores are free",
        f"{ratio:.2f} × one; a step takes {together['cpu'] / alone['cpu']:.2f} × the processor",
        f"{together['cpu']:.1f} s, one {alone['cpu']:.1f} s",
        f"{together['mb']:.0f} MB",
    )


def _together(workers: int, many: int) -> dict[str, float]:
    flow = crowded(f"bench-two-{workers}", many)
    command = [sys.executable, "-m", "bench.walker"]
    running = [
        subprocess.Popen(
            command, cwd=ROOT, env={**os.environ}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(workers)
    ]
    for one in running:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    begun = time.perf_counter()
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    said: list[dict[str, Any]] = [json.loads(one.communicate()[0]) for one in running]
    seconds = time.perf_counter() - begun
    came_through(flow, many)
    assert sum(one["steps"] for one in said) == STEPS_LEFT * many
    return {
        "rate": STEPS_LEFT * many / seconds,
        "cpu": sum(one["cpu"] for one in said),
        "mb": max(one["mb"] for one in said),
    }


def run_backlog(many: int) -> Row:
    """Let one worker turn the crank over a backlog while somebody new comes every two seconds."""
    flow = crowded("bench-backlog", many)
    waits: list[float] = []
    sizes: list[float] = []
    came, born = 0, 0.0
    with timed(*both()) as reading:
        begun = time.perf_counter()
        while _left(flow) or born:
            if not born and time.perf_counter() - begun > EVERY * (came + 1):
                came, born = came + 1, time.perf_counter()
                take([_call(came)], source=SOURCE, received_at=clock.now())
            engine.turn_once()
            sizes.append(resident_mb())
            if born and Enrollment.objects.filter(flow=flow, contact__user_id=f"fresh{came}", visit__gt=1).exists():
                waits.append(time.perf_counter() - born)
                born = 0.0
    assert Enrollment.objects.filter(flow=flow, status="completed").count() == many
    steps = Step.objects.filter(flow=flow).exclude(node="start").count()
    assert steps == STEPS_LEFT * many, f"{steps} steps"
    early, late = max(sizes[: max(len(sizes) // 4, 1)]), max(sizes)
    slowest = f"{max(waits):.1f} s" if waits else "none came"
    return Row(
        f"backlog of {many:,} due waits",
        f"{steps / reading.seconds:,.0f} steps/s; of {len(waits)} new ones the slowest took {slowest}",
        ">= 5,000 steps/s, <= 10 s, flat memory",
        f"memory {early:.0f} → {late:.0f} MB",
        f"{reading.cpu:.1f} s with the database: {1_000_000 * reading.cpu / steps:.0f} µs a step",
        f"{peak_mb():.0f} MB",
    )


def _left(flow: Flow) -> bool:
    return Enrollment.objects.filter(flow=flow, status="active", lane=3, due_at__lte=clock.now()).exists()


def _call(number: int) -> dict[str, Any]:
    return {"type": "track", "messageId": f"fresh{number}", "userId": f"fresh{number}", "event": "start"}


def run_flat(few: int, many: int, moving: int) -> Row:
    """Let as many move among few and among many who wait for tomorrow, and compare the processor time of a step."""
    prices = {}
    for crowd in (few, many):
        flow = crowded("bench-flat", crowd, timedelta(days=1))
        _hurry(flow, moving, crowd)
        spent = Spent(both())
        crank(spent)
        done = Enrollment.objects.filter(flow=flow, status="completed").count()
        assert done == moving, f"{done} of {moving} came through"
        prices[crowd] = 1_000_000 * spent.cpu["running"] / (STEPS_LEFT * moving)
    return Row(
        f"a step among {few:,} and {many:,} enrollments",
        f"{prices[few]:.0f} µs and {prices[many]:.0f} µs of processor",
        "flat",
        f"{prices[many] / prices[few]:.2f} × among few",
        "",
        f"{peak_mb():.0f} MB",
    )


def _hurry(flow: Flow, moving: int, crowd: int) -> None:
    """Make some of them due now, spread over all."""
    apart = max(crowd // moving, 1)
    ids = list(Enrollment.objects.filter(flow=flow).order_by("id").values_list("pk", flat=True))[::apart][:moving]
    Enrollment.objects.filter(pk__in=ids).update(due_at=clock.now() - timedelta(minutes=1))
