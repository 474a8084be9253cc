"""The stage of a chaos run: a private PostgreSQL and Valkey, a database of its own, processes to kill, a witness.

The workers are forked by `driver.py` (see there why most of them are not Celery's), beside one real Celery worker and
beat. Synchronous commit is switched on again: the throw-away server is quick because it never waits for a disk, but
what it has answered must survive its own death.
"""

import json
import os
import random
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
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis

from config.launcher.guardian import stat_fields

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 180.0  # of a machine that does other things besides
CHUNK = 20  # messages in doubt at most when a worker dies
_NAMES = iter(range(1, 1_000_000))


class Servers:
    """A private PostgreSQL and Valkey, started by the launcher, which starts them again when they die."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "var"
        self.launcher = subprocess.Popen(
            [sys.executable, "-m", "config.launcher", "services", "--home", str(self.home), "--throwaway"],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.launcher.stdout
        facts = json.loads(self.launcher.stdout.readline() or "{}")
        self.database_url, self.redis_url = facts["database_url"], facts["redis_url"]
        self.valkey_pid: int = facts["valkey_pid"]

    def prepare(self) -> None:
        """Make what has been answered durable, and the tables."""
        self.execute("ALTER ROLE tributary SET synchronous_commit = on")
        env = {**os.environ, "DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v0", "--skip-checks"], cwd=PROJECT, env=env, check=True
        )

    def execute(self, sql: str) -> None:
        """Run one statement outside any transaction."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(sql)

    def copy_of(self, template: str = "tributary") -> str:
        """Make a database out of another and return its address."""
        name = f"chaos_{next(_NAMES)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return urlunsplit(urlsplit(self.database_url)._replace(path=f"/{name}"))

    @property
    def postmaster(self) -> int:
        """Return the pid of the server that runs now."""
        place = Path(json.loads((self.home / "secrets.json").read_text())["servers"])
        return int((place / "data" / "postmaster.pid").read_text().split()[0])

    def restart_postgres(self) -> None:
        """Make PostgreSQL drop everything at once, as `pg_ctl restart -m immediate` does, and wait for the next one."""
        died = self.postmaster
        os.kill(died, signal.SIGQUIT)
        wait_for(lambda: not is_running(died), "PostgreSQL ends")
        wait_for(self.answers, "PostgreSQL comes back")

    def answers(self) -> bool:
        """Tell whether PostgreSQL takes a connection."""
        with suppress(psycopg.OperationalError), psycopg.connect(self.database_url, connect_timeout=2):
            return True
        return False

    def flush_valkey(self) -> None:
        """Empty Valkey: every ring, binding and unacknowledged message is gone."""
        redis.Redis.from_url(self.redis_url).flushall()

    def end(self) -> None:
        """Stop both."""
        self.launcher.terminate()
        self.launcher.wait(PATIENCE)
        if self.launcher.stdout:
            self.launcher.stdout.close()


@contextmanager
def serving() -> Iterator[Servers]:
    """Start servers in a folder that another account can reach, as pytest's own cannot be."""
    folder = Path(tempfile.mkdtemp(prefix="tributary-chaos-"))
    folder.chmod(0o711)
    servers = Servers(folder)
    try:
        servers.prepare()
        yield servers
    finally:
        servers.end()
        shutil.rmtree(folder, ignore_errors=True)


class World:
    """One run: a database, a witness file, a nursery of processes, and what was done to them."""

    def __init__(
        self, servers: Servers, database_url: str, mutant: str = "", outside: dict[str, str] | None = None
    ) -> None:
        self.outside = {"MESSAGING_WITNESS": "1"} if outside is None else outside
        self.servers = servers
        self.database_url = database_url
        self.folder = Path(tempfile.mkdtemp(prefix="world-", dir=servers.folder))
        self.witness = self.folder / "witness.jsonl"
        self.hits = self.folder / "crashes.log"
        self.log = self.folder / "processes.log"
        self.mutant = mutant
        self.kills = self.restarts = self.flushes = 0
        self.children: set[int] = set()
        self.celery: list[subprocess.Popen[bytes]] = []
        self.nursery = self._start("nursery", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._hear() == "ready", self.words()

    def environment(self) -> dict[str, str]:
        """Return what every process of this world finds in its environment."""
        return {
            **os.environ,
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.servers.redis_url,
            "TRIBUTARY_HOME": str(self.servers.home),
            "TRIBUTARY_MUTANT": self.mutant,
            "WITNESS_FILE": str(self.witness),
            "CRASH_LOG": str(self.hits),
            "MESSAGING_CHUNK": str(CHUNK),
            "POOL": "0",
            "LOG_LEVEL": "WARNING",
            **self.outside,
        }

    def _start(self, *arguments: str, **pipes: Any) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.driver", *arguments],
                cwd=PROJECT,
                env=self.environment(),
                stderr=log,
                **{"stdout": log, **pipes},
            )

    def _hear(self) -> str:
        assert self.nursery.stdout
        return self.nursery.stdout.readline().decode().strip()

    def spawn(self, role: str, **args: Any) -> tuple[int, Path]:
        """Begin a role in a process of its own; its pid, and the file its answer will stand in."""
        out = self.folder / f"{role}-{next(_NAMES)}.json"
        assert self.nursery.stdin
        self.nursery.stdin.write(json.dumps({"role": role, "args": args, "out": str(out)}).encode() + b"\n")
        self.nursery.stdin.flush()
        pid = int(self._hear())
        self.children.add(pid)
        return pid, out

    def play(self, role: str, **args: Any) -> Any:
        """Play a role to its end and return its answer; None when it was killed on the way."""
        return self.answer(*self.spawn(role, **args))

    def answer(self, pid: int, out: Path) -> Any:
        """Wait for a role's end and return its answer; None when it was killed on the way."""
        wait_for(lambda: not is_running(pid), f"{out.stem} ends")
        self.children.discard(pid)
        if not out.exists():
            return None
        answer = json.loads(out.read_text())
        assert "error" not in answer, f"{answer['error']}\n{self.words()}"
        return answer.get("value")

    def start_celery(self, command: str, *options: str) -> subprocess.Popen[bytes]:
        """Start a real Celery worker or beat."""
        process = self._start("rings", command, "--loglevel", "WARNING", *options)
        self.celery.append(process)
        return process

    def wait_for_pool(self, worker: subprocess.Popen[bytes]) -> set[int]:
        """Wait until a Celery worker has forked its pool, and return the processes in it."""
        wait_for(lambda: bool(below(worker.pid)) or worker.poll() is not None, "Celery has a pool")
        assert worker.poll() is None, f"Celery ended at once\n{self.words()}"
        return below(worker.pid)

    def select(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask this world's database, from outside the product."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(sql).fetchall()

    def hit(self, point: str) -> int:
        """Count who died at a point."""
        return self.hits.read_text().split().count(point) if self.hits.exists() else 0

    def words(self) -> str:
        """Return the end of what the processes wrote."""
        return self.log.read_text()[-6000:] if self.log.exists() else ""

    def end(self) -> None:
        """Let no process outlive the test."""
        for process in self.celery:
            for pid in {*below(process.pid), process.pid}:
                kill(pid)
            process.wait(PATIENCE)
        for pid in self.children:
            kill(pid)
        for pipe in (self.nursery.stdin, self.nursery.stdout):
            if pipe:
                pipe.close()
        self.nursery.wait(PATIENCE)


@contextmanager
def world(
    servers: Servers, template: str = "tributary", mutant: str = "", outside: dict[str, str] | None = None
) -> Iterator[World]:
    """Give a world of its own, and end it; `outside` is what its processes find there instead of the witness."""
    one = World(servers, servers.copy_of(template), mutant, outside)
    try:
        yield one
    finally:
        one.end()


class Crew:
    """Workers that are killed and come back, some of them armed to die at a named point."""

    def __init__(self, here: World, size: int, points: tuple[str, ...], role: str = "work", arm: bool = False) -> None:
        self.world = here
        self.points = points
        self.size = size
        self.role = role
        self.pids: dict[int, str] = {}
        self.muster(arm)

    def muster(self, arm: bool = False) -> None:
        """Count the dead, and put others in their place."""
        for pid in [pid for pid in self.pids if not is_running(pid)]:
            point = self.pids.pop(pid)
            self.world.children.discard(pid)
            self.world.kills += 1
            assert point, f"a worker died that nobody killed\n{self.world.words()}"
        while len(self.pids) < self.size:
            point = random.choice(self.missing() or self.points) if arm else ""
            pid, _ = self.world.spawn(self.role, crash_at=point)
            self.pids[pid] = point

    def missing(self) -> list[str]:
        """Return the points at which nobody has died yet."""
        return [point for point in self.points if not self.world.hit(point)]

    def rearm(self) -> None:
        """Kill those who could only die where somebody has died already, so that others come who are armed elsewhere."""
        missing = self.missing()
        for pid, point in list(self.pids.items()):
            if missing and point not in missing:
                self._kill(pid)

    def kill_one(self) -> None:
        """Kill any of them, wherever it is."""
        self._kill(random.choice(sorted(self.pids)))

    def _kill(self, pid: int) -> None:
        self.pids[pid] = self.pids[pid] or "at random"
        kill(pid)
        wait_for(lambda: not is_running(pid), "a killed worker ends")


def kill(pid: int) -> None:
    """SIGKILL, to which no process can object."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def is_running(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    fields = stat_fields(pid)
    return bool(fields) and fields[0] not in "ZX"


def is_frozen(pid: int) -> bool:
    """Tell whether a process was stopped by SIGSTOP."""
    fields = stat_fields(pid)
    return bool(fields) and fields[0] == "T"


def below(pid: int) -> set[int]:
    """Return the children of a process."""
    found = {int(entry.name): stat_fields(int(entry.name)) for entry in Path("/proc").glob("[0-9]*")}
    return {child for child, fields in found.items() if fields and int(fields[1]) == pid}


def wait_for(holds: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait until something holds, however slow the machine; fail with its name when it never does."""
    ends = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < ends, f"not within {patience:.0f} s: {what}"
        time.sleep(0.02)
