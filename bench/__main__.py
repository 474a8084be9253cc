"""`bin/bench [--size small|medium|full] [--only a2,a3,b,c,d,e,steps,live,…]`: prints the table that README shows; NAMES has all."""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

from bench.measure import Row
from bench.servers import services, web, worker

SIZES = {
    # contacts, events, W-e contacts, W-e events, W-a2 events, W-c starts, W-d singles
    "small": (100_000, 1_000_000, 100_000, 1_000_000, 20_000, 10_000, 40),
    "medium": (100_000, 1_000_000, 300_000, 3_000_000, 20_000, 10_000, 150),
    "full": (100_000, 1_000_000, 1_000_000, 10_000_000, 20_000, 10_000, 150),
}
# Of issue 4: who moves in `two`, who waits in `backlog`, in `due`, members in `activate`, few, many and moving in `flat`,
# calls of `state`, contacts that are recomputed in `d`.
CROWDS = {
    "small": (20_000, 100_000, 2_000, 100_000, (20_000, 200_000, 5_000), 200, 100_000),
    "medium": (50_000, 300_000, 10_000, 300_000, (50_000, 500_000, 10_000), 500, 300_000),
    "full": (100_000, 1_000_000, 20_000, 1_000_000, (100_000, 1_000_000, 20_000), 1_000, 1_000_000),
}
NAMES = "a2,a3,b,e,shapes,inc,fill,scale,preview,c,steps,two,backlog,flat,activate,due,whole,d,state,live"
HEAD = ["workload", "figure", "target", "against SQL by hand", "CPU", "peak memory"]


def main() -> int:
    """Run the chosen workloads on private servers and print their table."""
    arguments = argparse.ArgumentParser(prog="bin/bench")
    arguments.add_argument("--size", choices=SIZES, default="small")
    usual = "a2,a3,b,e,shapes,inc,fill,c,steps,two,backlog,flat,activate,due,whole,d,state,live"
    arguments.add_argument("--only", default=usual, help=f"of {NAMES}")
    chosen = arguments.parse_args()
    if strange := set(chosen.only.split(",")) - set(NAMES.split(",")):
        arguments.error(f"there is no workload {', '.join(sorted(strange))}; there are {NAMES}")
    with services() as environment:
        os.environ.update(environment, STATEMENT_TIMEOUT="0", LOG_LEVEL="ERROR", MESSAGING_NULL_PROVIDER="1")
        os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright runs a loop in this thread
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        django.setup()
        rows = run(chosen.only.split(","), SIZES[chosen.size], CROWDS[chosen.size])
    print_table(rows)
    return 0


def run(only: list[str], size: tuple[int, ...], crowds: tuple[Any, ...]) -> list[list[str]]:
    """Run the named workloads, telling of each as it ends."""
    # Django can only be asked once its settings know the private servers.
    from django.core.management import call_command  # noqa: PLC0415

    from bench import (  # noqa: PLC0415
        backlog,
        doors,
        incremental,
        ingest,
        journeys,
        latency,
        live,
        segments,
        shapes,
        views,
        whole,
    )  # fmt: skip
    from config import memory  # noqa: PLC0415
    from workspace.audit import HOUSE  # noqa: PLC0415
    from workspace.keys import make_key  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    call_command("bootstrap", stdout=sys.stderr)
    _, key = make_key(name="bench", scope="ingest", actor=HOUSE)
    memory.settle()  # as web and worker do
    rows: list[list[str]] = []

    def tell(name: str, work: Callable[[], Row | list[Row]]) -> None:
        if name not in only:
            return
        start = time.perf_counter()
        found = work()
        for row in found if isinstance(found, list) else [found]:
            rows.append(row.cells())
            print(" · ".join(rows[-1][:4]), file=sys.stderr)
        print(f"   ({time.perf_counter() - start:.0f} s in all)", file=sys.stderr, flush=True)

    if "a2" in only:
        with web(key) as server:
            tell("a2", lambda: ingest.run_a2(server, int(os.environ["POSTGRES_PID"]), size[4]))
    if "a3" in only:
        with web(key) as server, worker() as workers:
            time.sleep(6)  # until the worker has said hello
            tell("a3", lambda: ingest.run_a3(server, workers, int(os.environ["POSTGRES_PID"]), size[4] // 2))
    tell("b", lambda: segments.run_b(size[0], size[1]))
    tell("e", lambda: segments.run_e(size[2], size[3]))
    tell("shapes", lambda: shapes.run_shapes(size[0], size[1]))
    tell("inc", lambda: incremental.run_incremental(size[0], size[1]))
    tell("fill", lambda: incremental.run_fill(size[2], size[0]))
    tell("scale", lambda: incremental.run_scale(size[2] // 10, size[2]))
    tell("preview", lambda: views.run_views(size[2], size[3]))
    tell("c", lambda: journeys.run_c(size[5]))
    tell("steps", lambda: journeys.run_steps(size[5]))
    moving, waiting, due, members, flat, calls, recomputed = crowds
    tell("two", lambda: backlog.run_two(moving))
    tell("backlog", lambda: backlog.run_backlog(waiting))
    tell("flat", lambda: backlog.run_flat(*flat))
    tell("activate", lambda: doors.run_activate(members))
    if {"due", "whole", "d", "state"} & set(only):
        with web(key) as server, worker() as workers:
            time.sleep(6)  # until the worker has said hello
            tell("due", lambda: doors.run_due(workers, due))
            tell("whole", lambda: whole.run_whole(server, workers, size[5]))
            tell("d", lambda: latency.run_d(server, workers, size[6], recomputed))
            tell("state", lambda: doors.run_state(server, calls))
    if "live" in only:
        with web(key) as server, worker():
            time.sleep(6)
            tell("live", lambda: live.run_live(server, 10))
    return rows


def print_table(rows: list[list[str]]) -> None:
    """Print Markdown, and the machine it came from."""
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    cpu = next(
        (
            line.partition(": ")[2]
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "?",
    )
    print(
        f"\n{os.cpu_count()} × {cpu}, Python {platform.python_version()}, embedded PostgreSQL (fsync and synchronous_commit on) and Valkey. W-b and W-e: best of 3, alternating; the others: one run."
    )


if __name__ == "__main__":
    sys.exit(main())
