"""ETag, If-Match and If-None-Match on everything that two people may change at once."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from contacts.models import Activity, Contact
from workspace import clock

pytestmark = pytest.mark.django_db

THINGS = {
    "segments": ("segments/", {"name": "VIP", "slug": "vip"}, "segments/vip/", {"name": "Very important"}),
    "drafts": ("flows/", {"name": "VIP", "slug": "vip"}, "flows/vip/", {"draft": {"nodes": [], "edges": []}}),
    "templates": ("templates/", {"name": "VIP", "slug": "vip"}, "templates/vip/", {"subject": "Hello"}),
    "contacts": ("contacts/", {"userId": "vip"}, "contacts/user:vip/", {"city": "Rome"}),
}


@pytest.fixture
def program(manage_key: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {manage_key}")
    return client


@pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS)
def test_who_read_an_older_state_changes_nothing(program: APIClient, thing: Any) -> None:
    many, made, one, change = thing
    first = program.post(f"/api/v1/{many}", made, format="json")
    old = first["ETag"]
    read = program.get(f"/api/v1/{one}")
    assert read["ETag"] == old
    changed = program.patch(f"/api/v1/{one}", change, format="json", headers={"If-Match": old})
    assert changed.status_code == 200, changed.content
    assert changed["ETag"] != old
    late = program.patch(f"/api/v1/{one}", change, format="json", headers={"If-Match": old})
    assert (late.status_code, late["Content-Type"]) == (412, "application/problem+json")
    assert "changed since you read it" in late.json()["detail"]
    assert program.delete(f"/api/v1/{one}", headers={"If-Match": old}).status_code == 412
    either = f'"other", W/{changed["ETag"]}'
    assert program.patch(f"/api/v1/{one}", change, format="json", headers={"If-Match": either}).status_code == 200
    assert program.delete(f"/api/v1/{one}", headers={"If-Match": "*"}).status_code in (200, 204)


@pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS)
def test_what_the_caller_has_already_is_not_sent_again(program: APIClient, thing: Any) -> None:
    many, made, one, change = thing
    program.post(f"/api/v1/{many}", made, format="json")
    old = program.get(f"/api/v1/{one}")["ETag"]
    again = program.get(f"/api/v1/{one}", headers={"If-None-Match": old})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", old)
    program.patch(f"/api/v1/{one}", change, format="json")
    assert program.get(f"/api/v1/{one}", headers={"If-None-Match": old}).status_code == 200


def test_a_contact_who_is_seen_again_may_still_be_changed_by_who_read_it(
    program: APIClient, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    old = program.post("/api/v1/contacts/", {"userId": "ana"}, format="json")["ETag"]
    Activity.objects.create(contact=Contact.objects.get(), last_seen_at=clock.now())
    url = "/api/v1/contacts/user:ana/"
    assert program.get(url, headers={"If-None-Match": old}).status_code == 200
    assert program.patch(url, {"city": "Rome"}, format="json", headers={"If-Match": old}).status_code == 200
    assert program.put(url, {"city": "Pisa"}, format="json", headers={"If-Match": old}).status_code == 412


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_an_address_without_its_last_slash_is_the_same_address(program: APIClient, method: str) -> None:
    body = None if method == "get" else {"name": "VIP"}
    answer = getattr(program, method)("/api/v1/lists", body, format="json")
    assert answer.status_code == {"get": 200, "post": 201}.get(method, 405)
