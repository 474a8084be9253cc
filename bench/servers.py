"""The real processes: private PostgreSQL and Valkey, web, worker and beat."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Web:
    """A running web server and the key that opens it."""

    port: int
    pid: int
    key: str


@contextmanager
def services() -> Iterator[dict[str, str]]:
    """Start a PostgreSQL (durable, as installed) and a Valkey that end with the block; yield their addresses as environment variables."""
    with tempfile.TemporaryDirectory(prefix="tributary-bench-") as home:
        command = [sys.executable, "-m", "config.launcher", "services", "--home", home]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            yield {
                "DATABASE_URL": told["database_url"],
                "REDIS_URL": told["redis_url"],
                "TRIBUTARY_HOME": home,
                "VALKEY_PID": str(told["valkey_pid"]),
                "POSTGRES_PID": str(told["postgres_pid"]),
            }
        finally:
            stop(process)


@contextmanager
def web(key: str) -> Iterator[Web]:
    """Start uvicorn as the launcher does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "config.asgi:application",
        "--port",
        str(port),
        "--workers",
        "2",
        "--log-level",
        "warning",
    ]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "POOL": "1"})
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        yield Web(port, process.pid, key)
    finally:
        stop(process)


@contextmanager
def worker() -> Iterator[list[int]]:
    """Start one Celery worker and beat; yield their process ids."""
    environment = {**os.environ, "POOL": "0", "MESSAGING_NULL_PROVIDER": "1"}
    queues = "ingest,evaluation,flows,sending,celery"
    commands = [
        [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "config",
            "worker",
            "-Q",
            queues,
            "--concurrency",
            "2",
            "--loglevel",
            "warning",
        ],
        [sys.executable, "-m", "celery", "-A", "config", "beat", "--loglevel", "warning", "--pidfile", ""],
    ]
    running = [subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) for command in commands]
    try:
        yield [process.pid for process in running]
    finally:
        for process in running:
            stop(process)


def stop(process: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> None:
    """End a process, politely at first."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for(url: str, seconds: float = 60) -> None:
    """Wait until an address answers."""
    until = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).read()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
