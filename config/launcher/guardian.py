"""Outlives the launcher by a moment: when the launcher is gone, however it died, the guardian ends all it had started.

Run as a program of its own, by path, with the launcher's pipe as standard input. Each line is one of
`add <pid> <signal,signal>` and `drop <pid>`; the end of the input means that the launcher has ended.
Argument: the mark which every process of that launcher carries in its environment.
"""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

GAP = 6.0  # seconds between a signal and the next, ruder one
SWEEPS = 20


def stat_fields(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat after the name, from the state on; empty when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def born(pid: int) -> str:
    """When the process was born, so that a number used again is not taken for it."""
    fields = stat_fields(pid)
    return fields[19] if fields else ""


def is_alive(pid: int, birth: str) -> bool:
    """Whether that very process still runs; a zombie does not."""
    fields = stat_fields(pid)
    if fields:
        return fields[0] not in "ZX" and fields[19] == birth
    if Path("/proc/self/stat").exists():
        return False
    try:  # no /proc on this system
        os.kill(pid, 0)
    except OSError:
        return False
    return True


class Ward:
    """One process in the guardian's care."""

    def __init__(self, pid: int, signals: list[int]) -> None:
        self.pid = pid
        self.birth = born(pid)
        self.signals = signals

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return is_alive(self.pid, self.birth)

    def press(self, attempt: int) -> None:
        """Send the signal of this attempt; after the last polite one its whole group is killed."""
        with suppress(OSError):
            if attempt < len(self.signals):
                os.kill(self.pid, self.signals[attempt])
            else:
                os.killpg(self.pid, signal.SIGKILL)


def listen(stream: int) -> dict[int, Ward]:
    """Read the launcher's lines until it ends, and return what it leaves behind."""
    wards: dict[int, Ward] = {}
    with os.fdopen(stream, "r") as lines:
        for line in lines:
            verb, pid, *rest = line.split()
            if verb == "add":
                wards[int(pid)] = Ward(int(pid), [int(number) for number in rest[0].split(",")])
            else:
                wards.pop(int(pid), None)
    return wards


def end(wards: list[Ward]) -> None:
    """Ask politely, then less so, then kill."""
    left = [ward for ward in wards if ward.is_alive()]
    for attempt in range(4):
        for ward in left:
            ward.press(attempt)
        deadline = time.monotonic() + GAP
        while left and time.monotonic() < deadline:
            time.sleep(0.05)
            left = [ward for ward in left if ward.is_alive()]
        if not left:
            return


def strays(mark: bytes) -> list[int]:
    """Every process that carries the mark, wherever it has moved to."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (entry / "environ").read_bytes() and int(entry.name) != os.getpid():
                found.append(int(entry.name))
    return found


def sweep(mark: bytes) -> None:
    """Kill what the list of wards did not know, e.g. a child born in the launcher's last instant."""
    for _ in range(SWEEPS):
        found = strays(mark)
        if not found:
            return
        for pid in found:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def main() -> None:
    """Wait for the launcher's end, then leave nothing behind."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    wards = listen(sys.stdin.fileno())
    end(list(wards.values()))
    sweep(sys.argv[1].encode())


if __name__ == "__main__":
    main()
