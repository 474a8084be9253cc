"""Mara browses without a name, then says who she is: what her browser went through is her past, what it just did is hers."""

from typing import Any

from contacts.ingest import take
from tests.flows.conftest import SHOP, STARTS, WELCOME, World, wait


def browsed(world: World, event: str, **properties: Any) -> None:
    """Somebody whom nobody knows yet does something; the engine has not looked."""
    item = {"type": "track", "anonymousId": "browser", "event": event, "properties": properties}
    assert take([{**item, "timestamp": world.at.isoformat()}], source=SHOP, received_at=world.at) == [None]


def turns_out_to_be(world: World, who: str) -> None:
    """They say who they are."""
    item = {"type": "identify", "anonymousId": "browser", "userId": who, "traits": {"email": f"{who}@example.com"}}
    assert take([item], source=SHOP, received_at=world.at) == [None]


def test_r22_a_journey_that_the_browser_finished_counts_for_reentry_of_whom_it_turned_out_to_be(world: World) -> None:
    world.flow(STARTS, WELCOME)
    world.meets("mara")
    browsed(world, "Signed Up")
    world.settle()
    turns_out_to_be(world, "mara")
    world.settle()
    world.does("mara", "Signed Up")
    assert world.journeys("mara") == []
    assert world.refusals("mara")[-1] == "no_reentry"


def test_r19_the_gap_counts_from_the_later_of_both_pasts(world: World) -> None:
    world.flow(STARTS, WELCOME, reentry={"allowed": True, "after": "2d"})
    world.meets("mara")
    browsed(world, "Signed Up")
    world.settle()
    world.later("1d")
    turns_out_to_be(world, "mara")
    world.does("mara", "Signed Up")
    assert world.refusals("mara")[-1] == "gap"
    world.later("23h")
    assert world.journeys("mara") == []
    world.later("2h")
    assert [status for status, _, _ in world.journeys("mara")] == ["completed"]


def test_i32_entries_of_both_count_towards_the_loop_guard(world: World) -> None:
    world.flow(("start", "event", {"event_name": "Ordered", "entry_key": "orderId"}), WELCOME)
    world.meets("mara")
    for number in range(15):
        browsed(world, "Ordered", orderId=f"b{number}")
    world.settle()
    turns_out_to_be(world, "mara")
    world.settle()
    for number in range(10):
        world.did("mara", "Ordered", orderId=f"m{number}")
    world.settle()
    assert len(world.journeys("mara")) == 5
    assert world.refusals("mara").count("loop") == 5


def test_r43_who_orders_and_says_who_they_are_before_the_engine_looks_enters_by_that_order(world: World) -> None:
    world.flow(("start", "event", {"event_name": "Ordered", "entry_key": "orderId"}), wait("1h"), WELCOME)
    world.meets("mara")
    world.settle()
    browsed(world, "Ordered", orderId="1")
    turns_out_to_be(world, "mara")
    world.settle()
    assert [(status, node) for status, node, _ in world.journeys("mara")] == [("active", "wait")]


def test_f27_a_journey_under_way_goes_on_as_the_winners_and_nothing_is_said_twice(world: World) -> None:
    world.flow(STARTS, WELCOME, wait("1h"), ("again", "send_email", {**WELCOME[2], "subject": "Again"}))
    world.meets("mara")
    browsed(world, "Signed Up")
    world.settle()
    turns_out_to_be(world, "mara")
    world.settle()
    assert [(status, node) for status, node, _ in world.journeys("mara")] == [("active", "wait")]
    world.later("1h")
    assert [subject for _, subject in world.mails("mara")] == ["Again"]
