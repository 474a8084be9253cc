"""Predefined scenarios by API."""

import pytest
from rest_framework.test import APIClient

from segmentation.models import Segment
from segmentation.scenarios import PERSONAS, SCENARIOS
from tests.factories import did, event_name, person

pytestmark = pytest.mark.django_db
DOOR = "/api/v1/segments/scenarios/"


@pytest.fixture
def api(manage_key: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {manage_key}")
    return client


def test_the_scenarios_are_listed_with_their_parameters(api: APIClient) -> None:
    told = {one["slug"]: one for one in api.get(DOOR).json()["results"]}
    assert set(told) == set(SCENARIOS)
    assert told["high-rollers"]["kind"] == "persona"
    assert {"often", "high"} == {one["name"] for one in told["high-rollers"]["parameters"] if one["by_share"]}


def test_a_scenario_is_tried_and_made(api: APIClient) -> None:
    event_name("Order Completed", value_property="revenue")
    rolf = person("Rolf")
    for _ in range(4):
        did(rolf, "Order Completed", revenue=100)
    said = {"parameters": {"often": "top 50%", "high": "300"}}
    tried = api.post(f"{DOOR}high-rollers/preview/", said, format="json").json()
    assert (tried["count"], tried["parameters"]["often"], tried["parameters"]["high"]) == (1, 4, 300)
    made = api.post(f"{DOOR}high-rollers/", {**said, "name": "Best", "slug": "best"}, format="json")
    assert (made.status_code, made.json()["slug"], made.json()["criteria"]) == (201, "best", tried["criteria"])


def test_all_eight_are_tried_and_made_together(api: APIClient) -> None:
    tried = api.post(f"{DOOR}personas/preview/", {}, format="json").json()["results"]
    assert [one["slug"] for one in tried] == [one.slug for one in PERSONAS]
    made = api.post(f"{DOOR}personas/", {}, format="json")
    assert (made.status_code, len(made.json()["results"])) == (201, 8)
    assert api.post(f"{DOOR}personas/", {}, format="json").status_code == 409


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("moon/", {}, 404),
        ("high-rollers/", {"parameters": {"often": "0"}}, 400),
        ("high-rollers/", {"parameters": {"oft": "4"}}, 400),
        ("high-rollers/", {"parameters": {"often": "top 20%"}}, 400),
        ("high-rollers/", {"parameters": []}, 400),
        ("high-rollers/", {"what": 1}, 400),
        ("personas/", {"parameters": {"recent": "\u0000"}}, 400),
    ],
)
def test_nonsense_is_refused_with_a_problem(api: APIClient, path: str, body: object, status: int) -> None:
    answer = api.post(DOOR + path, body, format="json")
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert not Segment.objects.exists()


def test_a_reading_key_tries_and_does_not_make(read_key: str) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {read_key}")
    assert client.post(f"{DOOR}purchases/preview/", {}, format="json").status_code == 200
    assert client.post(f"{DOOR}purchases/", {}, format="json").status_code == 403
