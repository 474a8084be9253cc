"""Waiting for something to happen or to be so: this cart, that plan, and a second way out when time is up."""

from typing import Any

import pytest

from flows import services, waking
from flows.models import Enrollment, Step
from tests.flows.conftest import STARTS, World, property_is, wait
from workspace.audit import HOUSE

THANKS = ("thanks", "send_email", {"subject": "Thanks", "body": "<p>Hi</p>", "transactional": True})
REMIND = ("remind", "send_email", {"subject": "Your cart", "body": "<p>Hi</p>", "transactional": True})
ADDED = ("start", "event", {"event_name": "Product Added", "entry_key": "cartId"})
THIS_CART = {
    "operator": "AND",
    "conditions": [{"propertyName": "cartId", "operator": "=", "value": {"trigger": "cartId"}}],
}
EDGES = "start:next>await await:next>thanks await:timeout>remind"


def awaits(**settings: Any) -> tuple[str, str, dict[str, Any]]:
    return "await", "wait_for", settings


def subjects(world: World, who: str) -> list[str]:
    return [subject for _, subject in world.mails(who)]


def test_mara_buys_this_cart_and_is_thanked_ben_buys_another_and_is_reminded(world: World) -> None:
    bought = awaits(what="event", event_name="Order Completed", where=THIS_CART, timeout="1d")
    world.flow(ADDED, bought, THANKS, REMIND, edges=EDGES)
    for who in ("mara", "ben"):
        world.does(who, "Product Added", cartId=f"cart of {who}")
    world.later("1h")
    world.does("mara", "Order Completed", cartId="cart of mara")
    world.does("ben", "Order Completed", cartId="another")
    assert (subjects(world, "mara"), subjects(world, "ben")) == (["Thanks"], [])
    world.later("22h")
    assert subjects(world, "ben") == []
    world.later("1h")
    assert subjects(world, "ben") == ["Your cart"]
    assert Step.objects.get(node="await", contact__user_id="mara").saw == {"came": "while waiting"}


def test_rule_24_what_is_already_so_on_arrival_passes_at_once(world: World) -> None:
    pro = awaits(what="criteria", criteria=property_is("customProperties.plan", "pro"), timeout="3d")
    world.flow(STARTS, pro, THANKS, REMIND, edges=EDGES)
    world.meets("mara", plan="pro")
    world.does("mara", "Signed Up")
    assert subjects(world, "mara") == ["Thanks"]
    assert Step.objects.get(node="await").saw == {"came": "already"}


def test_an_attribute_that_changes_ends_the_wait_of_those_for_whom_it_holds(world: World) -> None:
    pro = awaits(what="criteria", criteria=property_is("customProperties.plan", "pro"), timeout="3d")
    world.flow(STARTS, pro, THANKS, REMIND, edges=EDGES)
    world.meets("mara", "ben", plan="free")
    for who in ("mara", "ben"):
        world.does(who, "Signed Up")
    world.later("1h")
    world.meets("mara", plan="pro")
    world.meets("ben", plan="team")
    world.settle()
    assert (subjects(world, "mara"), subjects(world, "ben")) == (["Thanks"], [])
    assert Enrollment.objects.get(contact__user_id="ben").wake_on == "facts"
    world.later("3d")
    assert subjects(world, "ben") == ["Your cart"]


def test_rule_5_looking_again_does_not_lengthen_the_wait(world: World) -> None:
    pro = awaits(what="criteria", criteria=property_is("customProperties.plan", "pro"), timeout="2h")
    world.flow(STARTS, pro, THANKS, REMIND, edges=EDGES)
    world.meets("mara", plan="free")
    world.does("mara", "Signed Up")
    for plan in ("a", "b", "c"):
        world.later("30m")
        world.meets("mara", plan=plan)
        world.settle()
    world.later("29m")
    assert subjects(world, "mara") == []
    world.later("1m")
    assert subjects(world, "mara") == ["Your cart"]


def test_what_happened_between_entering_and_coming_here_counts_or_not_as_the_author_says(world: World) -> None:
    for since, expected in (("entry", ["Thanks"]), ("here", [])):
        start = ("start", "event", {"event_name": f"Began {since}"})
        visited = awaits(what="event", event_name="Visited", since=since, timeout="7d")
        world.flow(start, wait("1d"), visited, THANKS, REMIND, edges=f"start:next>wait wait:next>await {EDGES[17:]}")
        world.does(since, f"Began {since}")
        world.later("1h")
        world.does(since, "Visited")
        world.later("1d")
        assert subjects(world, since) == expected
    world.later("1m")
    world.does("here", "Visited")
    assert subjects(world, "here") == ["Thanks"]


def test_time_alone_ends_the_wait_for_a_window(world: World) -> None:
    quiet = {"type": "EVENT", "eventName": "Visited", "aggregate": {"function": "count", "operator": "=", "value": 0},
             "window": {"last": "2h"}}  # fmt: skip
    world.flow(STARTS, awaits(what="criteria", criteria=quiet, timeout="30d"), THANKS, REMIND, edges=EDGES)
    world.does("mara", "Visited")
    world.does("mara", "Signed Up")
    world.later("119m")
    waking.pass_time()
    world.settle()
    assert subjects(world, "mara") == []
    world.later("1m")
    waking.pass_time()
    world.settle()
    assert subjects(world, "mara") == ["Thanks"]


def test_a_lost_wake_costs_a_quarter_of_an_hour(world: World) -> None:
    pro = awaits(what="criteria", criteria=property_is("customProperties.plan", "pro"), timeout="3d")
    world.flow(STARTS, pro, THANKS, REMIND, edges=EDGES)
    world.meets("mara", plan="free")
    world.does("mara", "Signed Up")
    mara = world.contact("mara")
    mara.attributes = {"plan": "pro"}
    mara.save()  # a fact of which nobody tells
    world.later("14m")
    assert subjects(world, "mara") == []
    world.later("1m")
    assert subjects(world, "mara") == ["Thanks"]


def test_without_a_timeout_the_wait_has_one_way_out_and_no_end(world: World) -> None:
    pro = awaits(what="criteria", criteria=property_is("customProperties.plan", "pro"), timeout="")
    world.flow(STARTS, pro, THANKS)
    world.does("mara", "Signed Up")
    world.later("1y")
    assert world.journeys("mara") == [("active", "await", "")]
    world.meets("mara", plan="pro")
    world.settle()
    assert subjects(world, "mara") == ["Thanks"]


def test_a_reminder_that_goes_round_until_the_cart_is_bought(world: World) -> None:
    bought = awaits(what="event", event_name="Order Completed", where=THIS_CART, timeout="1d")
    world.flow(ADDED, bought, THANKS, REMIND, edges=f"{EDGES} remind:next>await")
    world.does("mara", "Product Added", cartId="a")
    for _ in range(3):
        world.later("1d")
    world.does("mara", "Order Completed", cartId="a")
    assert subjects(world, "mara") == ["Your cart"] * 3 + ["Thanks"]


@pytest.mark.parametrize(("mode", "left"), [("hold_clock", "1h"), ("hold_due", "0h")])
def test_f28_a_pause_during_the_wait(world: World, mode: str, left: str) -> None:
    bought = awaits(what="event", event_name="Order Completed", timeout="2h")
    flow = world.flow(STARTS, bought, THANKS, REMIND, edges=EDGES)
    world.does("mara", "Signed Up")
    world.later("1h")
    services.pause(flow, actor=HOUSE, mode=mode)
    world.later("5h")
    assert subjects(world, "mara") == []
    services.resume(flow, actor=HOUSE)
    world.settle()
    if left == "1h":
        world.later("59m")
        assert subjects(world, "mara") == []
        world.later("1m")
    assert subjects(world, "mara") == ["Your cart"]


def test_f28_what_happens_in_a_pause_ends_the_wait_when_the_pause_ends(world: World) -> None:
    flow = world.flow(
        STARTS, awaits(what="event", event_name="Order Completed", timeout="2d"), THANKS, REMIND, edges=EDGES
    )
    world.does("mara", "Signed Up")
    services.pause(flow, actor=HOUSE)
    world.later("1h")
    world.does("mara", "Order Completed")
    assert subjects(world, "mara") == []
    services.resume(flow, actor=HOUSE)
    world.settle()
    assert subjects(world, "mara") == ["Thanks"]
