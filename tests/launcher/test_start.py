"""The whole start, as a person or a script sees it."""

import json
import signal
import stat
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from config.launcher.home import free_port
from tests.launcher.conftest import PATIENCE, Begin, Launch, are_gone, descendants

OURS = ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "SITE_URL", "SECRET_KEY", "PORT")


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine where nobody has set anything."""
    for name in OURS:
        monkeypatch.delenv(name, raising=False)


def start(launch: Begin, home: Path, port: int) -> tuple[Launch, dict[str, Any]]:
    """Start the product on an empty base and wait for started.json, as a script would."""
    (home / "started.json").unlink(missing_ok=True)  # one of an earlier start tells nothing about this one
    started = launch("start", "--no-demo", "--port", str(port), TRIBUTARY_HOME=str(home))
    deadline = time.monotonic() + 2 * PATIENCE
    while True:
        assert started.process.poll() is None, started.process.communicate()
        assert time.monotonic() < deadline
        try:
            return started, json.loads((home / "started.json").read_text())
        except FileNotFoundError:
            time.sleep(0.1)


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.usefixtures("bare_environment")
def test_a_newcomer_starts_kills_and_starts_again(launch: Begin, home: Path) -> None:
    port = free_port()
    first, facts = start(launch, home, port)
    assert facts["url"] == f"http://localhost:{port}"
    assert set(facts) == {"url", "admin_email", "admin_password", "manage_key", "ingest_key"}
    assert all(facts.values())
    assert stat.S_IMODE((home / "started.json").stat().st_mode) == 0o600
    assert {status_of(f"{facts['url']}{path}") for path in ("/readyz", "/account/login/")} == {200}

    everyone = {first.process.pid} | descendants(first.process.pid)
    first.end(signal.SIGKILL)
    assert are_gone(everyone)

    second, again = start(launch, home, port)
    assert again == facts
    assert status_of(f"{facts['url']}/readyz") == 200
    everyone = {second.process.pid} | descendants(second.process.pid)
    assert second.end(signal.SIGTERM) == 0
    assert are_gone(everyone)
    said = second.process.stdout.read() if second.process.stdout else ""
    assert facts["admin_password"] in said
    assert "Tables" not in said  # nothing was new: the base was asked, and not prepared again
