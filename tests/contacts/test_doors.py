"""The doors of ingest: keys, limits, answers, and everything that must not come in."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
import segment.analytics
from django.http import HttpResponse
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from contacts import doors
from contacts.models import Contact, Event, Receipt
from tests.roads import ShortClient
from workspace.audit import HOUSE
from workspace.keys import find_key, revoke_key
from workspace.models import Key

pytestmark = pytest.mark.django_db
Post = Callable[..., HttpResponse]
TRACK = {"userId": "ann", "event": "Order Completed", "properties": {"revenue": 3}, "messageId": "m1"}
DOORS = ("identify", "track", "page", "screen", "group", "alias", "batch")


@pytest.fixture(params=[Client, ShortClient], ids=["by Django", "by the shortcut"])
def client(request: pytest.FixtureRequest) -> Client:
    """A client of either way to the doors: every story here goes both."""
    made: Client = request.param()
    return made


def test_one_event_comes_in_and_its_repeat_changes_nothing(post: Post) -> None:
    first, again = post("/v1/track", TRACK), post("/v1/track", TRACK)
    assert (first.status_code, first.json()["success"]) == (200, True)
    assert (again.status_code, again.json()["success"]) == (200, True)
    assert Event.objects.count() == 1


def test_the_doors_also_stand_below_api(post: Post) -> None:
    assert post("/api/v1/track", TRACK).status_code == 200


def test_a_batch_names_its_bad_items_and_keeps_the_good(post: Post) -> None:
    answer = post("/v1/batch", {"batch": [{"type": "track", **TRACK}, {"type": "track", "userId": "ann"}, 7]})
    assert answer.status_code == 200
    body = answer.json()
    assert body["success"] is False
    assert [(one["index"], one["path"]) for one in body["errors"]] == [(1, "event"), (2, "")]
    assert Event.objects.count() == 1


def test_a_batch_without_a_good_item_is_400(post: Post) -> None:
    answer = post("/v1/batch", {"batch": [{"type": "track"}]})
    assert (answer.status_code, answer.json()["success"]) == (400, False)


def test_a_key_may_come_as_bearer_as_basic_or_in_the_body(client: Client, ingest_key: str) -> None:
    basic = "Basic " + __import__("base64").b64encode(f"{ingest_key}:".encode()).decode()
    for headers, extra in (
        ({"authorization": f"Bearer {ingest_key}"}, {}),
        ({"authorization": basic}, {}),
        ({}, {"writeKey": ingest_key}),
    ):
        answer = client.post("/v1/track", json.dumps({**TRACK, **extra}), content_type="text/plain", headers=headers)
        assert answer.status_code == 200, (headers, answer.content)


def test_without_a_key_or_with_a_wrong_one_nothing_comes_in(client: Client) -> None:
    for headers in (
        {},
        {"authorization": "Bearer nope"},
        {"authorization": "Basic !!"},
        {"authorization": "Bearer \ud800".encode("utf-8", "surrogatepass").decode("latin1")},
    ):
        answer = client.post("/v1/track", json.dumps(TRACK), content_type="application/json", headers=headers)
        assert answer.status_code == 401, headers
    assert not Event.objects.exists()


def test_a_revoked_key_is_refused_once_it_is_asked_for_again(post: Post, ingest_key: str) -> None:
    assert post("/v1/track", TRACK).status_code == 200
    key = find_key(ingest_key)
    assert key is not None
    revoke_key(key, actor=HOUSE)
    doors._keys.clear()
    assert post("/v1/track", TRACK).status_code == 401


def test_keys_are_forgotten_within_five_seconds() -> None:
    assert doors.KEY_SECONDS < 5


def test_gzip_is_inflated_and_a_bomb_is_refused(post: Post) -> None:
    assert (
        post("/v1/track", gzip.compress(json.dumps(TRACK).encode()), **{"content-encoding": "gzip"}).status_code == 200
    )
    bomb = gzip.compress(b'{"a":"' + b"x" * 50_000_000 + b'"}')
    assert post("/v1/track", bomb, **{"content-encoding": "gzip"}).status_code == 413
    assert post("/v1/track", b"\x1f\x8bnot gzip", **{"content-encoding": "gzip"}).status_code == 400


def test_limits_of_item_call_and_batch(post: Post) -> None:
    large = {**TRACK, "properties": {"text": "x" * 33_000}}
    assert post("/v1/track", large).status_code == 413
    answer = post("/v1/batch", {"batch": [{"type": "track", **large}, {"type": "track", **TRACK}]})
    assert answer.status_code == 200
    assert [one["index"] for one in answer.json()["errors"]] == [0]
    assert post("/v1/track", {**TRACK, "x": "y" * 600_000}).status_code == 413
    assert post("/v1/batch", {"batch": [{"type": "track"}] * 1001}).status_code == 413


def test_browsers_of_allowed_origins_may_read_the_answer(client: Client, settings: Any, public_key: str) -> None:
    settings.INGEST_CORS_ORIGINS = ["https://shop.example"]
    asked = client.options("/v1/track", headers={"origin": "https://shop.example"})
    assert (asked.status_code, asked["Access-Control-Allow-Origin"]) == (204, "https://shop.example")
    assert "Access-Control-Allow-Origin" not in client.options("/v1/track", headers={"origin": "https://evil.example"})
    beacon = client.post(
        "/v1/track", json.dumps({**TRACK, "writeKey": public_key}), content_type="text/plain;charset=UTF-8"
    )
    assert beacon.status_code == 200


def test_reading_a_door_is_refused(client: Client) -> None:
    assert client.get("/v1/track").status_code == 405


CORPUS = [
    b"", b" ", b"null", b"[]", b"7", b'"x"', b"{}", b"{", b"\xff\xfe", b"\xef\xbb\xbf{}", b"{'a': 1}", b"[" * 900 + b"]" * 900,
    b'{"a":' * 900 + b"1" + b"}" * 900, b'["]",' * 400 + b"1" + b',"["]' * 400, b'{"userId": 1e999}', b'{"userId": NaN}',
    b'{"userId": "a\\u0000b", "event": "E"}', b'{"userId": "\\ud800", "event": "E"}', b'{"userId": "a", "userId": "b", "event": "E"}',
    b'{"userId": "a", "event": "E", "properties": {"\\u0000": 1}}', b'{"userId": "a", "event": "E", "properties": {"a": {"b": 1, "b": 2}}}',
    b'{"userId": "a", "event": "E\\udfff"}', b'{"userId": "a", "event": "E", "properties": {"n": ' + b"9" * 5000 + b"}}",
    b'{"userId": "a", "event": "E", "properties": {"n": -Infinity}}', b'{"userId": "a", "event": "E", "properties": {"n": 1e308}}',
    b'{"userId": "a", "event": "E", "properties": [1]}', b'{"userId": "a", "event": "E", "properties": "x"}',
    b'{"userId": true, "event": "E"}', b'{"userId": {"a": 1}, "event": "E"}', b'{"userId": [], "event": []}',
    b'{"userId": "a", "event": {"x": 1}, "traits": 5}', b'{"userId": "a", "traits": ["x"]}', b'{"userId": "a", "traits": {"email": 5}}',
    b'{"userId": "a", "traits": {"email": "a@localhost"}}', b'{"userId": "a", "traits": {"phone": "12"}}', b'{"userId": "a", "traits": {"email": {"x": 1}}}',
    b'{"userId": "a", "traits": {"timezone": "' + b"a" * 5000 + b'"}}', b'{"userId": "a", "traits": {"createdAt": "0000-00-00"}}',
    b'{"userId": "a", "traits": {"firstName": {"a": 1}, "country": []}}', b'{"userId": "a", "traits": {"address": 3, "name": 4}}',
    b'{"userId": "a", "traits": {"country": "' + b"x" * 9000 + b'"}}', b'{"userId": "' + b"u" * 9000 + b'", "event": "E"}',
    b'{"userId": "a", "event": "' + b"e" * 9000 + b'"}', b'{"userId": "a", "messageId": "' + b"m" * 9000 + b'", "event": "E"}',
    b'{"userId": "a", "messageId": {"a": 1}, "event": "E"}', b'{"userId": "a", "event": "E", "properties": {"' + b"k" * 5000 + b'": 1}}',
    b'{"userId": "a", "event": "E", "timestamp": {"a": 1}}', b'{"userId": "a", "event": "E", "timestamp": "now", "sentAt": 5}',
    b'{"userId": "a", "event": "E", "context": 5}', b'{"userId": "a", "event": "E", "context": {"page": 7, "traits": 8}}',
    b'{"batch": 5}', b'{"batch": []}', b'{"batch": {}}', b'{"batch": [[]], "sentAt": {"a": 1}, "context": 4}', b'{"batch": [null, 1, "x", true, {}]}',
    b'{"batch": [{"type": {"a": 1}, "userId": "a"}]}', b'{"batch": [{"type": "track", "userId": "a", "event": "E", "properties": {"a": NaN}}]}',
    b'{"batch": [{"type": "group", "userId": "a", "groupId": {"x": 1}}]}', b'{"writeKey": {"a": 1}}', b"x" * 10_000_000,
    b'{"userId": "a", "groupId": "g", "previousId": "a", "traits": {"groupId": {"x": [1, {}]}, "n": null}}',
    b'{"userId": "a", "event": "E", "properties": {"": 1, ".": 2, "a.b": {"..": 3}}, "traits": {"": 1, ".": 2, "a.b": {"..": 3}, "__proto__": 1}}',
]  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_whatever_comes_to_a_door_is_answered_below_500(post: Post, door: str) -> None:
    for raw in CORPUS:
        answer = post(f"/v1/{door}", raw)
        assert answer.status_code < 500, (raw[:100], answer.content[:500])
        assert answer.status_code == 200 or b"message" in answer.content or b"detail" in answer.content, raw[:100]
    if door == "batch":
        wrapped = [
            json.dumps({"batch": [{"type": kind, **one}]}).encode()
            for raw in CORPUS
            if isinstance(one := _loose(raw), dict)
            for kind in DOORS[:-1]
        ]
        for raw in wrapped:
            assert post("/v1/batch", raw).status_code < 500, raw[:200]


def _loose(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def test_nothing_of_a_refused_item_is_stored(post: Post) -> None:
    post("/v1/track", b'{"userId": "a", "messageId": "m", "event": "E", "properties": {"a": "\\u0000"}}')
    assert not Contact.objects.exists()
    assert not Receipt.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("zipped", [False, True])
def test_the_unchanged_public_client_works(live_server: LiveServer, ingest_key: str, zipped: bool) -> None:
    trouble: list[Any] = []
    client = segment.analytics.Client(
        ingest_key,
        host=live_server.url,
        gzip=zipped,
        on_error=lambda error, items: trouble.append(error),
        max_retries=0,
    )
    client.identify("ann", {"email": "ann@example.com", "firstName": "Ann", "plan": "pro"})
    for number in range(25):
        client.track("ann", "Order Completed", {"revenue": number})
    client.page("ann", "Docs", "Index", {"url": "https://shop.example/docs"})
    client.group("ann", "acme", {"seats": 3})
    client.alias("cookie-1", "ann")
    client.track(anonymous_id="cookie-1", event="Product Viewed")
    client.flush()
    client.join()
    assert trouble == []
    ann = Contact.objects.get()
    assert (ann.email, ann.attributes["plan"], ann.attributes["group"]["seats"]) == ("ann@example.com", "pro", 3)
    assert Event.objects.filter(contact=ann).count() == 28
    assert Key.objects.get(name="shop").last_used_at is not None
