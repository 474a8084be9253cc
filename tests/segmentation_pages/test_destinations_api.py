"""Destinations by API, as another program makes, watches and steers them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from segmentation.models import Delivery, Destination
from tests.segmentation.receiving import Receiver, circle, join, listening, work_off
from workspace import clock

pytestmark = pytest.mark.django_db
URL = "/api/v1/destinations/"


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """Another program that listens."""
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    with listening() as server:
        yield server


@pytest.fixture
def api(manage_key: str) -> APIClient:
    """A program that may write."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {manage_key}")
    return client


@pytest.fixture
def reader(read_key: str) -> APIClient:
    """A program that may only read."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {read_key}")
    return client


def made(api: APIClient, receiver: Receiver, **said: Any) -> Any:
    segment = circle()
    body = {"name": "CRM", "segment": segment.slug, "url": receiver.url, **said}
    answer = api.post(URL, body, format="json")
    assert answer.status_code == 201, answer.json()
    return segment, answer.json()


def test_a_destination_is_made_with_a_secret_that_is_shown_once(api: APIClient, receiver: Receiver) -> None:
    segment, said = made(api, receiver)
    assert said["secret"].startswith("whsec_")
    assert (said["slug"], said["segment"], said["status"], said["waiting"]) == ("crm", segment.slug, "running", 0)
    again = api.get(f"{URL}crm/")
    assert "secret" not in again.json()
    receiver.secrets = [said["secret"]]
    join(segment, "Ana")
    work_off()
    assert receiver.names("entered") == ["Ana"]
    assert [one["status"] for one in api.get(f"{URL}crm/deliveries/").json()["results"]] == ["delivered"]


def test_the_same_idempotency_key_makes_one_and_never_shows_the_secret_again(
    api: APIClient, receiver: Receiver
) -> None:
    body = {"name": "CRM", "segment": circle().slug, "url": receiver.url}
    first, second = (api.post(URL, body, format="json", HTTP_IDEMPOTENCY_KEY="once") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert second.json()["secret"] is None
    assert Destination.objects.count() == 1


def test_a_change_needs_what_was_read(api: APIClient, receiver: Receiver) -> None:
    made(api, receiver)
    tag = api.get(f"{URL}crm/")["ETag"]
    assert api.patch(f"{URL}crm/", {"batch_size": 7}, format="json", HTTP_IF_MATCH=tag).json()["batch_size"] == 7
    assert api.patch(f"{URL}crm/", {"batch_size": 8}, format="json", HTTP_IF_MATCH=tag).status_code == 412
    answer = api.patch(f"{URL}crm/", {"kind": "csv"}, format="json")
    assert answer.status_code == 400
    assert "never change" in str(answer.json())


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"url": "http://169.254.169.254/"}, "url"),
        ({"url": ""}, "url"),
        ({"segment": "nobody"}, "segment"),
        ({"batch_size": 5000}, "batch_size"),
        ({"what": "everything"}, "what"),
        ({"schedule": "weekly"}, "weekday"),
        ({"name": " "}, "name"),
        ({"slug": "A b"}, "slug"),
        ({"nonsense": 1}, "nonsense"),
        ({"kind": "csv"}, "url"),
    ],
)
def test_what_cannot_be_is_refused_by_its_path(
    api: APIClient, receiver: Receiver, said: dict[str, Any], path: str
) -> None:
    body = {"name": "CRM", "segment": circle().slug, "url": receiver.url, **said}
    answer = api.post(URL, body, format="json")
    assert answer.status_code == 400
    assert [fault["path"] for fault in answer.json()["errors"]] == [path]
    assert not Destination.objects.exists()


def test_the_buttons_of_the_page_are_calls_too(api: APIClient, receiver: Receiver) -> None:
    segment, _ = made(api, receiver)
    assert api.post(f"{URL}crm/pause/").json()["status"] == "paused"
    join(segment, "Ana")
    assert api.post(f"{URL}crm/test/").status_code == 202
    work_off()
    assert [said["type"] for _, said in receiver.heard] == ["segment.test"]
    assert api.post(f"{URL}crm/resume/").json()["status"] == "running"
    receiver.script = [(500, {})]
    work_off()
    stands = api.get(f"{URL}crm/").json()
    assert (stands["waiting"], stands["next_try_at"] is not None) == (1, True)
    ref = api.get(f"{URL}crm/deliveries/?status=queued").json()["results"][0]["id"]
    assert api.post(f"{URL}crm/retry/", {"deliveries": [ref]}, format="json").json() == {"retried": 1}
    work_off()
    since = (clock.now() - timedelta(hours=1)).isoformat()
    assert api.post(f"{URL}crm/replay/", {"since": since}, format="json").json()["round"] == 2
    assert api.post(f"{URL}crm/state/").status_code == 202
    assert api.post(f"{URL}crm/state/").status_code == 409
    assert api.post(f"{URL}crm/rotate/").json()["secret"].startswith("whsec_")
    assert api.post(f"{URL}crm/cancel/", {}, format="json").json() == {"cancelled": 1}
    assert api.delete(f"{URL}crm/").status_code == 204
    assert api.get(f"{URL}crm/").status_code == 404


def test_a_key_that_only_reads_reads(api: APIClient, reader: APIClient, receiver: Receiver) -> None:
    made(api, receiver)
    assert reader.get(URL).json()["results"][0]["slug"] == "crm"
    assert reader.get(f"{URL}crm/deliveries/").status_code == 200
    assert reader.post(f"{URL}crm/pause/").status_code == 403
    assert reader.post(URL, {}, format="json").status_code == 403


def test_a_csv_is_written_and_fetched(
    api: APIClient, reader: APIClient, settings: Any, tmp_path: Any, receiver: Receiver
) -> None:
    settings.TRIBUTARY_HOME = tmp_path
    segment = circle()
    join(segment, "Ana", "=cmd()")
    answer = api.post(URL, {"name": "Ads", "kind": "csv", "segment": segment.slug}, format="json")
    assert "secret" not in answer.json()
    api.post(f"{URL}ads/state/")
    work_off()
    one = reader.get(f"{URL}ads/deliveries/").json()["results"][0]
    assert (one["status"], one["size"], one["file"]) == ("delivered", 2, True)
    got = reader.get(f"{URL}ads/deliveries/{one['id']}/file/")
    lines = b"".join(got).decode().splitlines()
    assert lines[0].startswith("id,userId,email,phone,firstName")
    assert [line.split(",")[4] for line in lines[1:]] == ["Ana", "'=cmd()"]
    Delivery.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert reader.get(f"{URL}ads/deliveries/{one['id']}/file/").status_code == 404
