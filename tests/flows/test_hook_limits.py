"""So many calls a minute to one address, and what is said to those beyond."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact
from flows import hooks
from tests.flows.conftest import World
from tests.flows.test_hooks import ORDER, call, started
from workspace import throttling


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """Begin with nothing counted."""
    throttling.forget()
    for key in throttling._redis().scan_iter("tributary:calls:*"):
        throttling._redis().delete(key)
    yield
    throttling.forget()


def orders(number: int) -> dict[str, Any]:
    return {**ORDER, "customer": {"id": f"c{number}", "email": f"c{number}@example.com"}}


def test_the_call_beyond_is_told_when_to_come_again_and_nothing_of_it_is_kept(world: World, settings: Any) -> None:
    settings.HOOK_CALLS_A_MINUTE = 2
    flow = started(world)
    assert [call(flow, orders(n)).status_code for n in range(2)] == [200, 200]
    address = hooks.address_of(flow).partition("/v1/")[2]
    with CaptureQueriesContext(connection) as asked:
        answer = Client().post(f"/v1/{address}", orders(3), content_type="application/json")
    assert (answer.status_code, answer.headers["Content-Type"]) == (429, "application/problem+json")
    assert 1 <= int(answer.headers["Retry-After"]) <= throttling.WINDOW_SECONDS + 1
    assert "takes 2 calls a minute" in answer.json()["detail"]
    assert len(asked) == 0, "the database does not hear of a flood"
    assert not Contact.objects.filter(user_id="c3").exists()


def test_one_flows_flood_is_not_anothers(world: World, settings: Any) -> None:
    settings.HOOK_CALLS_A_MINUTE = 1
    one, two = started(world), started(world)
    assert [call(one, orders(1)).status_code, call(one, orders(2)).status_code] == [200, 429]
    assert call(two, orders(3)).status_code == 200


def test_while_valkey_is_away_each_process_counts_by_itself(world: World, settings: Any) -> None:
    settings.HOOK_CALLS_A_MINUTE = 1
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    throttling.forget()
    flow = started(world)
    assert [call(flow, orders(n)).status_code for n in range(3)] == [200, 429, 429]


def test_with_no_limit_set_any_number_comes_in(world: World, settings: Any) -> None:
    settings.HOOK_CALLS_A_MINUTE = 0
    flow = started(world)
    assert {call(flow, orders(n)).status_code for n in range(3)} == {200}
