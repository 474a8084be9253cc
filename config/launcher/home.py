"""The data folder: where it is, what lies in it, and who may read it."""

import fcntl
import json
import os
import secrets
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.launcher.errors import StartError

PROJECT = Path(__file__).resolve().parents[2]
LOG_LIMIT = 20_000_000  # bytes; a larger log is set aside when its process starts
STOPPING_PATIENCE = 30.0  # seconds a new start waits for the processes of one that was killed


@dataclass(frozen=True)
class Home:
    """`$TRIBUTARY_HOME`: secrets.json, started.json, launcher.lock, logs/, postgres/ and whatever the product keeps."""

    path: Path

    @property
    def secrets_file(self) -> Path:
        """Passwords, the secret key and the ports; mode 0600."""
        return self.path / "secrets.json"

    @property
    def started_file(self) -> Path:
        """The address and how to sign in, for scripts; mode 0600."""
        return self.path / "started.json"

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.path / "logs" / f"{name}.log"

    def known(self) -> dict[str, Any]:
        """What secrets.json holds; empty before the first start."""
        try:
            text = self.secrets_file.read_text()
        except FileNotFoundError:
            return {}
        except PermissionError as error:
            raise StartError(f"{self.secrets_file} belongs to another account. {_other_account(self.path)}") from error
        try:
            content: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise StartError(f"{self.secrets_file} is not readable JSON; restore it from a backup.") from error
        return content

    def remember(self, **facts: Any) -> None:
        """Add facts to secrets.json."""
        write_private(self.secrets_file, {**self.known(), **facts})

    def secret(self, name: str) -> str:
        """The secret of this name, made at first need."""
        value = self.known().get(name)
        if not value:
            value = secrets.token_urlsafe(36)
            self.remember(**{name: value})
        return str(value)

    def port(self, name: str) -> int:
        """The port remembered under this name, or another free one when somebody has taken it meanwhile."""
        remembered = self.known().get(name)
        if remembered and is_free("127.0.0.1", int(remembered)):
            return int(remembered)
        chosen = free_port()
        self.remember(**{name: chosen})
        return chosen


def open_home(given: str | None = None) -> Home:
    """The data folder named by the caller or `$TRIBUTARY_HOME`, else `var/` in the project; made when missing."""
    path = Path(given or os.environ.get("TRIBUTARY_HOME") or PROJECT / "var").expanduser().resolve()
    try:
        if not path.exists():
            path.mkdir(parents=True)
            # As root the databases run as another account, which must be able to pass through (never to list).
            path.chmod(0o711 if os.geteuid() == 0 else 0o700)
        (path / "logs").mkdir(mode=0o700, exist_ok=True)
        (path / "logs" / ".writable").touch()
    except OSError as error:
        raise StartError(
            f"The data folder {path} cannot be written ({error.strerror}). {_other_account(path)}"
        ) from error
    return Home(path)


def _other_account(path: Path) -> str:
    return f"Start as the account that owns {path}, or set TRIBUTARY_HOME to a folder of your own."


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Write JSON which only this account can read, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def open_log(path: Path) -> int:
    """A descriptor that appends to this log; a log past the limit is set aside first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def tail(path: Path, lines: int = 12) -> str:
    """The last lines of a log, for a sentence about why its process ended."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 8192))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lock(home: Home) -> int:
    """Hold the data folder for this start; refused while another one runs on it."""
    path = home.path / "launcher.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + STOPPING_PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            holder = path.read_text().strip()
            # The guardian of a killed start keeps the lock until the last of its processes has ended.
            if _is_running(holder) or time.monotonic() > deadline:
                raise StartError(
                    f"Tributary is already running on {home.path} (process {holder or 'unknown'}). "
                    "Stop that one first, or set TRIBUTARY_HOME to another folder."
                ) from None
            time.sleep(0.1)
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def _is_running(pid: str) -> bool:
    if not pid.isdigit():
        return True  # the other start is just writing its number
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
