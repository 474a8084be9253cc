"""The API of contacts, attributes, event names and lists."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from contacts.models import Attribute, Contact, Event, Moment
from tests.contacts.conftest import identify, tell, track
from workspace.uses import set_uses

pytestmark = pytest.mark.django_db
Call = Callable[..., HttpResponse]


@pytest.fixture
def call(client: Client, manage_key: str) -> Call:
    """Call the API: call("get", "contacts/") or call("post", "contacts/", {...})."""

    def send(method: str, path: str, body: Any = None) -> HttpResponse:
        raw = b"" if body is None else json.dumps(body)
        send_it = getattr(client, method)
        return send_it(
            f"/api/v1/{path}", raw, content_type="application/json", headers={"authorization": f"Bearer {manage_key}"}
        )

    return send


def test_a_contact_lives_from_post_to_delete(call: Call) -> None:
    made = call("post", "contacts/", {"userId": "ann", "email": "ann@example.com", "customProperties": {"plan": "pro"}})
    assert made.status_code == 201
    assert made.json()["customProperties"] == {"plan": "pro"}
    assert call("post", "contacts/", {"userId": "ann"}).status_code == 409
    assert call("get", "contacts/user:ann/").json()["id"] == made.json()["id"]
    assert call("get", "contacts/email:ann@example.com/").status_code == 200
    assert call("patch", f"contacts/{made.json()['id']}/", {"city": "Rome"}).json()["city"] == "Rome"
    assert call("put", "contacts/user:bo/", {"city": "Oslo"}).status_code == 201
    assert call("put", "contacts/user:bo/", {"city": "Bergen"}).json()["city"] == "Bergen"
    receipt = call("delete", "contacts/user:ann/")
    assert receipt.status_code == 200
    assert receipt.json()["erased"]["contact"] == 1
    assert call("get", "contacts/user:ann/").status_code == 404


def test_unknown_properties_are_refused_with_their_path(call: Call) -> None:
    answer = call("post", "contacts/", {"userId": "ann", "shoeSize": 42})
    assert (answer.status_code, answer["content-type"]) == (400, "application/problem+json")
    assert answer.json()["errors"][0]["path"] == "shoeSize"
    assert call("post", "lists/", {"name": "A", "owner": 1}).json()["errors"][0]["path"] == "owner"


def test_contacts_are_searched_by_how_they_begin(call: Call) -> None:
    tell(identify("u-1", email="ann@example.com", firstName="Ann", lastName="Lee"), identify("u-2", firstName="Bo"))
    for q in ("u-1", "ANN@", "ann", "lee", "Ann L"):
        assert [one["userId"] for one in call("get", f"contacts/?q={q}").json()["results"]] == ["u-1"], q
    assert call("get", "contacts/?q=zed").json()["results"] == []
    assert len(call("get", "contacts/?limit=1").json()["results"]) == 1
    assert call("get", "contacts/?q=%00%27%25").status_code == 200


def test_events_and_consents_of_a_contact(call: Call) -> None:
    tell(track("ann", "Order Completed", revenue=5), track("ann", "Product Viewed"))
    assert [
        one["value"] for one in call("get", "contacts/user:ann/events/?event=Order Completed").json()["results"]
    ] == [5.0]
    said = {"channel": "email", "status": "subscribed", "source": "form"}
    assert call("post", "contacts/user:ann/consents/", said).status_code == 201
    assert call("post", "contacts/user:ann/consents/", {**said, "channel": "fax"}).status_code == 400
    assert call("get", "contacts/user:ann/consents/").json()["results"][0]["status"] == "subscribed"
    assert call("get", "contacts/user:ann/").json()["emailSubscribed"] is True


def test_attributes_are_declared_and_retyped(call: Call) -> None:
    tell(identify("ann", age="42", born="1990-02-03x", since="2026-01-02"))
    assert call("post", "attributes/", {"name": "customProperties.tier", "type": "text"}).status_code == 201
    assert call("post", "attributes/", {"name": "tier", "type": "text"}).status_code == 409
    assert call("patch", "attributes/age/", {"type": "number"}).json()["declared"] is True
    assert Contact.objects.get().attributes["age"] == 42
    assert Moment.objects.count() == 1
    call("patch", "attributes/customProperties.since/", {"type": "text"})
    assert not Moment.objects.exists()
    call("patch", "attributes/since/", {"type": "date"})
    assert Moment.objects.count() == 1
    names = [one["name"] for one in call("get", "attributes/").json()["results"]]
    assert names == [f"customProperties.{one}" for one in ("age", "born", "since", "tier")]
    assert call("delete", "attributes/tier/").status_code == 204
    assert Attribute.objects.filter(name="tier").count() == 0


def test_event_names_are_listed_and_blocked(call: Call) -> None:
    tell(track("ann", "Order Completed", revenue=5))
    assert call("get", "events/names/").json()["results"][0]["properties"] == {"revenue": "number"}
    assert call("patch", "events/names/Order Completed/", {"blocked": True}).json()["blocked"] is True
    tell(track("ann", "Order Completed", revenue=5))
    assert Event.objects.count() == 1


def test_lists_and_their_members(call: Call) -> None:
    tell(identify("ann", email="ann@example.com"), identify("bo"))
    assert call("post", "lists/", {"name": "Staff"}).json()["slug"] == "staff"
    assert call("post", "lists/", {"name": "Staff", "slug": "staff"}).status_code == 409
    assert call("post", "lists/", {"name": "Bad", "slug": "Not A Slug"}).status_code == 400
    assert call("post", "lists/staff/members/", {"contacts": ["user:ann", "user:bo"]}).json() == {"added": 2, "size": 2}
    assert (
        call("post", "lists/staff/members/", {"contacts": ["user:ann", "user:nobody"]}).json()["errors"][0]["path"]
        == "contacts[1]"
    )
    assert call("get", "lists/staff/members/").json()["results"][1]["user_id"] == "ann"
    assert call("post", "lists/staff/members/remove/", {"contacts": ["email:ann@example.com"]}).json() == {
        "removed": 1,
        "size": 1,
    }
    assert [one["userId"] for one in call("get", "contacts/?list=staff").json()["results"]] == ["bo"]
    set_uses("segment:vip", ["list:staff"])
    assert call("delete", "lists/staff/").status_code == 409
    set_uses("segment:vip", [])
    assert call("delete", "lists/staff/").status_code == 204


def test_a_reading_key_does_not_write_and_an_ingest_key_does_not_read(
    client: Client, read_key: str, ingest_key: str
) -> None:
    reading, writing = ({"authorization": f"Bearer {key}"} for key in (read_key, ingest_key))
    assert client.get("/api/v1/contacts/", headers=reading).status_code == 200
    assert client.post("/api/v1/contacts/", "{}", content_type="application/json", headers=reading).status_code == 403
    assert client.get("/api/v1/contacts/", headers=writing).status_code == 403
    assert client.get("/api/v1/contacts/").status_code in (401, 403)


BODIES = [None, [], 7, "x", True, {"name": {"a": 1}}, {"userId": []}, {"contacts": "x"}, {"contacts": [1, None]}, {"contacts": ["\x00", "con_²", "user:\x00"]},
          {"name": "x\x00"}, {"name": "\ud800"}, {"name": "x" * 5000, "slug": "-"}, {"channel": {}, "status": [], "source": 5, "at": 7},
          {"type": "nope", "name": "."}, {"customProperties": {"a": {"b": [1, {"c": None}]}}, "userId": "z"}, {"createdAt": {"x": 1}, "userId": "y"}]  # fmt: skip
PATHS = ["contacts/", "contacts/user:ann/", "contacts/con_1/", "contacts/%00/", "contacts/user:ann/consents/", "contacts/user:ann/events/", "attributes/", "attributes/plan/",
         "events/names/", "events/names/Order Completed/", "lists/", "lists/staff/", "lists/staff/members/", "lists/staff/members/remove/", "lists/99999999999999999999999/"]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_whatever_comes_to_the_api_is_answered_below_500(call: Call, path: str) -> None:
    tell(identify("ann", plan="pro"), track("ann", "Order Completed"))
    call("post", "lists/", {"name": "Staff"})
    for method in ("get", "post", "put", "patch", "delete"):
        for body in [None] if method in ("get", "delete") else BODIES:
            answer = call(method, path, body)
            assert answer.status_code < 500, (method, path, body, answer.content[:300])


def test_a_type_is_tried_changed_and_followed_by_api(call: Call) -> None:
    tell(identify("ann", seats="12"), identify("bo", seats="many"))
    seen = call("get", "attributes/seats/retype/?type=number").json()
    assert (seen["converts"], seen["wrong"], seen["samples"]) == (1, 1, ['"many"'])
    assert call("get", "attributes/seats/retype/?type=shape").status_code == 400
    assert Attribute.objects.get(name="seats").type == "text"
    begun = call("post", "attributes/seats/retype/", {"type": "number"})
    assert (begun.status_code, begun.json()["type"], begun.json()["retyping"]) == (202, "number", None)
    assert call("delete", "attributes/seats/retype/").status_code == 409
    assert call("post", "attributes/seats/retype/", {"type": "shape"}).status_code == 400


def test_duplicates_are_found_and_joined_by_api(call: Call) -> None:
    tell(identify("ann", Plan="pro", tier=1), identify("bo", plan="free"))
    found = call("get", "attributes/?show=duplicates").json()["results"]
    assert [one["name"] for one in found] == ["customProperties.Plan", "customProperties.plan"]
    assert call("get", "attributes/?show=odd").status_code == 400
    assert [one["name"] for one in call("get", "attributes/?q=TIE").json()["results"]] == ["customProperties.tier"]
    assert call("post", "attributes/Plan/join/", {"into": "nothing"}).status_code == 400
    joined = call("post", "attributes/Plan/join/", {"into": "customProperties.plan"})
    assert (joined.status_code, joined.json()["joined_into"]) == (202, "customProperties.plan")
    assert call("post", "attributes/Plan/join/", {"into": "plan"}).status_code == 409
    assert call("get", "attributes/plan/usage/").json() == {
        "contacts": 1,
        "last_said_at": "2026-03-01T12:00:00Z",
        "estimated": False,
        "used_by": [],
    }


def test_an_event_name_tells_what_it_carries_without_giving_away_whose(call: Call) -> None:
    tell(track("ann", "Order Completed", revenue=5, sku="x", to="ann@example.com", phone="+1 415 555 0123"))
    told = call("get", "events/names/Order Completed/usage/").json()
    samples = {one["name"]: one["samples"] for one in told["properties"]}
    assert samples == {"revenue": ["5"], "sku": ["x"], "to": ["•••"], "phone": ["•••"]}
    assert (told["value_property"], told["looked_at"], len(told["days"])) == ("revenue", 1, 30)
    assert call("patch", "events/names/Order Completed/", {"value_property": "sku"}).status_code == 400
    assert [one["name"] for one in call("get", "events/names/?q=order").json()["results"]] == ["Order Completed"]
    assert call("get", "events/names/?show=blocked").json()["results"] == []
