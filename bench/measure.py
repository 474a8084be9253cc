"""Clocks: wall, processor and memory, of this process and of others."""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Reading:
    """What one piece of work took."""

    seconds: float = 0.0
    cpu: float = 0.0


@dataclass
class Row:
    """One line of the table."""

    workload: str
    figure: str
    target: str = ""
    ratio: str = ""
    cpu: str = ""
    memory: str = ""
    notes: list[str] = field(default_factory=list)

    def cells(self) -> list[str]:
        """Return the line as text."""
        return [self.workload, self.figure, self.target, self.ratio, self.cpu, self.memory]


@contextmanager
def timed(*pids: int) -> Iterator[Reading]:
    """Measure a block: seconds, and processor seconds of these processes (this one when none is named, or as 0)."""
    reading, watched = Reading(), [pid or os.getpid() for pid in pids or (0,)]
    before, start = sum(map(cpu_of, watched)), time.perf_counter()
    try:
        yield reading
    finally:
        reading.seconds = time.perf_counter() - start
        reading.cpu = sum(map(cpu_of, watched)) - before


def cpu_of(pid: int) -> float:
    """Return processor seconds of a process and of its children that have ended."""
    try:
        parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(part) for part in parts[11:15]) / TICKS


def peak_mb(pid: int | None = None) -> float:
    """Return the largest memory a process has held, in megabytes."""
    return _memory(pid, "VmHWM")


def resident_mb(pid: int | None = None) -> float:
    """Return the memory that a process holds now, in megabytes."""
    return _memory(pid, "VmRSS")


def _memory(pid: int | None, line: str) -> float:
    try:
        status = Path(f"/proc/{pid or os.getpid()}/status").read_text()
    except OSError:
        return 0.0
    return next((int(one.split()[1]) / 1024 for one in status.splitlines() if one.startswith(line)), 0.0)


def family(pid: int) -> list[int]:
    """Return a process and everything below it."""
    found = [pid]
    for task in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(task.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        if parent == pid:
            found += family(int(task.parent.name))
    return found


def alternate(ours: Callable[[], float], theirs: Callable[[], float], rounds: int = 3) -> tuple[float, float]:
    """Run both in turn and return the best of each in seconds."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)


def centile(values: list[float], share: float) -> float:
    """Return the value that this share of them does not pass."""
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]
