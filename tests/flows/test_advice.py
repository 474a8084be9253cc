"""What is worth a second look is said before a flow runs, and keeps nothing from running."""

from typing import Any

import pytest

from flows import services
from flows.advice import advise
from flows.checking import surroundings
from tests.flows.conftest import STARTS, World, wait
from workspace.audit import HOUSE

BOUGHT = {"type": "EVENT", "eventName": "Order Completed"}
MAIL = ("mail", "send_email", {"subject": "Hi", "body": "<p>Hi</p>", "topic": "news"})


def split(criteria: Any) -> tuple[str, str, dict[str, Any]]:
    return "split", "split", {"branches": [{"port": "yes", "label": "Yes", "criteria": criteria}]}


def said(world: World, *nodes: Any, edges: str = "", **settings: Any) -> list[tuple[str, str]]:
    flow = world.drawn(*nodes, edges=edges)
    services.change_flow(flow, settings=settings, actor=HOUSE)
    flow.refresh_from_db()
    found = advise(flow, surroundings())
    assert {one.severity for one in found} <= {"warning"}
    return [(one.node, one.message) for one in found]


@pytest.mark.parametrize(
    ("criteria", "begins"),
    [
        ({"type": "EVERYONE"}, "Everybody takes “Yes”"),
        ({"operator": "AND", "conditions": [{"type": "EVERYONE"}]}, "Everybody takes “Yes”"),
        ({"type": "EVERYONE", "negate": True}, "Nobody takes “Yes”"),
    ],
)
def test_a_split_that_always_or_never_holds_is_named(world: World, criteria: Any, begins: str) -> None:
    ((node, sentence),) = said(world, STARTS, split(criteria), MAIL, edges="start:next>split split:yes>mail")
    assert (node, sentence.startswith(begins)) == ("split", True)


def test_a_branch_that_the_exit_condition_contradicts_is_named(world: World) -> None:
    ((node, sentence),) = said(
        world, STARTS, split(BOUGHT), MAIL, edges="start:next>split split:yes>mail", exit_when=BOUGHT
    )
    assert (node, "the exit condition is the same" in sentence) == ("split", True)


@pytest.mark.parametrize(("length", "count"), [("10d", 0), ("60d", 1)])
def test_a_wait_that_outlasts_the_segments_window_is_named(world: World, length: str, count: int) -> None:
    world.segment("fresh", {**BOUGHT, "window": {"last": "30d"}})
    starts = ("start", "contact_segment", {"segment": "fresh"})
    found = said(world, starts, wait(length), MAIL, exit_on_leave=True)
    assert [node for node, _ in found] == ["wait"] * count


def test_a_tag_that_no_contact_fills_and_marketing_without_a_topic_are_named(world: World) -> None:
    world.meets("mara", plan="pro")
    body = "{{ contact.customProperties.plan }} {{ contact.customProperties.plna }}"
    found = said(world, STARTS, ("mail", "send_email", {"subject": "Hi", "body": body}))
    assert [sentence.split(":")[0] for _, sentence in found] == [
        "It is marketing without a topic",
        "No contact fills the tag “customProperties.plna”",
    ]


def test_a_sound_flow_needs_no_second_look(world: World) -> None:
    world.template("hello")
    assert (
        said(world, STARTS, split(BOUGHT), wait("1d"), MAIL, edges="start:next>split split:else>wait wait:next>mail")
        == []
    )
    assert said(world, STARTS, ("mail", "send_email", {"template": "hello"})) == []
