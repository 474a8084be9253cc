"""What websites may know of somebody, and who may ask."""

from typing import Any

import pytest
from django.test import Client

from tests.flows.conftest import STARTS, WELCOME, World
from workspace.audit import HOUSE
from workspace.keys import make_key

KEYED = ("wait", "wait", {"duration": "1d", "personalisation_key": "welcome-banner"})


def bearer(scope: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {make_key(name=scope, scope=scope, actor=HOUSE)[1]}"}


def ask(user_id: str, headers: dict[str, str] | None = None, **query: str) -> Any:
    return Client().get(f"/v1/state/{user_id}", query, headers=headers or {})


@pytest.fixture
def mara(world: World) -> World:
    world.segment("named", {"type": "PROPERTY", "propertyName": "firstName", "operator": "is_not_null"})
    world.meets("mara")
    world.flow(STARTS, KEYED, WELCOME)
    world.does("mara", "Signed Up")
    return world


def test_a_key_reads_segments_flows_nodes_and_personalisation_keys(mara: World) -> None:
    found = ask("mara", bearer("read")).json()
    assert (found["segments"], found["personalisation_keys"]) == (["named"], ["welcome-banner"])
    assert [(one["flow"], one["node"], one["waiting"]) for one in found["flows"]] == [("flow-0", "wait", True)]


def test_a_journey_that_ended_shows_no_more(mara: World) -> None:
    mara.later("1d")
    found = ask("mara", bearer("read")).json()
    assert (found["flows"], found["personalisation_keys"]) == ([], [])


def test_a_signed_token_opens_one_person_to_a_page_for_its_time(mara: World) -> None:
    made = Client().post("/v1/state/mara/token/", headers=bearer("manage"))
    assert made.status_code == 201
    token = made.json()["token"]
    answer = ask("mara", {"Origin": "https://shop.example"}, token=token)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, "*")
    assert ask("ben", token=token).status_code in (401, 403)
    assert ask("mara", token=token[:-1] + "A").status_code in (401, 403)
    mara.later("2h")
    assert ask("mara", token=token).status_code in (401, 403)


@pytest.mark.parametrize("scope", ["ingest", ""])
def test_nobody_else_may_ask(mara: World, scope: str) -> None:
    assert ask("mara", bearer(scope) if scope else None).status_code in (401, 403)


def test_only_a_key_that_manages_makes_tokens_and_none_is_good_for_ever(mara: World) -> None:
    assert Client().post("/v1/state/mara/token/", headers=bearer("read")).status_code == 403
    for within in ("8d", "soon", "1mo"):
        made = Client().post(f"/v1/state/mara/token/?within={within}", headers=bearer("manage"))
        assert (made.status_code, made.json()["errors"][0]["path"]) == (400, "?within")


def test_somebody_unknown_or_of_a_strange_name_is_not_found(world: World) -> None:
    for name in ("nobody", "%00", "a" * 600, "%F0%9F%92%A9", "..%2f.."):
        assert ask(name, bearer("read")).status_code in (400, 404)


def test_the_state_takes_a_handful_of_questions(mara: World, django_assert_max_num_queries: Any) -> None:
    headers = bearer("read")
    ask("mara", headers)
    with django_assert_max_num_queries(7):
        ask("mara", headers)
