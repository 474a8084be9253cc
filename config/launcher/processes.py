"""Starting, watching and stopping programs, so that none outlives the launcher."""

import ctypes
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from config.launcher.accounts import Account
from config.launcher.errors import StartError
from config.launcher.home import open_log, tail

PR_SET_PDEATHSIG = 1
MARK = "TRIBUTARY_LAUNCH"
LONGEST_GAP = 30.0  # seconds between restarts of a program that keeps crashing
HEALTHY_AFTER = 60.0  # seconds after which a crash counts as the first one again
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Program:
    """What to run, and how it wants to be stopped: `signals` from polite to rude, then its group is killed."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    account: Account | None = None
    signals: tuple[signal.Signals, ...] = (signal.SIGTERM,)
    orphaned: tuple[signal.Signals, ...] = (signal.SIGTERM,)  # what it gets when the launcher has died
    grace: float = 10.0
    feed: bytes = b""  # given on standard input, where no list of processes shows it
    before: Callable[[], None] | None = None
    shown: bool = False  # writes to our own output instead of a log
    folder: str = "/"


@dataclass
class Running:
    """A program that was started, and its restarts."""

    program: Program
    process: subprocess.Popen[bytes]
    since: float = field(default_factory=time.monotonic)
    once: bool = False  # expected to end, and not started again
    crashes: int = 0
    again_at: float | None = None

    def has_ended(self) -> bool:
        """Whether it has ended; reaps it if so."""
        return self.process.poll() is not None


def _death_wish(number: int, parent: int) -> Callable[[], None] | None:
    """What a child does before its program begins: ask the kernel for this signal when the launcher dies."""
    libc = _libc
    if libc is None:
        return None

    def wish() -> None:
        libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)  # the launcher died before the wish was made

    return wish


class Guardian:
    """The launcher's end of the pipe to guardian.py."""

    def __init__(self, lock: int | None = None) -> None:
        self.mark = secrets.token_hex(12)
        self._lock = lock
        self._process = self._begin()

    def _begin(self) -> subprocess.Popen[bytes]:
        path = Path(__file__).with_name("guardian.py")
        environment = {key: value for key, value in os.environ.items() if key != MARK}
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(path), f"{self.mark}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            start_new_session=True,  # a signal to our whole group must not reach it
            pass_fds=() if self._lock is None else (self._lock,),  # held until the last process has ended
        )

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """The environment with our mark, added to the mark of a launcher around us."""
        return {**env, MARK: f"{os.environ.get(MARK, '')}/{self.mark}"}

    def add(self, running: Running) -> None:
        """Put a process into its care."""
        numbers = ",".join(str(int(number)) for number in running.program.orphaned)
        self._say(f"add {running.process.pid} {numbers}")

    def drop(self, pid: int) -> None:
        """A process has ended and was reaped."""
        self._say(f"drop {pid}")

    def is_gone(self) -> bool:
        """Whether somebody killed the guardian."""
        return self._process.poll() is not None

    def begin_again(self, wards: list[Running]) -> None:
        """Replace a killed guardian."""
        self._process = self._begin()
        for ward in wards:
            self.add(ward)

    def dismiss(self) -> None:
        """End of the launcher: the guardian looks round once more and ends."""
        if self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()
        self._process.wait()

    def _say(self, line: str) -> None:
        if self._process.stdin:
            with suppress(BrokenPipeError):  # watch() will notice and begin again
                self._process.stdin.write(line.encode() + b"\n")
                self._process.stdin.flush()


class Supervisor:
    """All programs of one launcher, in the order they were started."""

    def __init__(self, lock: int | None = None) -> None:
        self.guardian = Guardian(lock)
        self.running: list[Running] = []
        self.hurry = False  # set when a second Ctrl-C asks for a faster end

    def start(self, program: Program) -> Running:
        """Start a program that is to stay."""
        running = Running(program, self._spawn(program))
        self.running.append(running)
        self.guardian.add(running)
        return running

    def run(self, program: Program) -> int:
        """Run a program to its end and return its exit code."""
        running = self._begin(program)
        running.process.wait()
        return self._forget(running)

    def follow(self, program: Program, hear: Callable[[str], None]) -> int:
        """Run a program to its end, handing on each line it writes, and return its exit code."""
        running = self._begin(program, stdout=subprocess.PIPE)
        for line in running.process.stdout or ():
            hear(line.decode(errors="replace").rstrip())
        running.process.wait()
        return self._forget(running)

    def _begin(self, program: Program, stdout: int | None = None) -> Running:
        running = Running(program, self._spawn(program, stdout), once=True)
        self.running.append(running)
        self.guardian.add(running)
        return running

    def _forget(self, running: Running) -> int:
        self.running.remove(running)
        self.guardian.drop(running.process.pid)
        return running.process.returncode

    def wait_until(self, running: Running, is_ready: Callable[[], bool], patience: float) -> None:
        """Wait until a program answers; its log is in the error if it ends or stays silent."""
        deadline = time.monotonic() + patience
        while not is_ready():
            if running.has_ended():
                raise StartError(f"{running.program.name} ended at once. {_log_words(running.program)}")
            if time.monotonic() > deadline:
                raise StartError(
                    f"{running.program.name} is not ready after {patience:.0f} s. {_log_words(running.program)}"
                )
            time.sleep(0.03)

    def _spawn(self, program: Program, stdout: int | None = None) -> subprocess.Popen[bytes]:
        if program.before:
            program.before()
        log = None if program.shown else open_log(program.log)
        try:
            process = subprocess.Popen(
                list(program.command),
                env=self.guardian.environment(program.env),
                stdin=subprocess.PIPE if program.feed else subprocess.DEVNULL,
                stdout=stdout or log,
                stderr=log,
                cwd=program.folder,
                start_new_session=True,
                preexec_fn=_death_wish(program.orphaned[0], os.getpid()),  # safe: the launcher has no threads
                **(program.account.drop() if program.account else {}),
            )
        finally:
            if log is not None:
                os.close(log)
        if process.stdin:
            with suppress(BrokenPipeError):
                process.stdin.write(program.feed)
                process.stdin.close()
        return process

    def watch(self, tell: Callable[[str], None]) -> None:
        """Look once at every program, and start again what has crashed, with growing gaps."""
        if self.guardian.is_gone():
            self.guardian.begin_again(self.running)
        for running in [running for running in self.running if not running.once]:
            if running.again_at is not None:
                self._start_again(running)
            elif running.has_ended():
                self._note_crash(running, tell)

    def _note_crash(self, running: Running, tell: Callable[[str], None]) -> None:
        self.guardian.drop(running.process.pid)
        with suppress(ProcessLookupError):
            os.killpg(running.process.pid, signal.SIGKILL)  # what the crashed one left of its group
        now = time.monotonic()
        running.crashes = 1 if now - running.since > HEALTHY_AFTER else running.crashes + 1
        gap = min(0.5 * 2 ** (running.crashes - 1), LONGEST_GAP)
        running.again_at = now + gap
        program = running.program
        tell(
            f"{program.name} ended (code {running.process.returncode}), starting again in {gap:g} s; see {program.log}"
        )

    def _start_again(self, running: Running) -> None:
        if running.again_at is None or time.monotonic() < running.again_at:
            return
        running.process = self._spawn(running.program)
        running.since, running.again_at = time.monotonic(), None
        self.guardian.add(running)

    def stop(self) -> None:
        """Stop everything in the reverse order of its start, then let the guardian look round."""
        for running in reversed(self.running):
            self._stop(running)
        self.running.clear()
        self.guardian.dismiss()

    def _stop(self, running: Running) -> None:
        for number in running.program.signals:
            if running.has_ended():
                break
            with suppress(ProcessLookupError):
                running.process.send_signal(number)
            self._wait_for_end(running)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(running.process.pid, signal.SIGKILL)
        running.process.wait()
        self.guardian.drop(running.process.pid)

    def _wait_for_end(self, running: Running) -> None:
        deadline = time.monotonic() + running.program.grace
        while not running.has_ended() and time.monotonic() < deadline and not self.hurry:
            time.sleep(0.02)
        if self.hurry:  # still a breath for the database to end cleanly
            time.sleep(0 if running.has_ended() else 0.3)


def _log_words(program: Program) -> str:
    return f"The end of {program.log}:\n{tail(program.log)}"
