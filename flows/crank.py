"""Turning the crank downwards: segments look at what changed, then flows, then everybody who is due moves."""

import time

import structlog

from flows import (
    audiences,
    blocking,
    clocked,
    intake,
    joining,
    limits,
    runner,
    services,
    standing,
    stats,
    sweeping,
    trials,
    waking,
)
from flows.runner import Progress
from segmentation import evaluation
from workspace import doorbell, ticks

log = structlog.get_logger()

BATCH = 1000
MANY, FEW = 2000, 200  # of an audience at a time: when nobody fresh came, and beside fresh work
AUDIENCE_SECONDS = 0.5  # of a turn that whole audiences may have: whoever comes fresh waits no longer for them
CLOCK_SECONDS = 60


def turn(seconds: float = 20.0) -> Progress:
    """Turn until nothing moved or the time is over."""
    ends = time.monotonic() + seconds
    done, looked, through = Progress(), 0, False
    with doorbell.looking("attend"):
        while not through and time.monotonic() < ends:
            moved, progress = turn_once()
            looked += moved
            done += progress
            through = not moved and not progress.handled
    if not through:
        doorbell.ring("attend")
    services.end_drained()
    now_and_then()
    if done.spoke:
        doorbell.ring("deliver")
    if looked or done.handled:
        doorbell.poke(["flows", *(f"flow:{pk}" for pk in done.flows)])
    return done


def turn_once() -> tuple[int, Progress]:
    """Turn once; fresh facts come before a backlog of waits, and both before whole audiences."""
    looked = evaluation.take_changes(BATCH)
    looked += intake.take(BATCH)
    looked += joining.ask_again(BATCH)
    progress = runner.advance(BATCH)
    looked += clocked.pass_time()
    looked += _take_in(fresh=bool(looked or progress.fresh))
    looked += sweeping.take()
    return looked, progress


def _take_in(*, fresh: bool) -> int:
    """Take in members of audiences: a few beside fresh work, else as many as their share of a turn allows."""
    if fresh:
        return audiences.take(FEW)
    ends, looked = time.monotonic() + AUDIENCE_SECONDS, 0
    while some := audiences.take(MANY):
        looked += some
        if time.monotonic() >= ends:
            break
    return looked


def now_and_then() -> None:
    """Do what a slow clock asks for: conditions that time alone makes true, and small tables."""
    if ticks.claim("flows.pass_time", CLOCK_SECONDS):
        standing.pass_time()
        waking.pass_time()
        trials.promote_winners()
        limits.keep()
        stats.compact()
        blocking.settle_over()
