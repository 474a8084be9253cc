"""The files and scripts around the launcher."""

import json
import os
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.launcher import environment, product, start
from config.launcher.errors import StartError
from config.launcher.home import free_port, open_home

PROJECT = Path(__file__).resolve().parents[2]
SCRIPTS = ["start", "test", "check"]


@pytest.fixture
def composed() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())
    return content


def test_compose_runs_web_worker_and_beat_out_of_one_image(composed: dict[str, Any]) -> None:
    services = composed["services"]
    assert {"postgres", "redis", "mail", "bootstrap", "web", "worker", "syncer", "beat"} == set(services)
    assert {services[name]["image"] for name in ("bootstrap", "web", "worker", "syncer", "beat")} == {"tributary"}
    assert int(services["postgres"]["image"].split(":")[1]) >= 16
    assert int(services["redis"]["image"].split(":")[1]) >= 7


def test_compose_and_the_launcher_read_the_same_queues(composed: dict[str, Any]) -> None:
    assert f"--queues={product.QUEUES}" in composed["services"]["worker"]["command"]
    assert f"--queues={product.SLOW_QUEUES}" in composed["services"]["syncer"]["command"]


def test_compose_waits_for_the_base_and_publishes_to_this_machine_only(composed: dict[str, Any]) -> None:
    for name in ("web", "worker", "syncer", "beat"):
        waits = composed["services"][name]["depends_on"]
        assert waits["bootstrap"]["condition"] == "service_completed_successfully"
    ports = [port for service in composed["services"].values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_secret_has_a_default_in_compose(composed: dict[str, Any]) -> None:
    text = (PROJECT / "compose.yaml").read_text()
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD"):
        assert re.findall(rf"\$\{{{name}([^}}]*)", text)
        assert all(rest.startswith(":?") for rest in re.findall(rf"\$\{{{name}([^}}]*)", text))


def test_the_image_installs_by_hash_and_does_not_run_as_root() -> None:
    text = (PROJECT / "Dockerfile").read_text()
    assert "--require-hashes" in text
    assert re.search(r"^USER tributary$", text, re.MULTILINE)


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_old_python_is_refused_with_its_version_and_the_mend(script: str, tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)
    for tool in ("dirname",):
        (tmp_path / tool).symlink_to(f"/usr/bin/{tool}")
    done = subprocess.run(
        ["/bin/sh", str(PROJECT / "bin" / script)],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Tributary needs Python 3.11 or newer; python3 is: Python 3.9.2" in done.stderr
    assert f"bin/{script}" in done.stderr


def test_a_taken_port_is_named_together_with_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(StartError, match=rf"Port {taken} is taken by another program.*PORT=\d+ bin/start"):
            start.refuse_taken_port("127.0.0.1", taken)
    start.refuse_taken_port("127.0.0.1", free_port())


def test_a_home_that_cannot_be_made_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match=r"cannot be written .* set TRIBUTARY_HOME"):
        open_home(str(tmp_path / "file" / "home"))


def test_the_launcher_imports_neither_django_nor_anything_that_must_be_installed() -> None:
    code = (
        "import sys, types; sys.path.insert(0, '.'); package = types.ModuleType('config');"
        "package.__path__ = ['config']; sys.modules['config'] = package;"  # config/__init__ itself needs Celery
        "import config.launcher.__main__"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=PROJECT, check=True)


def test_a_changed_lock_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "PROJECT", tmp_path)
    (tmp_path / environment.RUN).write_text("django==5.2.1\n")
    before = environment.digest(environment.RUN)
    (tmp_path / environment.RUN).write_text("django==5.2.2\n")
    assert environment.digest(environment.RUN) != before


NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "before", "well"),
    [
        ({"worker": True, "last_tick": "2026-05-04T12:00:01+00:00"}, NOON, True),
        ({"worker": True, "last_tick": "2026-05-04T12:00:00+00:00"}, NOON, False),  # ticked by the start before
        ({"worker": True, "last_tick": "2026-05-04T12:00:00+00:00"}, None, True),
        ({"worker": False, "last_tick": None}, None, False),
    ],
)
def test_a_start_waits_until_its_own_worker_has_looked_for_work(
    body: dict[str, Any], before: datetime | None, well: bool
) -> None:
    assert start.tells_of_work(json.dumps(body), before) is well


def test_the_answer_of_bootstrap_is_found_among_other_lines() -> None:
    assert start.read_answer(["Applying 0001", '{"new": true, "admin_email": "ana@example.com"}', "", "done"])["new"]
    with pytest.raises(StartError, match="said nothing"):
        start.read_answer(["Applying 0001"])


def test_a_port_that_is_none_is_refused_in_a_sentence() -> None:
    for port in (0, -1, 65536, 99999):
        with pytest.raises(StartError, match=f"from 1 to 65535, not {port}"):
            start.refuse_taken_port("127.0.0.1", port)


def test_who_goes_to_another_base_and_comes_back_finds_the_people_and_keys_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    home = open_home(str(tmp_path / "var"))
    here = product.Product(home, "127.0.0.1", 8000, "", "", None)
    here.remember(admin_email="ana@example.com", admin_password="first", ingest_key="ing_1")
    monkeypatch.setenv("DATABASE_URL", "postgres://tributary:secret@db.example.com/shop")
    start.announce(here, 0)
    assert "Sign in as one of the people of this base" in capsys.readouterr().out
    assert json.loads(home.started_file.read_text())["admin_email"] is None
    here.remember(admin_email="bo@example.com", admin_password="second", ingest_key="ing_2")
    start.announce(here, 0)
    assert "bo@example.com\n  Password    second" in capsys.readouterr().out
    monkeypatch.delenv("DATABASE_URL")
    start.announce(here, 0)
    assert "ana@example.com\n  Password    first" in capsys.readouterr().out
    assert "secret" not in home.secrets_file.read_text()


def test_a_full_disk_is_said_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = open_home(str(tmp_path / "var"))
    start.refuse_full_disk(home)
    monkeypatch.setattr(start, "LEAST_FREE", 10**12)  # no disk has as much
    with pytest.raises(StartError, match="MB are free on the disk of"):
        start.refuse_full_disk(home)


def test_the_checks_of_the_back_office_see_what_is_registered_though_no_process_registers_it_at_start() -> None:
    code = (
        "import django; django.setup();"
        "from django.contrib import admin; from django.core.checks import run_checks;"
        "before = len(admin.site._registry); run_checks(tags=['admin']); print(before, len(admin.site._registry))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before == 0
    assert after > 50


def test_scripts_can_be_run() -> None:
    assert all(os.access(PROJECT / "bin" / name, os.X_OK) for name in SCRIPTS)
    assert os.access(PROJECT / ".ci" / "run", os.X_OK)
