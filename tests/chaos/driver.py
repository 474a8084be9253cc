"""The processes of a chaos run: one that is ready with Django loaded, and forks workers in milliseconds.

Workers are not Celery's, except for one: after each of twenty kills a Celery worker would need seconds to come back,
and the run would mostly watch start-ups. What a worker here does in its loop is what the tasks do (`crank.turn_once`,
`outbox.deliver`, `reaping.reap`, `evaluation.pass_time`). One real Celery worker with a real beat runs beside them,
whose pool processes are killed too, so that the broker, its flushes and late acknowledgement are in the mix.

    python -m tests.chaos.driver nursery           one JSON order per line on standard input, a pid per line back
    python -m tests.chaos.driver rings <options>   Celery's own command with the same short lease and mutant
"""

import ctypes
import importlib
import json
import os
import random
import signal
import sys
import time
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from celery.bin.celery import main as celery_main  # noqa: E402 - Django first
from django.db import InterfaceError, OperationalError, connection  # noqa: E402

from flows import clocked, crank, services  # noqa: E402
from messaging import claim, gate, outbox, reaping  # noqa: E402
from segmentation import delivering, evaluation, syncing  # noqa: E402
from tests.chaos import judge, mutants, roles, story, town, town_judge  # noqa: E402
from workspace import crash  # noqa: E402

LEASE = timedelta(seconds=float(os.environ.get("CHAOS_LEASE", "3")))
PR_SET_PDEATHSIG = 1
REAP_EVERY = 1.0
BATCH = 200


def shorten_leases() -> None:
    """Let the reaper, and the clock of flows that go by dates, come within the test's patience."""
    claim.LEASE = gate.LEASE = outbox.LEASE = LEASE
    clocked.EVERY = timedelta(seconds=2)
    delivering.LEASE = LEASE * 3


def work(crash_at: str = "", stop_at: str = "") -> None:
    """Do forever what the tasks do, as a pool process of Celery would."""
    crash._ARMED = crash_at
    if stop_at:
        roles.stop_once_at(stop_at)
    crank.BATCH = BATCH
    reaped = 0.0
    while True:
        try:
            busy = _turn()
            if time.monotonic() - reaped > REAP_EVERY:
                reaping.reap()
                evaluation.pass_time()
                evaluation.recompute_waiting()
                services.end_drained()
                crank.now_and_then()
                reaped = time.monotonic()
        except (OperationalError, InterfaceError):
            connection.close()
            time.sleep(0.1)
        else:
            time.sleep(0 if busy else 0.05)


def carry(crash_at: str = "") -> None:
    """Tell destinations forever what they have not heard, as the process for the slow ones does."""
    crash._ARMED = crash_at
    while True:
        town.surely(lambda: syncing.turn(1.0))
        time.sleep(0.1)


def _turn() -> bool:
    """Turn and deliver in either order; tell whether there was anything to do."""
    sent = outbox.deliver(BATCH) if random.random() < 0.5 else 0
    looked, progress = crank.turn_once()
    return bool(looked or progress.handled or sent or outbox.deliver(BATCH))


ROLES: dict[str, Any] = {
    "work": work,
    "prepare": story.prepare,
    "morning": lambda **scale: _feed("morning", **scale),
    "afternoon": lambda **scale: _feed("afternoon", **scale),
    "judge": judge.report,
    "town_judge": town_judge.report,
    "carry": carry,
    **town.ROLES,
    **roles.ROLES,
}


def _feed(half: str, **given: Any) -> None:
    scale = story.Scale(**given)
    story.feed(getattr(story, half)(scale), scale.pause)


def nursery() -> None:
    """Fork a process per order until standard input ends; the children die with us."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        print(_fork(json.loads(line)), flush=True)


def _fork(order: dict[str, Any]) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.dup2(2, 1)  # the pipe to the harness is the nursery's alone
        if os.getppid() == parent:
            _live(order)
    finally:
        os._exit(0)


def _live(order: dict[str, Any]) -> None:
    random.seed(os.getpid())
    args = order.get("args", {})
    crash._ARMED = args.pop("arm", "")
    try:
        answer = json.dumps({"value": ROLES[order["role"]](**args)}, default=str)
    except BaseException as error:
        answer = json.dumps({"error": f"{type(error).__name__}: {error}"})
        traceback.print_exc()
        sys.stderr.flush()
    out = Path(order["out"])
    draft = out.with_suffix(".draft")
    draft.write_text(answer)
    draft.rename(out)


def main() -> None:
    """Load what the environment asks for and begin."""
    shorten_leases()
    mutants.become(os.environ.get("TRIBUTARY_MUTANT", ""))
    if sys.argv[1] == "nursery":
        nursery()
    else:
        importlib.import_module("config.celery")
        sys.argv = ["celery", "-A", "config", *sys.argv[2:]]
        celery_main()


if __name__ == "__main__":
    main()
