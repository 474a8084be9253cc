"""The product's own processes: how each of them is run."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from signal import SIGQUIT, SIGTERM
from typing import Any
from urllib.parse import urlsplit

from config.launcher.home import PROJECT, Home
from config.launcher.processes import Program

QUEUES = "ingest,evaluation,flows,sending,celery"
SLOW_QUEUES = "syncing"  # calls to other programs, which may take their time


@dataclass(frozen=True)
class Product:
    """Everything that Django's processes share."""

    home: Home
    host: str
    port: int
    database_url: str
    redis_url: str
    mail_port: int | None  # of our own catcher; None when EMAIL_URL names a real server

    @property
    def base(self) -> str:
        """Which base this is: "" for our own, else where it stands, without its password."""
        named = os.environ.get("DATABASE_URL")
        parts = urlsplit(named or "")
        return f"{parts.hostname}:{parts.port or 5432}{parts.path}" if named else ""

    def known(self) -> dict[str, Any]:
        """What is remembered about this base: each has its own people and keys."""
        known = self.home.known()
        found: dict[str, Any] = known.get("elsewhere", {}).get(self.base, {}) if self.base else known
        return found

    def remember(self, **facts: Any) -> None:
        """Remember facts about this base."""
        if not self.base:
            self.home.remember(**facts)
            return
        elsewhere = self.home.known().get("elsewhere", {})
        self.home.remember(elsewhere={**elsewhere, self.base: {**elsewhere.get(self.base, {}), **facts}})

    @property
    def url(self) -> str:
        """Where a person finds it."""
        return os.environ.get("SITE_URL", f"http://localhost:{self.port}").rstrip("/")

    def environment(self) -> dict[str, str]:
        """What all of them find in their environment."""
        ours = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "SECRET_KEY": os.environ.get("SECRET_KEY") or self.home.secret("secret_key"),
            "TRIBUTARY_HOME": str(self.home.path),
            "PORT": str(self.port),
            "SITE_URL": self.url,
            "PYTHONUNBUFFERED": "1",
        }
        if self.mail_port:
            ours |= {"EMAIL_URL": f"smtp://127.0.0.1:{self.mail_port}", "MAILBOX": "1"}
        return {**os.environ, **ours}

    def _program(self, name: str, arguments: Sequence[str], **changed: str) -> Program:
        return Program(
            name=name,
            command=[sys.executable, *arguments],
            env={**self.environment(), "APPLICATION_NAME": f"tributary-{name}", **changed},
            log=self.home.log(name),
            folder=str(PROJECT),
        )

    def command(self, *arguments: str, **changed: str) -> Program:
        """A management command, with what its environment has of its own."""
        return self._program(arguments[0], ["manage.py", *arguments], **changed)

    def look(self) -> Program:
        """A look at the base: whether it is as the last start left it."""
        return self._program("base", ["-m", "config.launcher.base"])

    def web(self) -> Program:
        """HTTP and websockets."""
        options = ["--host", self.host, "--port", str(self.port), "--proxy-headers", "--lifespan", "off"]
        options += ["--no-access-log", "--timeout-graceful-shutdown", "3"]
        return self._program("web", ["-m", "uvicorn", "config.asgi:application", *options], POOL="1")

    def worker(self) -> Program:
        """Does the work that the doorbell announces; tasks under way are finished, or taken back at the next start."""
        options = ["-Q", QUEUES, "--concurrency", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        program = self._program("worker", ["-m", "celery", "-A", "config", "worker", *options], POOL="0")
        return Program(**{**vars(program), "signals": (SIGTERM, SIGQUIT), "orphaned": (SIGQUIT,), "grace": 15.0})

    def syncer(self) -> Program:
        """Tells destinations, in a process of its own: threads that wait for others take no place of the worker's."""
        options = ["-Q", SLOW_QUEUES, "--pool", "threads", "--concurrency", "2", "--loglevel", "INFO"]
        options += ["--without-gossip", "--without-mingle", "--hostname", "syncer@%h"]
        program = self._program("syncer", ["-m", "celery", "-A", "config", "worker", *options], POOL="0")
        return Program(**{**vars(program), "signals": (SIGTERM, SIGQUIT), "orphaned": (SIGQUIT,), "grace": 15.0})

    def beat(self) -> Program:
        """Rings the doorbell."""
        options = ["--loglevel", "INFO", "--pidfile", ""]
        return self._program("beat", ["-m", "celery", "-A", "config", "beat", *options], POOL="0")

    def catcher(self) -> Program:
        """Takes the mail in, for /mailbox/."""
        return self._program("mailcatcher", ["manage.py", "mailcatcher", "--port", str(self.mail_port)], POOL="0")
