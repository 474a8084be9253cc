"""Whether it is well, how far it has come, and the keys of programs."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from rest_framework.test import APIClient

from contacts.changes import set_reads
from contacts.models import Change
from tests.factories import did, person
from workspace import clock
from workspace.audit import HOUSE
from workspace.keys import find_key, make_key, revoke_key
from workspace.models import Audit, Key, Tick

DEAD_PORT = 9
Program = Callable[[str], APIClient]
ASK = """
import django; django.setup()
from django.test import Client
ready, alive, page = (Client().get(path) for path in ("/readyz", "/healthz", "/account/login/"))
key = Client().get("/api/v1/progress/", headers={"authorization": "Bearer man_x"})
print(ready.status_code, ready.json()["database"], alive.status_code, key.status_code, key["Retry-After"])
"""


def test_healthz_says_that_the_process_answers(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")
    assert client.post("/healthz").status_code == 405


def test_readyz_misses_the_worker_until_somebody_ticked(client: Client, db: None) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"database": True, "worker": False, "last_tick": None, "broker": True}
    Tick.objects.create(job="attend", slot=1)
    assert client.get("/readyz").json()["worker"] is True
    assert client.get("/readyz").json()["last_tick"]


def test_readyz_misses_a_worker_that_ticked_too_long_ago(client: Client, db: None) -> None:
    Tick.objects.create(job="attend", slot=1, at=clock.now() - timedelta(minutes=3))
    assert client.get("/readyz").json()["worker"] is False


def test_readyz_serves_on_without_a_broker(client: Client, db: None, settings: Any) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{DEAD_PORT}/0"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["broker"]) == (200, False)


def test_doors_answer_503_and_not_500_while_the_database_is_away() -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": f"postgres://tributary:dev@127.0.0.1:{DEAD_PORT}/gone",
        "LOG_LEVEL": "CRITICAL",
    }
    asked = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASK],
        env=environment,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert asked.stdout.split() == ["503", "False", "200", "503", "5"], asked.stdout + asked.stderr


def test_metrics_say_how_old_the_oldest_waiting_fact_is(client: Client, db: None) -> None:
    set_reads("tests", 1, ["event:Order Completed"])
    did(person("Anna"), "Order Completed")
    Change.objects.update(at=clock.now() - timedelta(hours=1))
    text = client.get("/metrics").content.decode()
    found = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(found["tributary_change_age_seconds"]) >= 3600
    assert float(found["tributary_worker_up"]) == 0
    assert {"tributary_enrollment_overdue_seconds", "tributary_message_overdue_seconds"} <= set(found)


def test_progress_stands_before_the_oldest_fact_that_waits(
    db: None, program: Program, read_key: str, manage_key: str
) -> None:
    set_reads("tests", 1, ["event:Order Completed"])
    did(person("Anna"), "Order Completed")
    waiting = Change.objects.get()
    answer = program(read_key).get("/api/v1/progress/").json()
    assert answer["segments"] == waiting.pk - 1
    Change.objects.update(stage=2)
    answer = program(read_key).get("/api/v1/progress/").json()
    assert (answer["segments"], answer["flows"]) == (answer["cursor"], waiting.pk - 1)


def test_a_keys_secret_is_shown_once(program: Program, manage_key: str) -> None:
    chief = program(manage_key)
    made = chief.post("/api/v1/keys/", {"name": "Shop", "scope": "ingest"}, format="json")
    assert made.status_code == 201
    secret = made.json()["secret"]
    assert find_key(secret) is not None
    listed = chief.get("/api/v1/keys/")
    assert secret not in listed.content.decode()
    assert "digest" not in listed.json()["results"][0]
    assert not Key.objects.filter(digest=secret).exists()


def test_a_key_and_its_successor_work_side_by_side_for_a_day(program: Program, manage_key: str) -> None:
    old, secret = make_key(name="Shop", scope="read", actor=HOUSE)
    answer = program(manage_key).post(f"/api/v1/keys/{old.pk}/rotate/")
    assert answer.status_code == 201
    successor = answer.json()["secret"]
    for one in (secret, successor):
        assert program(one).get("/api/v1/progress/").status_code == 200
    with clock.at(clock.now() + timedelta(hours=25)):
        assert program(secret).get("/api/v1/progress/").status_code == 401
        assert program(successor).get("/api/v1/progress/").status_code == 200


def test_rotating_never_makes_a_dying_key_live_longer(program: Program, manage_key: str) -> None:
    soon = clock.now() + timedelta(hours=1)
    old, _ = make_key(name="Guest", scope="read", actor=HOUSE, expires_at=soon)
    assert program(manage_key).post(f"/api/v1/keys/{old.pk}/rotate/").status_code == 201
    old.refresh_from_db()
    assert old.expires_at == soon


def test_a_key_lives_from_making_to_revoking_over_the_wire(program: Program, manage_key: str) -> None:
    chief = program(manage_key)
    made = chief.post("/api/v1/keys/", {"name": "Shop", "scope": "read"}, format="json").json()
    url = f"/api/v1/keys/{made['id']}/"
    assert (made["id"][:4], made["status"], made["last_used_at"]) == ("key_", "live", None)
    assert program(made["secret"]).get("/api/v1/segments/").status_code == 200
    assert chief.get(url).json()["last_used_at"] is not None
    after = chief.post(f"{url}rotate/", {"overlap_hours": 2}, format="json").json()
    old = chief.get(url).json()
    assert (old["status"], old["rotated_to"]) == ("rotated", after["id"])
    assert chief.post(f"{url}rotate/").status_code == 409
    with clock.at(clock.now() + timedelta(hours=3)):
        assert chief.get(url).json()["status"] == "expired"
        assert program(made["secret"]).get("/api/v1/segments/").status_code == 401
    assert chief.post(f"/api/v1/keys/{after['id']}/revoke/").json()["status"] == "revoked"
    assert program(after["secret"]).get("/api/v1/segments/").status_code == 401
    assert chief.delete(url).status_code == 204
    assert [one["status"] for one in chief.get("/api/v1/keys/?limit=2").json()["results"]] == ["revoked", "revoked"]


@pytest.mark.parametrize("body", [{"overlap_hours": -1}, {"overlap_hours": "x"}, {"overlap_hours": 721}, {"days": 1}])
def test_an_overlap_that_cannot_be_is_refused_by_name(program: Program, manage_key: str, body: Any) -> None:
    key, _ = make_key(name="Shop", scope="read", actor=HOUSE)
    answer = program(manage_key).post(f"/api/v1/keys/{key.pk}/rotate/", body, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["path"] == next(iter(body))


def test_a_revoked_key_is_refused_and_cannot_be_rotated(program: Program, manage_key: str) -> None:
    key, secret = make_key(name="Lost", scope="read", actor=HOUSE)
    revoke_key(key, actor=HOUSE)
    answer = program(secret).get("/api/v1/progress/")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert program(manage_key).post(f"/api/v1/keys/{key.pk}/rotate/").status_code == 409


@pytest.mark.parametrize("scope", ["read", "manage"])
def test_only_ingest_keys_may_stand_in_a_web_page(program: Program, manage_key: str, scope: str) -> None:
    answer = program(manage_key).post("/api/v1/keys/", {"name": "Web", "scope": scope, "public": True}, format="json")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert "public" in answer.content.decode()
    assert not Key.objects.filter(name="Web").exists()


@pytest.mark.parametrize(
    ("body", "named"),
    [({}, "name"), ({"name": "X", "scope": "root"}, "scope"), ({"name": "X", "scope": "read", "colour": 1}, "colour")],
)
def test_a_wrong_key_is_refused_by_the_property_that_is_wrong(
    program: Program, manage_key: str, body: dict[str, Any], named: str
) -> None:
    answer = program(manage_key).post("/api/v1/keys/", body, format="json")
    assert answer.status_code == 400
    assert named in answer.content.decode()


@pytest.mark.parametrize("body", [b"[]", b"7", b"null", b'"x"', b"", b"{", b'{"name": NaN}', b'{"name": "a\\u0000b"}'])
def test_no_body_makes_the_door_of_keys_fall_over(program: Program, manage_key: str, body: bytes) -> None:
    answer = program(manage_key).generic("POST", "/api/v1/keys/", body, content_type="application/json")
    assert 400 <= answer.status_code < 500


def test_a_reading_key_sees_neither_keys_nor_the_record(program: Program, read_key: str) -> None:
    assert program(read_key).get("/api/v1/keys/").status_code == 403
    assert program(read_key).get("/api/v1/audit/").status_code == 403
    assert program(read_key).post("/api/v1/keys/", {"name": "X", "scope": "manage"}, format="json").status_code == 403


def test_a_viewer_reads_the_record_and_sees_no_key(vic: Client) -> None:
    assert vic.get("/api/v1/keys/").status_code == 403
    assert vic.get("/api/v1/audit/").status_code == 200


def test_the_record_says_who_made_which_key(program: Program, manage_key: str) -> None:
    made = program(manage_key).post("/api/v1/keys/", {"name": "Shop", "scope": "ingest"}, format="json").json()
    line = program(manage_key).get("/api/v1/audit/").json()["results"][0]
    assert (line["verb"], line["subject"]) == ("key.created", made["id"])
    assert line["key"] == Key.objects.get(name="Tests").ref
    assert made["secret"] not in str(list(Audit.objects.values()))
