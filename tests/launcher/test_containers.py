"""Dockerfile and compose.yaml, read closely: every command, path, setting and health check in them is real."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import connection
from packaging.markers import default_environment
from packaging.requirements import Requirement

from config import well
from tests.launcher.accepting import accept
from workspace.models import Tick

PROJECT = Path(__file__).resolve().parents[2]
OURS = ("bootstrap", "web", "worker", "syncer", "beat")
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


def instructions() -> list[tuple[str, str]]:
    """Every instruction of the Dockerfile, in its order."""
    text = re.sub(r"\\\n\s*", " ", (PROJECT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def said(word: str) -> list[str]:
    """What follows one word of the Dockerfile, each time."""
    return [rest for name, rest in instructions() if name == word]


def environment() -> dict[str, str]:
    """What the image sets."""
    return dict(pair.split("=", 1) for rest in said("ENV") for pair in rest.split())


@pytest.mark.parametrize("name", OURS)
def test_every_process_is_started_by_a_command_that_its_program_takes(name: str) -> None:
    accept(SERVICES[name].get("command") or json.loads(said("CMD")[0]))


@pytest.mark.parametrize("name", ["web", "worker", "syncer", "beat"])
def test_every_process_has_a_health_check_that_its_program_takes(name: str) -> None:
    kind, *command = SERVICES[name]["healthcheck"]["test"]
    assert kind == "CMD"
    accept(command)
    assert command[-1] == name


def test_whoever_is_waited_for_exists_and_can_become_what_is_waited_for() -> None:
    for service in SERVICES.values():
        for name, how in service.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or "healthcheck" in SERVICES[name]
            assert how["condition"] != "service_completed_successfully" or SERVICES[name]["restart"] == "no"


def test_every_setting_of_compose_is_one_that_the_product_reads() -> None:
    settings = (PROJECT / "config" / "settings.py").read_text()
    names = {name for one in OURS for name in SERVICES[one]["environment"]}
    assert {name for name in names if f'"{name}"' not in settings} == set()
    assert SERVICES["web"]["environment"]["POOL"] == "1"
    assert {SERVICES[name]["environment"]["POOL"] for name in OURS if name != "web"} == {"0"}


def test_the_servers_named_in_settings_are_services_of_compose() -> None:
    shared = SERVICES["worker"]["environment"]
    for name, service in (("DATABASE_URL", "postgres"), ("REDIS_URL", "redis"), ("EMAIL_URL", "mail")):
        assert re.search(rf"[@/]{service}:\d+", shared[name])


def test_every_volume_is_declared_and_stands_where_the_account_of_the_image_may_write() -> None:
    home = environment()["TRIBUTARY_HOME"]
    for name, service in SERVICES.items():
        for mount in service.get("volumes", []):
            volume, place = mount.split(":")[:2]
            assert volume in COMPOSE["volumes"]
            assert name == "postgres" or place == f"{home}/exports"
    assert any(f"--owner tributary --mode 0700 {home}/exports" in rest for rest in said("RUN"))


def test_whoever_writes_hands_over_or_erases_files_has_the_folder_of_exports() -> None:
    home = environment()["TRIBUTARY_HOME"]
    mounts = {name for name in OURS if f"exports:{home}/exports" in map(str, SERVICES[name].get("volumes", []))}
    assert mounts == {"web", "worker", "syncer"}


def test_every_line_of_the_lock_is_pinned_with_hashes_for_the_python_of_the_image() -> None:
    number = re.match(r"python:(\d+\.\d+)", said("FROM")[0])
    assert number is not None
    where = {**default_environment(), "python_version": number[1], "python_full_version": f"{number[1]}.0"}
    blocks = re.split(r"\n(?=\S)", (PROJECT / "requirements.lock").read_text())
    pins = [one for one in blocks if one.strip() and not one.startswith("#")]
    asked = [Requirement(re.split(r"\s*\\\n", one)[0]) for one in pins]
    assert all(re.fullmatch(r"==[^*,]+", str(one.specifier)) for one in asked)
    assert all("--hash=sha256:" in one for one in pins)
    wanted = {one.name.lower() for one in asked if one.marker is None or one.marker.evaluate(where)}
    named = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"].get("dependencies", [])
    assert {Requirement(one).name.lower() for one in named} <= wanted
    assert {"django", "celery", "uvicorn", "psycopg"} <= wanted


def test_the_image_runs_as_the_account_it_made_and_makes_all_before() -> None:
    words = [name for name, _ in instructions()]
    assert said("USER") == ["tributary"]
    assert re.search(r"useradd .*\btributary\b", said("RUN")[0])
    assert words.index("USER") > max(place for place, word in enumerate(words) if word in ("RUN", "COPY"))


def test_the_image_copies_what_is_there_and_leaves_out_nothing_that_runs() -> None:
    sources = [rest.split()[0] for rest in said("COPY")]
    assert all((PROJECT / source).exists() for source in sources)
    left_out = {line.strip("/") for line in (PROJECT / ".dockerignore").read_text().split()}
    needed = {"workspace", "contacts", "segmentation", "messaging", "flows", "config", "static", "templates"}
    assert not left_out & (needed | {"manage.py", "requirements.lock"})
    assert {".env", "var", ".git", ".venv"} <= left_out  # what is secret or large


def test_the_port_of_the_image_is_the_one_that_is_published_and_asked() -> None:
    command = json.loads(said("CMD")[0])
    port = command[command.index("--port") + 1]
    assert said("EXPOSE") == [port]
    assert SERVICES["web"]["ports"][0].endswith(f":{port}")
    assert command[command.index("--host") + 1] == "0.0.0.0"


def test_the_python_of_the_image_is_one_that_the_product_supports() -> None:
    least = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["requires-python"]
    number = re.match(r"python:(\d+)\.(\d+)", said("FROM")[0])
    assert number is not None
    assert tuple(map(int, number.groups())) >= tuple(map(int, least.removeprefix(">=").split(".")))


def url() -> str:
    """Where the tests' base is."""
    about = connection.settings_dict
    place = f"{about['USER']}:{about['PASSWORD']}@{about['HOST']}:{about['PORT'] or 5432}"
    return f"postgres://{place}/{about['NAME']}"


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_well_as_long_as_work_was_looked_for_of_late() -> None:
    assert well.working("worker", url()) == "worker has never worked on this base"
    Tick.objects.create(job="attend", slot=1)
    assert well.working("worker", url()) == ""
    assert well.working("syncer", url()) == "syncer has never worked on this base"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE workspace_tick SET at = at - interval '1 hour'")
    assert re.fullmatch(r"worker last worked 3[56]\d\d s ago", well.working("worker", url()))
    assert "cannot be asked" in well.working("beat", "postgres://nobody:x@127.0.0.1:9/none")


def test_a_web_process_is_asked_as_a_proxy_would_ask_it(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_URL", live_server.url)
    assert well.web(live_server.url) == ""
    monkeypatch.setenv("SITE_URL", "https://elsewhere.example.com")
    assert "400" in well.web(live_server.url)
    assert "refused" in well.web("http://127.0.0.1:9")
    assert well.main(["nobody"]).startswith("Say one of: web, worker")
