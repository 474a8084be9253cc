"""Every fault that a flow may have is named, all at once, each with its node: what keeps it from running, and what is odd."""

from typing import Any

import pytest
from django.test import Client

from flows import advice, checking, services
from flows.checking import surroundings
from flows.models import Flow
from tests.flows.conftest import STARTS, WELCOME, World, property_is, wait
from workspace.audit import HOUSE
from workspace.keys import make_key

BOUGHT = {"type": "EVENT", "eventName": "Order Completed"}
MAIL = ("mail", "send_email", {"subject": "Hi", "body": "<p>{{ contact.customProperties.plna }}</p>"})


def split(criteria: Any, key: str = "split") -> tuple[str, str, dict[str, Any]]:
    return key, "split", {"branches": [{"port": "yes", "label": "Yes", "criteria": criteria}]}


def found(flow: Flow) -> list[tuple[str, str, str]]:
    near = surroundings()
    every = [*checking.check(flow, near), *advice.advise(flow, near)]
    return [(one.severity, one.node, one.message) for one in every]


def names(flow: Flow, severity: str, node: str, words: str) -> bool:
    return any((one[0], one[1]) == (severity, node) and words in one[2] for one in found(flow))


@pytest.mark.parametrize(
    ("nodes", "edges", "settings", "severity", "node", "words"),
    [
        ([("start", "event", {}), MAIL], "", {}, "error", "start", "event"),
        ([STARTS, ("wait", "wait", {})], "", {}, "error", "wait", "Say how long to wait"),
        ([STARTS, MAIL, wait("1d", "lost")], "start:next>mail", {}, "error", "lost", "Nobody can come here"),
        ([STARTS, MAIL, wait("1d")], "", {}, "warning", "wait", "Nothing comes after this"),
        (
            [STARTS, ("a", "add_to_list", {"list": "l"}), ("b", "jump", {"to": "a"})],
            "start:next>a a:next>b b:next>a",
            {},
            "error",
            "a",
            "no wait",
        ),
        ([STARTS, split({"type": "EVERYONE"}), MAIL], "start:next>split split:yes>mail", {}, "warning", "split", "Everybody"),
        (
            [STARTS, split({"type": "EVERYONE", "negate": True}), MAIL],
            "start:next>split split:else>mail",
            {},
            "warning",
            "split",
            "Nobody takes",
        ),
        (
            [("start", "contact_segment", {"segment": "fresh"}), wait("60d"), MAIL],
            "",
            {"exit_on_leave": True},
            "warning",
            "wait",
            "The segment looks at the last 30 days",
        ),
        (
            [STARTS, split(BOUGHT), MAIL],
            "start:next>split split:yes>mail",
            {"exit_when": BOUGHT},
            "warning",
            "split",
            "the exit condition is the same",
        ),
        ([STARTS, MAIL], "", {}, "warning", "mail", "No contact fills the tag"),
        ([STARTS, MAIL], "", {}, "warning", "mail", "marketing without a topic"),
    ],
    ids=[
        "trigger not configured", "step not configured", "unreachable", "dead end", "loop without a wait", "always true",
        "never true", "wait longer than the window", "exit contradicts a branch", "tag nobody fills", "no topic",
    ],
)  # fmt: skip
def test_each_fault_is_named_with_its_node(
    world: World, nodes: Any, edges: str, settings: Any, severity: str, node: str, words: str
) -> None:
    world.make_list("l")
    if settings.get("exit_on_leave"):
        world.segment("fresh", {**BOUGHT, "window": {"last": "30d"}})
    flow = world.drawn(*nodes, edges=edges)
    services.change_flow(flow, settings=settings, actor=HOUSE)
    flow.refresh_from_db()
    assert names(flow, severity, node, words), found(flow)


def finished(slug: str) -> tuple[str, str, dict[str, Any]]:
    return "start", "flow_finished", {"flow": slug}


def test_flows_that_start_each_other_are_warned_of_before_they_are_published(world: World) -> None:
    first = world.flow(STARTS, WELCOME)
    second = world.flow(finished(first.slug), WELCOME)
    third = world.drawn(finished(second.slug), WELCOME)
    assert not names(third, "warning", "start", "closes a circle")
    back = world.drawn(STARTS, ("again", "start_flow", {"flow": first.slug}), WELCOME)
    assert not names(back, "warning", "again", "closes a circle")
    services.drafts.replace_draft(
        first,
        {
            "nodes": [
                {"id": "start", "kind": "flow_finished", "settings": {"flow": second.slug}},
                {"id": "mail", "kind": "send_email", "settings": WELCOME[2]},
            ],
            "edges": [{"from": "start", "port": "next", "to": "mail"}],
        },
    )
    assert names(first, "warning", "start", f"closes a circle: “{first.name}” → “{second.name}”")
    assert services.publish_flow(first, actor=HOUSE).number == 2, "a warning keeps nothing from running"


def test_a_step_that_starts_a_flow_which_comes_back_is_warned_of(world: World) -> None:
    other = world.flow(STARTS, WELCOME)
    flow = world.drawn(STARTS, ("on", "start_flow", {"flow": other.slug}), WELCOME)
    services.activate(flow, actor=HOUSE)
    services.drafts.replace_draft(
        other,
        {
            "nodes": [
                {"id": "start", "kind": "event", "settings": {"event_name": "Signed Up"}},
                {"id": "back", "kind": "start_flow", "settings": {"flow": flow.slug}},
            ],
            "edges": [{"from": "start", "port": "next", "to": "back"}],
        },
    )
    assert names(other, "warning", "back", "closes a circle")


def test_a_segment_that_lets_nobody_leave_by_time_and_a_sound_flow_are_not_warned_of(world: World) -> None:
    world.segment("vip", property_is("country", "NL"))
    flow = world.drawn(("start", "contact_segment", {"segment": "vip"}), wait("60d"), WELCOME)
    services.change_flow(flow, settings={"exit_on_leave": True}, actor=HOUSE)
    flow.refresh_from_db()
    assert found(flow) == []


def test_check_comes_by_cursor(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.api.FAULTS", 3)
    lost = [(f"lost{n}", "send_email", {}) for n in range(4)]
    flow = world.drawn(STARTS, WELCOME, *lost, edges="start:next>mail")
    key = {"Authorization": f"Bearer {make_key(name='k', scope='read', actor=HOUSE)[1]}"}
    address, seen = f"/api/v1/flows/{flow.slug}/check/", []
    while address:
        page = Client().get(address, headers=key).json()
        assert len(page["faults"]) <= 3
        seen += [(one["node"], one["field"] + one["message"]) for one in page["faults"]]
        address = page["next"]
    assert len(seen) == page["count"] == len(set(seen))
    assert {f"lost{n}" for n in range(4)} == {node for node, _ in seen}
    for wrong in ("x", "f-1", "f99999999", "f"):
        answer = Client().get(f"/api/v1/flows/{flow.slug}/check/", {"cursor": wrong}, headers=key)
        assert answer.status_code == 400
