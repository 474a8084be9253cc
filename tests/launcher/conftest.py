"""A launcher of its own, on a data folder of its own, for each story."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from config.launcher.guardian import stat_fields

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


class Launch:
    """One run of `python -m config.launcher services` (or of another command) and what it said."""

    def __init__(self, home: Path, *command: str, **environment: str) -> None:
        self.home = home
        arguments = command or ("services", "--home", str(home), "--throwaway")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "config.launcher", *arguments],
            cwd=PROJECT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def facts(self) -> dict[str, Any]:
        """The line of JSON it prints when all is ready."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read() if self.process.stderr else ""
        facts: dict[str, Any] = json.loads(line)
        return facts

    def end(self, number: signal.Signals) -> int:
        """Send it a signal and wait for its end."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


Begin = Callable[..., Launch]


def descendants(pid: int) -> set[int]:
    """Every process below this one."""
    parents = {int(entry.name): stat_fields(int(entry.name)) for entry in Path("/proc").glob("[0-9]*")}
    found: set[int] = set()
    ring = {pid}
    while ring:
        ring = {child for child, fields in parents.items() if fields and int(fields[1]) in ring}
        found |= ring
    return found


def are_gone(pids: set[int]) -> bool:
    """Whether none of them runs any more, waiting for it a while."""
    deadline = time.monotonic() + PATIENCE
    while any(is_running(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_running(pid: int) -> bool:
    """A zombie has ended."""
    fields = stat_fields(pid)
    return bool(fields) and fields[0] not in "ZX"


@contextmanager
def fresh_home() -> Iterator[Path]:
    """An empty data folder that another account can reach through all its parents, as pytest's own cannot."""
    folder = Path(tempfile.mkdtemp(prefix="tributary-launcher-"))
    folder.chmod(0o711)
    yield folder / "var"
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def launching(home: Path) -> Iterator[Begin]:
    """A way to start launchers; all of them are ended afterwards."""
    launches: list[Launch] = []

    def begin(*command: str, **environment: str) -> Launch:
        launches.append(Launch(home, *command, **environment))
        return launches[-1]

    yield begin
    for one in launches:
        with suppress(ProcessLookupError):
            os.kill(one.process.pid, signal.SIGTERM)
        one.process.wait(PATIENCE)
        for pipe in (one.process.stdout, one.process.stderr):
            if pipe:
                pipe.close()


@pytest.fixture
def home() -> Iterator[Path]:
    """A data folder for one story."""
    with fresh_home() as folder:
        yield folder


@pytest.fixture
def launch(home: Path) -> Iterator[Begin]:
    """A way to start launchers on it."""
    with launching(home) as begin:
        yield begin


@pytest.fixture(scope="module")
def calm() -> Iterator[tuple[Launch, dict[str, Any]]]:
    """One launcher, and its facts, for the stories that only look."""
    with fresh_home() as folder, launching(folder) as begin:
        started = begin()
        yield started, started.facts()
