"""Criteria inside a flow that speak of the enrollment itself: this cart, since entry, since that mail."""

from dataclasses import replace
from typing import Any

import pytest

from flows import checking, services
from messaging.models import Message
from messaging.settling import note_settled
from segmentation.asking import holding
from segmentation.catalogue import InFlow, load_catalogue
from segmentation.criteria import parse, words
from segmentation.given import Given
from segmentation.rules import save_rule
from tests.flows.conftest import WELCOME, World, wait
from tests.segmentation import oracle
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


CALL = ("call", "webhook", {"url": "https://shop.example/tier", "method": "POST"})
SAME_TIER = {
    "type": "PROPERTY",
    "propertyName": "customProperties.tier",
    "operator": "=",
    "value": {"node": "call.body.tiers.0"},
}


def answered(world: World, who: str, body: Any) -> None:
    """Let the other program answer the call that waits for this contact."""
    message = Message.objects.get(contact__user_id=who, channel="webhook")
    message.status, message.settled_at = "sent", world.at
    message.content = {**message.content, "answer": {"status": 200, "body": body}}
    message.save()
    note_settled([message], world.at)
    world.settle()


def test_a_split_compares_the_contact_with_what_a_webhook_answered(world: World) -> None:
    ask = ("ask", "split", branches(SAME_TIER))
    edges = "start:next>call call:next>ask ask:yes>mail ask:else>remind"
    world.flow(("start", "event", {"event_name": "Visited"}), CALL, ask, DONE, REMIND, edges=edges)
    world.meets("mara", "ben", "cleo", tier="gold")
    for who, body in (("mara", {"tiers": ["gold"]}), ("ben", {"tiers": ["tin"]}), ("cleo", {"tiers": []})):
        world.does(who, "Visited")
        answered(world, who, body)
    said = {who: [subject for status, subject in world.mails(who) if subject] for who in ("mara", "ben", "cleo")}
    assert said == {"mara": ["Thanks"], "ben": ["Your cart"], "cleo": ["Your cart"]}


def test_an_event_is_compared_with_what_a_webhook_answered(world: World) -> None:
    ordered = {
        "type": "EVENT",
        "eventName": "Order Completed",
        "where": {"propertyName": "total", "operator": ">=", "value": {"node": "call.body.limit"}},
    }
    ask = ("ask", "split", branches(ordered))
    edges = "start:next>call call:next>ask ask:yes>mail ask:else>remind"
    world.flow(("start", "event", {"event_name": "Visited"}), CALL, ask, DONE, REMIND, edges=edges)
    for who, limit in (("mara", 50), ("ben", 500)):
        world.did(who, "Order Completed", total=100)
        world.does(who, "Visited")
        answered(world, who, {"limit": limit})
    assert [subject for who in ("mara", "ben") for _, subject in world.mails(who) if subject] == ["Thanks", "Your cart"]


def test_only_webhooks_of_the_flow_answer(world: World) -> None:
    edges = "start:next>ask ask:yes>mail"
    flow = world.drawn(
        ("start", "event", {"event_name": "Visited"}), ("ask", "split", branches(SAME_TIER)), DONE, edges=edges
    )
    faults = [(one.field, one.message) for one in checking.check(flow) if one.node == "ask"]
    assert [field for field, _ in faults] == ["branches[0].criteria.value"]
    assert "Only webhooks of this flow answer" in faults[0][1]
    with pytest.raises(Refused):
        parse(SAME_TIER, load_catalogue())
    within = replace(load_catalogue(), flow=InFlow(frozenset({"call"}), answers=frozenset({"call"})))
    assert words(parse(SAME_TIER, within)).endswith("“body.tiers.0” of the answer at “call”")
    with pytest.raises(Refused, match="takes no value from elsewhere"):
        parse({**SAME_TIER, "operator": "between"}, within)


@pytest.mark.parametrize("tier", ["gold", "Gold", "tin", 5, True, None])
@pytest.mark.parametrize("operator", ["=", "!=", "contains", "starts_with", "in", "not_in"])
def test_what_was_answered_means_in_sql_what_the_oracle_says_of_the_value_itself(
    world: World, tier: Any, operator: str
) -> None:
    """The oracle is asked with the value in place; what is no value, or does not fit, holds for nobody (or its complement for all)."""
    world.meets("mara", tier="gold")
    within = replace(load_catalogue(), flow=InFlow(frozenset({"call"}), answers=frozenset({"call"})))
    asked = {**SAME_TIER, "operator": operator, "value": {"node": "call.body"}}
    rule = save_rule(asked, within)
    mara = world.contact("mara").pk
    value = [tier] if operator.endswith("in") and tier is not None else tier
    found = holding([(rule.pk, mara, Given(answers={"call": {"body": value}}))], world.at)
    person = oracle.Person(mara, attributes={"tier": "gold"})
    fits = value is not None and (isinstance(tier, str) or operator in ("=", "!=", "in", "not_in"))
    known = {**asked, "value": value}
    expected = (
        oracle.matches(person, known, world.at, oracle.World({}, "UTC")) if fits else operator in ("!=", "not_in")
    )
    assert bool(found) is expected
