"""The short way to the doors of ingest: the same answers as the long one, and the long one for everybody else."""

import json
import socket
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from pytest import MonkeyPatch

from config import shortcut
from contacts import doors
from contacts.doors import CALL_LIMIT
from contacts.models import Event
from tests.roads import ShortClient, by_the_shortcut
from workspace.audit import HOUSE
from workspace.keys import make_key

pytestmark = pytest.mark.django_db
CALL = json.dumps({"userId": "ann", "event": "Order Completed"}).encode()


def post(client: Client, path: str = "/v1/track") -> Any:
    """Post one event with a good key."""
    _, secret = make_key(name="shop", scope="ingest", actor=HOUSE)
    return client.post(path, CALL, content_type="application/json", headers={"authorization": f"Bearer {secret}"})


@pytest.mark.parametrize("path", ["/v1/track", "/v1/track/", "/api/v1/track", "/api/v1/track/"])
def test_every_address_of_a_door_takes_an_event(path: str) -> None:
    answer = post(ShortClient(), path)
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert Event.objects.count() == 1


def test_both_ways_answer_alike(client: Client) -> None:
    for body in (CALL, b"{", b"[]", b'{"userId": "ann"}', b"x" * (CALL_LIMIT + 1)):
        answers = [
            one.post("/v1/track", body, content_type="text/plain", headers={"origin": "https://shop.example"})
            for one in (client, ShortClient())
        ]
        long, short = [(a.status_code, a.content, a["Content-Type"], a["X-Content-Type-Options"]) for a in answers]
        assert long == short
        assert answers[0]["Access-Control-Allow-Origin"] == answers[1]["Access-Control-Allow-Origin"]


def test_a_body_may_come_in_parts_and_of_one_that_is_too_large_no_more_is_kept() -> None:
    assert by_the_shortcut(scope(), CALL[:9], CALL[9:]).status_code == 401  # read to its end, and a key is missing
    assert by_the_shortcut(scope(), b"x" * CALL_LIMIT, b"y", *[b"z" * 1000] * 100).status_code == 413


def test_a_call_without_tls_is_sent_to_https_where_that_is_asked_for(settings: Any) -> None:
    assert shortcut.door_of(scope()) == "track"
    settings.SECURE_SSL_REDIRECT = True
    assert shortcut.door_of(scope()) is None
    assert shortcut.door_of(scope(scheme="https")) == "track"
    assert shortcut.door_of(scope(headers=[(b"x-forwarded-proto", b"https")])) == "track"


def test_what_is_no_door_goes_the_long_way() -> None:
    assert shortcut.door_of(scope(path="/v1/contacts")) is None


def test_a_database_that_is_away_is_503_and_nothing_else(monkeypatch: MonkeyPatch) -> None:
    def away(*_: Any) -> Any:
        raise OperationalError("away")

    monkeypatch.setattr(doors, "answer", away)
    answer = post(ShortClient())
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_a_connection_that_the_server_closed_is_heard_before_it_is_used() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        assert not shortcut._is_heard(ours.fileno())
        theirs.close()
        assert shortcut._is_heard(ours.fileno())


def scope(**rest: Any) -> Any:
    """A request as uvicorn tells of it."""
    return {"type": "http", "method": "POST", "path": "/v1/track", "scheme": "http", "headers": [], **rest}
