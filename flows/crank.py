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
MANY, FEW = 2000, 200  # of an audience at a time: when nothing else is to do, and beside fresh work
CLOCK_SECONDS = 60


def turn(seconds: float = 20.0) -> Progress:
    """Turn until nothing moved or the time is over."""
    ends = time.monotonic() + seconds
    done, looked = Progress(), 0
    while time.monotonic() < ends:
        moved, progress = turn_once()
        looked += moved
        done += progress
        if not moved and not progress.handled:
            break
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
    looked += audiences.take(MANY if not looked and not progress.handled else FEW)
    looked += sweeping.take()
    return looked, progress


def now_and_then() -> None:
    """Do what a slow clock asks for: conditions that time alone makes true, and small tables."""
    if ticks.claim("flows.pass_time", CLOCK_SECONDS):
        standing.pass_time()
        waking.pass_time()
        trials.promote_winners()
        limits.keep()
        stats.compact()
        blocking.settle_over()
