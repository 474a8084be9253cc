"""An Idempotency-Key: done once, answered as often as it is asked, and nothing half stored."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from contacts.models import Contact, List
from tests.house.test_taken import wait_until_somebody_waits_for_a_lock
from workspace import clock
from workspace.models import Answer, Audit, Key
from workspace.tasks import tidy

pytestmark = pytest.mark.django_db
VIP = {"name": "VIP", "slug": "vip"}


@pytest.fixture
def ask(manage_key: str) -> Callable[..., Any]:
    """Give a function that asks as a program: ask("post", "lists/", body, once="a")."""

    def send(method: str, path: str, body: Any = None, once: str = "monday", **headers: Any) -> Any:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {manage_key}", HTTP_IDEMPOTENCY_KEY=once)
        return getattr(client, method)(f"/api/v1/{path}", body, format="json", **headers)

    return send


def test_a_repeated_call_is_answered_alike_and_does_nothing(ask: Callable[..., Any]) -> None:
    first, second = ask("post", "segments/", VIP), ask("post", "segments/", VIP)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert first["ETag"] == second["ETag"]
    assert second["Idempotency-Replayed"] == "true"
    assert Audit.objects.filter(verb="segment.created").count() == 1


def test_a_delete_without_a_body_is_repeated_too(ask: Callable[..., Any]) -> None:
    ask("post", "lists/", VIP, once="made")
    assert [ask("delete", "lists/vip/", once="gone").status_code for _ in "ab"] == [204, 204]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("post", "lists/", {"name": "Other"}), ("post", "segments/", VIP), ("patch", "lists/vip/", {"name": "VIP"})],
)
def test_another_request_under_the_same_key_is_refused(
    ask: Callable[..., Any], method: str, path: str, body: Any
) -> None:
    ask("post", "lists/", VIP)
    answer = ask(method, path, body)
    assert answer.status_code == 409
    assert "Idempotency-Key" in answer.json()["detail"]
    assert answer["Content-Type"] == "application/problem+json"


def test_what_was_refused_may_be_mended_under_the_same_key(ask: Callable[..., Any]) -> None:
    assert ask("post", "lists/", {"name": ""}).status_code == 400
    assert not Answer.objects.exists()
    assert ask("post", "lists/", VIP).status_code == 201


def test_keys_do_not_see_one_anothers_answers(ask: Callable[..., Any], admin_user: Any) -> None:
    ask("post", "lists/", VIP)
    client = Client()
    client.force_login(admin_user, backend="allauth.account.auth_backends.AuthenticationBackend")
    for _ in "twice":
        mine = client.post(
            "/api/v1/lists/", {"name": "Mine"}, "application/json", headers={"Idempotency-Key": "monday"}
        )
        assert mine.json()["name"] == "Mine"
    assert Answer.objects.count() == 2


def test_a_key_that_may_not_write_executes_nothing(ask: Callable[..., Any], read_key: str) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {read_key}", HTTP_IDEMPOTENCY_KEY="monday")
    assert client.post("/api/v1/lists/", VIP, format="json").status_code == 403
    client.credentials(HTTP_AUTHORIZATION="Bearer nobody", HTTP_IDEMPOTENCY_KEY="monday")
    assert client.post("/api/v1/lists/", VIP, format="json").status_code == 401
    assert not List.objects.exists()


@pytest.mark.parametrize("once", ["x" * 151, "a\x00b"])
def test_an_odd_key_is_refused_by_name(ask: Callable[..., Any], once: str) -> None:
    answer = ask("post", "lists/", VIP, once=once)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["path"] == "Idempotency-Key"


def test_an_answer_is_kept_for_a_day(ask: Callable[..., Any]) -> None:
    ask("post", "lists/", VIP)
    with clock.at(clock.now() + timedelta(hours=23)):
        tidy()
        assert ask("post", "lists/", VIP).status_code == 201
    with clock.at(clock.now() + timedelta(hours=25)):
        assert ask("post", "lists/", VIP).status_code == 409  # done again: the slug is taken now
        tidy()
    assert not Answer.objects.exists()


def test_a_secret_is_shown_once_and_never_stored(ask: Callable[..., Any]) -> None:
    body = {"name": "Shop", "scope": "read"}
    first, second = ask("post", "keys/", body).json(), ask("post", "keys/", body).json()
    assert first["secret"]
    assert second == {**first, "secret": None}
    assert first["secret"] not in str(Answer.objects.values_list("response", flat=True))
    assert Key.objects.filter(name="Shop").count() == 1


def test_an_erased_contact_stands_in_no_kept_answer(ask: Callable[..., Any]) -> None:
    made = ask("post", "contacts/", {"userId": "ana", "email": "ana@example.com"}, once="a").json()
    ask("delete", f"contacts/{made['id']}/", once="b")
    assert "ana@example.com" not in str(Answer.objects.values_list("response", flat=True))
    assert ask("delete", f"contacts/{made['id']}/", once="b").json()["contact"] == made["id"]


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_works_and_the_other_waits_for_its_answer(ask: Callable[..., Any]) -> None:
    def send(_: int) -> Any:
        try:
            return ask("post", "contacts/", {"email": "ana@example.com"})
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert {one.status_code for one in answers} == {201}
    assert len({one.content for one in answers}) == 1
    assert Contact.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_who_waits_too_long_is_asked_to_come_again(ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspace.once.PATIENCE", "100ms")
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            key = Key.objects.get(name="Tests").pk
            cursor.execute(
                "INSERT INTO workspace_answer (key_id, idempotency_key, digest) VALUES (%s, 'monday', '')", [key]
            )
            answer = ask("post", "lists/", VIP)
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert (answer.status_code, answer["Retry-After"]) == (409, "1")
    assert ask("post", "lists/", VIP).status_code == 201


POSTING = """
import django; django.setup()
from rest_framework.test import APIClient
client = APIClient()
client.credentials(HTTP_AUTHORIZATION="Bearer {key}", HTTP_IDEMPOTENCY_KEY="monday")
client.post("/api/v1/lists/", {{"name": "VIP", "slug": "vip"}}, format="json")
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["before_answer_is_kept", "after_answer_is_kept"])
def test_killed_between_the_work_and_its_answer_nothing_is_half_stored(
    ask: Callable[..., Any], manage_key: str, point: str
) -> None:
    held = connection.settings_dict
    url = f"postgres://{held['USER']}:{held['PASSWORD']}@{held['HOST']}:{held['PORT']}/{held['NAME']}"
    told = {**os.environ, "DATABASE_URL": url, "CRASH_AT": point, "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run([sys.executable, "-c", POSTING.format(key=manage_key)], env=told, timeout=120, check=False)
    assert done.returncode == -9
    assert not List.objects.exists()
    assert not Answer.objects.exists()
    assert ask("post", "lists/", VIP).status_code == 201
    assert List.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_second_waits_while_the_first_is_at_work(ask: Callable[..., Any]) -> None:
    other = connection.copy()
    key = Key.objects.get(name="Tests").pk

    def send() -> Any:
        try:
            return ask("post", "lists/", VIP)
        finally:
            connection.close()

    try:
        with other.cursor() as cursor, ThreadPoolExecutor(1) as pool:
            cursor.execute("BEGIN")
            cursor.execute(
                "INSERT INTO workspace_answer (key_id, idempotency_key, digest) VALUES (%s, 'monday', '')", [key]
            )
            waiting = pool.submit(send)
            wait_until_somebody_waits_for_a_lock()
            cursor.execute("ROLLBACK")  # the first was killed
            assert waiting.result().status_code == 201
    finally:
        other.close()
