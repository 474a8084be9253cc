"""The bell may ring too often, too rarely or not at all (F4, F5, F8), and Celery is set so that only time is lost."""

import ast
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from config.celery import app
from tests.chaos.conftest import Open
from tests.chaos.harness import PROJECT, Servers, wait_for
from workspace import clock, ticks
from workspace.models import Tick

PRODUCT = ("workspace", "contacts", "segmentation", "messaging", "flows", "config")
PEOPLE = 4
DONE = "SELECT count(*) FROM flows_enrollment WHERE status = 'completed'"


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_work_goes_on_by_itself_while_the_broker_is_frozen(open_shop: Open, servers: Servers) -> None:
    shop = open_shop()
    worker = shop.start_celery("worker", "-Q", "flows,sending,evaluation,celery", "-c", "1", "--without-mingle")
    shop.wait_for_pool(worker)
    os.kill(servers.valkey_pid, signal.SIGSTOP)
    try:
        shop.play("morning", people=PEOPLE)
        wait_for(lambda: shop.select(DONE) == [(PEOPLE * 2,)], "the heart walks everybody to the end")
    finally:
        os.kill(servers.valkey_pid, signal.SIGCONT)
    verdict = shop.play("judge", people=PEOPLE)["checks"]
    assert {name: those for name, those in verdict.items() if those} == {}


@pytest.mark.django_db(transaction=True)
def test_of_three_beats_one_gets_the_slot() -> None:
    def claim(_beat: int) -> bool:
        with clock.at(noon):
            try:
                return ticks.claim("attend", 1)
            finally:
                connection.close()

    noon = timezone.now()
    with ThreadPoolExecutor(3) as beats:
        assert sorted(beats.map(claim, range(3))) == [False, False, True]
    assert Tick.objects.filter(job="attend").count() == 1


@pytest.mark.django_db
def test_the_next_slot_is_free_again() -> None:
    noon = timezone.now().replace(microsecond=0)
    for later in (0, 1, 2):
        with clock.at(noon + timedelta(seconds=later)):
            assert ticks.claim("attend", 1)
            assert not ticks.claim("attend", 1)


@pytest.mark.django_db
def test_readyz_raises_the_alarm_when_nobody_ticks_for_two_minutes(client: Client) -> None:
    assert not client.get("/readyz").json()["worker"], "nobody has ticked yet"
    ticks.claim("attend", 1)
    assert client.get("/readyz").json()["worker"]
    Tick.objects.update(at=timezone.now() - timedelta(minutes=2, seconds=1))
    answer = client.get("/readyz")
    assert answer.status_code == 200, "the database is well, so this process serves"
    assert not answer.json()["worker"]
    assert answer.json()["last_tick"]


def test_celery_may_lose_or_double_a_message_and_nothing_else() -> None:
    wanted: dict[str, Any] = {
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_ignore_result": True,
        "worker_prefetch_multiplier": 1,
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        "enable_utc": True,
        "timezone": "UTC",
        "result_backend": None,
        "task_always_eager": False,
    }
    assert {name: app.conf[name] for name in wanted} == wanted
    assert app.conf.broker_transport_options["visibility_timeout"] == settings.VISIBILITY_TIMEOUT
    assert app.conf.task_soft_time_limit < app.conf.task_time_limit < settings.VISIBILITY_TIMEOUT / 2


def test_beat_rings_at_intervals_without_expiry() -> None:
    for name, entry in app.conf.beat_schedule.items():
        assert entry["schedule"].run_every >= timedelta(seconds=1), name  # an interval: no DST, no wall clock
        assert "expires" not in entry.get("options", {}), f"{name}: the worker's wall clock would judge it"
    asked = {entry["task"] for entry in app.conf.beat_schedule.values()}
    app.loader.import_default_modules()
    assert asked <= set(app.tasks)


def test_no_wait_is_left_to_the_broker() -> None:
    assert [f"{path}:{line}" for path, line in _calls_with({"eta", "countdown", "expires"})] == []


def _calls_with(names: set[str]) -> Iterator[tuple[Path, int]]:
    """Find calls of the product that hand one of these to a method of Celery."""
    for path in (path for part in PRODUCT for path in (PROJECT / part).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                asks = node.func.attr in ("apply_async", "send_task", "retry", "signature", "s")
                if asks and names & {word.arg for word in node.keywords}:
                    yield path, node.lineno
