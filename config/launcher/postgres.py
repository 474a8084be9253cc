"""A private PostgreSQL out of the wheel's binaries: loopback, SCRAM, a random password, never root, ended with us.

The wheel's own `get_server()` is not used: it opens parent folders up to `/`, trusts every local account and leaves
servers behind.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from config.launcher.accounts import Account, unprivileged
from config.launcher.errors import StartError
from config.launcher.guardian import born, is_alive
from config.launcher.home import Home, tail
from config.launcher.processes import Program
from config.launcher.programs import find_programs

FAR_HOME = Path("/var/lib/tributary")  # for root whose data folder no other account can reach
ORPHAN_PATIENCE = 10.0
THROWAWAY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum_naptime=10s")


@dataclass(frozen=True)
class Place:
    """Where the server's files lie and who runs it."""

    folder: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """The cluster."""
        return self.folder / "data"


def find_place(home: Home) -> Place:
    """`postgres/` in the data folder; as root, elsewhere when the other account cannot reach that."""
    remembered = home.known().get("servers")
    near = home.path / "postgres"
    folder = Path(remembered) if remembered else near
    account = unprivileged(folder / "data")
    if not remembered:
        if account and not account.can_execute(home.path):
            folder = FAR_HOME / hashlib.sha256(str(home.path).encode()).hexdigest()[:12]
        home.remember(servers=str(folder))
    folder.mkdir(mode=0o711 if account else 0o700, parents=True, exist_ok=True)
    if account:  # makedirs obeys the umask: the account must be able to pass through
        for path in (folder, folder.parent) if FAR_HOME in folder.parents else (folder,):
            path.chmod(0o711)
    return Place(folder, account)


class Postgres:
    """The private server of one data folder."""

    def __init__(self, home: Home, *, throwaway: bool = False) -> None:
        self.home = home
        self.throwaway = throwaway
        self.place = find_place(home)
        self.programs = find_programs(self.place.folder, self.place.data, self.place.account)
        self.log = home.log("postgres")

    def url(self) -> str:
        """What DATABASE_URL is to be."""
        return f"postgres://tributary:{self.home.secret('database_password')}@127.0.0.1:{self.port}/tributary"

    def is_new(self) -> bool:
        """Whether there is no cluster yet."""
        return not (self.place.data / "PG_VERSION").exists()

    def prepare(self) -> None:
        """Make the cluster if there is none, and choose the port."""
        if self.is_new():
            self._make_cluster()
        elif not self.home.known().get("database_password"):
            raise StartError(
                f"{self.home.secrets_file} has lost the password of the data in {self.place.data}; restore it."
            )
        self.end_orphan()
        self.port = self.home.port("database_port")

    def program(self) -> Program:
        """How the server runs."""
        settings = [f"--{line}" for line in self._settings()]
        return Program(
            name="postgres",
            command=[str(self.programs / "postgres"), "-D", str(self.place.data), *settings],
            env=self._environment(),
            log=self.log,
            account=self.place.account,
            signals=(signal.SIGINT, signal.SIGQUIT),  # fast, then immediate
            orphaned=(signal.SIGINT, signal.SIGQUIT),
            grace=20.0,
            before=self.end_orphan,
        )

    def _settings(self) -> list[str]:
        return [
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            "unix_socket_directories=",
            "max_connections=200",
            f"shared_buffers={_shared_megabytes()}MB",
            "max_wal_size=2GB",
            "random_page_cost=1.1",
            "jit=off",
            "timezone=UTC",
            "log_timezone=UTC",
            "log_line_prefix=%m [%p] ",
            "log_min_error_statement=panic",  # statements and details hold personal data
            "log_error_verbosity=terse",
            *(THROWAWAY if self.throwaway else ()),
        ]

    def is_ready(self) -> bool:
        """Whether the server accepts connections, as its own pid file says."""
        with suppress(OSError):
            return (self.place.data / "postmaster.pid").read_text().rstrip().endswith("ready")
        return False

    def end_orphan(self) -> None:
        """After a crash: end a server of this very data that still runs, or remove the pid file of one that is gone."""
        pid_file = self.place.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return
        if not self._is_ours(pid):
            with suppress(FileNotFoundError):
                pid_file.unlink()  # the number may belong to somebody else by now, at which PostgreSQL would refuse
            return
        birth = born(pid)
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
            if _has_ended(pid, birth):
                return

    def _is_ours(self, pid: int) -> bool:
        with suppress(OSError):
            return os.readlink(f"/proc/{pid}/cwd") == str(self.place.data)
        if Path("/proc/self").exists():
            return False
        found = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return str(self.place.data) in found.stdout

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

    def _make_cluster(self) -> None:
        """Make it beside its place and move it there when it is whole, so that an interrupted start leaves no half."""
        draft = self.place.folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if self.place.account:
            os.chown(draft, self.place.account.uid, self.place.account.gid)
        self._initdb(draft)
        self._make_roles(draft)
        shutil.rmtree(self.place.data, ignore_errors=True)
        draft.rename(self.place.data)

    def _initdb(self, draft: Path) -> None:
        command = [
            str(self.programs / "initdb"),
            f"--pgdata={draft}",
            "--username=postgres",
            "--auth=reject",  # until ours is written below
            "--encoding=UTF8",
            "--no-locale",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--data-checksums",
            *(["--no-sync"] if self.throwaway else []),
        ]
        self._run(command, "")
        (draft / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")

    def _make_roles(self, draft: Path) -> None:
        """The product's own role is no superuser; single-user mode needs no connection and shows no password."""
        lines = [
            f"ALTER ROLE postgres PASSWORD '{self.home.secret('database_owner_password')}'",
            f"CREATE ROLE tributary LOGIN CREATEDB PASSWORD '{self.home.secret('database_password')}'",
            "CREATE DATABASE tributary OWNER tributary",
            "",
        ]
        self._run([str(self.programs / "postgres"), "--single", "-D", str(draft), "postgres"], "\n".join(lines))

    def _run(self, command: list[str], feed: str) -> None:
        with self.log.open("ab") as log:
            self.log.chmod(0o600)
            done = subprocess.run(
                command,
                input=feed.encode(),
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                cwd="/",
                check=False,
                **(self.place.account.drop() if self.place.account else {}),
            )
        if done.returncode:
            raise StartError(
                f"The database could not be made ({Path(command[0]).name}). The end of {self.log}:\n{tail(self.log)}"
            )


def _has_ended(pid: int, birth: str) -> bool:
    deadline = time.monotonic() + ORPHAN_PATIENCE
    while is_alive(pid, birth):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _shared_megabytes() -> int:
    """An eighth of the machine's memory, between 128 MB and 1 GB."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000
    return max(128, min(1024, total // 8))
