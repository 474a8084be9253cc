"""The short way to the doors of ingest: the same answers as the long one, and the long one for everybody else."""

import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory
from pytest import MonkeyPatch

from config import shortcut
from contacts.models import Event
from workspace.audit import HOUSE
from workspace.keys import make_key

pytestmark = pytest.mark.django_db
CALL = json.dumps({"userId": "ann", "event": "Order Completed"}).encode()


def post(client: Client, path: str = "/v1/track", **rest: Any) -> Any:
    """Post one event with a good key."""
    _, secret = make_key(name="shop", scope="ingest", actor=HOUSE)
    headers = {"authorization": f"Bearer {secret}"}
    return client.post(path, CALL, content_type="application/json", headers=headers, **rest)


@pytest.mark.parametrize("path", ["/v1/track", "/v1/track/", "/api/v1/track", "/api/v1/track/"])
def test_every_address_of_a_door_takes_an_event(client: Client, path: str) -> None:
    answer = post(client, path)
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert Event.objects.count() == 1


def test_a_call_without_tls_is_sent_to_https_where_that_is_asked_for(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert post(client, secure=True).status_code == 200
    assert shortcut._door(_request("http")) is None
    assert shortcut._door(_request("https")) == "track"


def test_a_database_that_is_away_is_503_and_nothing_else(client: Client, monkeypatch: MonkeyPatch) -> None:
    def away(*_: Any) -> Any:
        raise OperationalError("away")

    monkeypatch.setattr(shortcut, "ingest", away)
    answer = post(client)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def _request(scheme: str) -> Any:
    return RequestFactory().post("/v1/track", secure=scheme == "https")
