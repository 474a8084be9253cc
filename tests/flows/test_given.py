"""Criteria inside a flow that speak of the enrollment itself: this cart, since entry, since that mail."""

from typing import Any

import pytest

from flows import checking, services
from segmentation.catalogue import load_catalogue
from segmentation.criteria import parse
from tests.flows.conftest import WELCOME, World, wait
from workspace.audit import HOUSE
from workspace.problems import Refused

ADDED = ("start", "event", {"event_name": "Product Added", "entry_key": "cartId"})
DONE = ("mail", "send_email", {"subject": "Thanks", "body": "<p>Hi</p>", "transactional": True})
REMIND = ("remind", "send_email", {"subject": "Your cart", "body": "<p>Hi</p>", "transactional": True})
THIS_CART = {
    "type": "EVENT",
    "eventName": "Order Completed",
    "window": {"since": "entry"},
    "where": {"propertyName": "cartId", "operator": "=", "value": {"trigger": "cartId"}},
}


def test_of_two_carts_only_the_one_that_was_bought_ends(world: World) -> None:
    flow = world.flow(ADDED, wait("1d"), REMIND, exit_when=THIS_CART)
    world.does("mara", "Product Added", cartId="a")
    world.later("1h")
    world.does("mara", "Product Added", cartId="b")
    world.later("1h")
    world.does("mara", "Order Completed", cartId="b")
    assert [(status, node) for status, node, _ in world.journeys("mara")] == [("active", "wait"), ("exited", "wait")]
    world.later("1d")
    assert [subject for _, subject in world.mails("mara")] == ["Your cart"]
    assert flow.status == "running"


def test_what_was_bought_before_entry_does_not_count(world: World) -> None:
    world.does("mara", "Order Completed", cartId="a")
    world.later("1h")
    world.flow(ADDED, wait("1d"), REMIND, exit_when=THIS_CART)
    world.does("mara", "Product Added", cartId="a")
    assert world.journeys("mara")[0][0] == "active"


def test_a_split_asks_what_happened_since_a_step(world: World) -> None:
    opened = {"type": "EVENT", "eventName": "Visited", "window": {"since": "node:first"}}
    first = ("first", "wait", {"duration": "1d"})
    nodes = [ADDED, first, ("second", "wait", {"duration": "1d"}), ("ask", "split", branches(opened)), DONE, REMIND]
    edges = "start:next>first first:next>second second:next>ask ask:yes>mail ask:else>remind"
    world.flow(*nodes, edges=edges)
    for who in ("mara", "ben"):
        world.does(who, "Product Added", cartId=who)
    world.later("1h")
    world.does("ben", "Visited")  # while he still waits at the first step
    world.later("25h")
    world.later("1h")
    world.does("mara", "Visited")
    world.later("1d")
    assert [subject for _, subject in world.mails("mara")] == ["Thanks"]
    assert [subject for _, subject in world.mails("ben")] == ["Your cart"]


def test_a_filter_compares_the_contact_with_what_the_event_carried(world: World) -> None:
    same = {
        "type": "PROPERTY",
        "propertyName": "customProperties.shop",
        "operator": "=",
        "value": {"trigger": "shop.name"},
    }
    start = ("start", "event", {"event_name": "Product Added", "filter": same})
    world.flow(start, WELCOME)
    world.meets("mara", "ben", "cleo", shop="north")
    world.does("mara", "Product Added", shop={"name": "north"})
    world.does("ben", "Product Added", shop={"name": "south"})
    world.does("cleo", "Product Added")
    assert [len(world.journeys(who)) for who in ("mara", "ben", "cleo")] == [1, 0, 0]


@pytest.mark.parametrize(
    ("condition", "path"),
    [
        (THIS_CART, "window.since"),
        (
            {"type": "PROPERTY", "propertyName": "country", "operator": "=", "value": {"trigger": "country"}},
            "value",
        ),
    ],
)
def test_outside_a_flow_nothing_is_known_of_an_enrollment(db: None, condition: dict[str, Any], path: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(condition, load_catalogue())
    assert refused.value.faults[0].path == path


def test_unknown_steps_and_values_without_an_event_are_faults_of_the_flow(world: World) -> None:
    later = {"type": "EVENT", "eventName": "Visited", "window": {"since": "node:nowhere"}}
    edges = "start:next>ask ask:yes>mail"
    flow = world.drawn(ADDED, ("ask", "split", branches(later)), DONE, edges=edges)
    assert [one.field for one in checking.check(flow) if "since" in one.field] == ["branches[0].criteria.window.since"]
    world.segment("vip")
    start = ("start", "contact_segment", {"segment": "vip"})
    flow = world.drawn(start, ("ask", "split", branches(THIS_CART)), DONE, edges=edges)
    with pytest.raises(Refused, match="starts with an event"):
        services.activate(flow, actor=HOUSE)


def branches(criteria: dict[str, Any]) -> dict[str, Any]:
    return {"branches": [{"port": "yes", "criteria": criteria}]}
