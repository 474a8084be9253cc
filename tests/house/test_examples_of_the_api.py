"""Every call that writes segments, contacts, lists, reviews or destinations shows a body that works."""

import json
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from config.openapi import EXAMPLES
from contacts.ingest import Source, take
from segmentation.evaluation import recompute_waiting
from workspace import clock

pytestmark = pytest.mark.django_db
SHOWN = ("segments", "contacts", "lists", "reviews", "destinations", "attributes", "events", "imports")


def test_every_call_that_takes_a_body_shows_one() -> None:
    document: Any = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    bare = []
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            if path.split("/")[3] in SHOWN and (body := call.get("requestBody")):
                bare += [f"{method} {path}" for one in body["content"].values() if "example" not in one]
    assert bare == []
    paths = {
        f"{method.upper()} {path.removeprefix('/api/v1/')}"
        for path, calls in document["paths"].items()
        for method in calls
    }
    assert set(EXAMPLES) <= paths


PLACES = {
    "contacts/{ref}/": "contacts/user:17/",
    "contacts/{ref}/consents/": "contacts/user:17/consents/",
    "attributes/{name}/": "attributes/plan/",
    "events/names/{name}/": "events/names/Order Completed/",
    "lists/{ref}/": "lists/beta-testers/",
    "lists/{ref}/members/": "lists/beta-testers/members/",
    "segments/{ref}/diff/": "segments/enterprise/diff/",
    "segments/{ref}/": "segments/enterprise/",
}
ORDER = [
    "POST contacts/", "PUT contacts/{ref}/", "PATCH contacts/{ref}/", "POST contacts/{ref}/consents/", "POST attributes/",
    "PATCH attributes/{name}/", "PATCH events/names/{name}/", "POST lists/", "PATCH lists/{ref}/",
    "POST lists/{ref}/members/", "POST segments/", "POST segments/preview/", "POST segments/{ref}/diff/",
    "PATCH segments/{ref}/", "POST reviews/",
]  # fmt: skip


def test_the_examples_are_taken_as_they_stand(manage_key: str) -> None:
    order = {
        "type": "track", "userId": "17", "event": "Order Completed", "messageId": "m1", "properties": {"revenue": 5},
    }  # fmt: skip
    ben = {"type": "identify", "userId": "18", "messageId": "m2", "traits": {"email": "ben@example.com", "plan": "pro"}}
    take([ben], source=Source("tests"), received_at=clock.now())
    client = Client(headers={"Authorization": f"Bearer {manage_key}"})
    for named in ORDER:
        method, _, path = named.partition(" ")
        answer = client.generic(
            method, f"/api/v1/{PLACES.get(path, path)}", json.dumps(EXAMPLES[named]), content_type="application/json"
        )
        assert answer.status_code < 300, (named, answer.content)
        if named == "POST contacts/":
            take([order], source=Source("tests"), received_at=clock.now())
        recompute_waiting()
