"""The private PostgreSQL and Valkey together; `python -m config.launcher services` is a base to develop on."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType

from config.launcher.errors import StopRequested
from config.launcher.home import Home, lock, open_home
from config.launcher.postgres import Postgres, find_place
from config.launcher.processes import Running, Supervisor
from config.launcher.progress import complain, say
from config.launcher.valkey import Valkey

Step = Callable[[str], AbstractContextManager[None]]
PATIENCE = 60.0


def quietly(_name: str) -> AbstractContextManager[None]:
    """A step that shows nothing."""
    return nullcontext()


def start_postgres(
    supervisor: Supervisor, home: Home, *, throwaway: bool = False, step: Step = quietly
) -> tuple[str, Running]:
    """Start the private PostgreSQL; its URL and its process."""
    server = Postgres(home, throwaway=throwaway)
    with step("PostgreSQL: making the database" if server.is_new() else "PostgreSQL"):
        server.prepare()
        running = supervisor.start(server.program())
        supervisor.wait_until(running, server.is_ready, PATIENCE)
    return server.url(), running


def start_valkey(supervisor: Supervisor, home: Home, *, step: Step = quietly) -> tuple[str, Running]:
    """Start the private Valkey; its URL and its process."""
    with step("Valkey"):
        server = Valkey(home, find_place(home))
        running = supervisor.start(server.program())
        supervisor.wait_until(running, server.is_ready, PATIENCE)
    return server.url(), running


@contextmanager
def supervised(home: Home) -> Iterator[Supervisor]:
    """Hold the data folder and a supervisor; whatever happens inside, all programs are stopped at the end."""
    handle = lock(home)
    supervisor = Supervisor(handle)

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        _catch_signals(hurry)
        raise StopRequested

    def hurry(_number: int, _frame: FrameType | None) -> None:
        supervisor.hurry = True

    _catch_signals(ask_to_stop)
    try:
        yield supervisor
    finally:
        _catch_signals(hurry)
        supervisor.stop()
        os.close(handle)


def _catch_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def keep_watch(supervisor: Supervisor) -> None:
    """Stay until asked to stop, starting again what crashes."""
    while True:
        supervisor.watch(complain)
        time.sleep(0.2)


def main(home_folder: str | None, *, throwaway: bool) -> int:
    """Print one line of JSON when both are ready, and stay until stopped."""
    home = open_home(home_folder)
    with supervised(home) as supervisor:
        try:
            database_url, postgres = start_postgres(supervisor, home, throwaway=throwaway)
            redis_url, valkey = start_valkey(supervisor, home)
            facts = {"database_url": database_url, "redis_url": redis_url}
            pids = {"postgres_pid": postgres.process.pid, "valkey_pid": valkey.process.pid}
            say(json.dumps({**facts, **pids}))
            keep_watch(supervisor)
        except StopRequested:
            pass
    return 0
