"""Goals, jumps, notes and chance: who reaches the goal is past the reminders."""

from typing import Any

import pytest

from flows import drafts, services
from flows.models import Enrollment, Step
from flows.nodes.rules.splits import chance
from tests.flows.conftest import STARTS, World, property_is, wait
from workspace.audit import HOUSE
from workspace.problems import Refused

REMIND = ("remind", "send_email", {"subject": "Your cart", "body": "<p>Hi</p>", "transactional": True})
THANKS = ("thanks", "send_email", {"subject": "Thanks", "body": "<p>Hi</p>", "transactional": True})
SORRY = ("sorry", "send_email", {"subject": "Sorry", "body": "<p>Hi</p>", "transactional": True})
WAY = "start:next>wait wait:next>remind remind:next>rest rest:next>goal goal:next>thanks goal:missed>sorry"


def goal(**settings: Any) -> tuple[str, str, dict[str, Any]]:
    return "goal", "goal", {"what": "event", "event_name": "Order Completed", **settings}


def subjects(world: World, who: str) -> list[str]:
    return [subject for _, subject in world.mails(who)]


def begin(world: World, **settings: Any) -> Any:
    return world.flow(STARTS, wait("1d"), REMIND, wait("1d", "rest"), goal(**settings), THANKS, SORRY, edges=WAY)


def test_mara_buys_and_jumps_past_the_reminder_ben_gets_it_and_misses_the_goal(world: World) -> None:
    begin(world)
    for who in ("mara", "ben"):
        world.does(who, "Signed Up")
    world.later("1h")
    world.does("mara", "Order Completed")
    assert subjects(world, "mara") == ["Thanks"]
    assert world.path("mara") == ["start", "wait", "goal", "thanks"]
    left = Step.objects.get(contact__user_id="mara", node="wait")
    assert (left.port, left.next, left.saw) == ("goal", "goal", {"goal": "reached"})
    for _ in range(3):
        world.later("1d")
    assert subjects(world, "ben") == ["Your cart", "Sorry"]


def test_a_goal_counts_only_within_its_time(world: World) -> None:
    begin(world, within="2h")
    world.does("mara", "Signed Up")
    world.later("3h")
    world.does("mara", "Order Completed")
    assert world.journeys("mara") == [("active", "wait", "")]


def test_a_goal_may_end_the_journey(world: World) -> None:
    world.flow(STARTS, wait("1d"), REMIND, goal(reach="exit"), SORRY, edges=(
        "start:next>wait wait:next>remind remind:next>goal goal:next>sorry"
    ))  # fmt: skip
    world.does("mara", "Signed Up")
    world.later("1h")
    world.does("mara", "Order Completed")
    assert world.journeys("mara") == [("exited", "wait", "goal reached")]


def test_who_is_past_the_goal_stays_where_they_are(world: World) -> None:
    world.flow(STARTS, goal(), wait("1d"), THANKS, SORRY, edges=(
        "start:next>goal goal:next>thanks goal:missed>wait wait:next>sorry"
    ))  # fmt: skip
    world.does("mara", "Signed Up")
    world.later("1h")
    world.does("mara", "Order Completed")
    assert world.journeys("mara") == [("active", "wait", "")]


def test_a_goal_reached_in_a_pause_is_met_before_the_next_message(world: World) -> None:
    flow = begin(world)
    world.does("mara", "Signed Up")
    services.pause(flow, actor=HOUSE, mode="hold_due")
    world.later("1d")
    world.does("mara", "Order Completed")
    assert world.path("mara") == ["start"]
    services.resume(flow, actor=HOUSE)
    world.settle()
    assert subjects(world, "mara") == ["Thanks"]


def test_a_goal_is_reached_once_however_the_way_goes_round(world: World) -> None:
    world.flow(
        STARTS, wait("1d"), goal(), REMIND, edges="start:next>wait wait:next>goal goal:next>remind remind:next>wait"
    )
    world.does("mara", "Signed Up")
    world.does("mara", "Order Completed", n=1)
    world.later("1m")
    world.does("mara", "Order Completed", n=2)
    assert subjects(world, "mara") == ["Your cart"]


# Jumps and notes ------------------------------------------------------------------------------------------------------


def test_a_jump_leads_where_its_settings_say_and_a_loop_needs_a_wait(world: World) -> None:
    asks = ("ask", "split", {"branches": [{"port": "yes", "criteria": property_is("customProperties.plan", "pro")}]})
    edges = "start:next>wait wait:next>ask ask:yes>thanks ask:else>remind remind:next>back"
    world.flow(STARTS, wait("1d"), asks, THANKS, REMIND, ("back", "jump", {"to": "wait"}), edges=edges)
    world.does("mara", "Signed Up")
    world.later("1d")
    world.later("1d")
    world.meets("mara", plan="pro")
    world.later("1d")
    assert subjects(world, "mara") == ["Your cart", "Your cart", "Thanks"]
    hasty = world.drawn(STARTS, asks, THANKS, REMIND, ("back", "jump", {"to": "ask"}), edges=(
        "start:next>ask ask:yes>thanks ask:else>remind remind:next>back"
    ))  # fmt: skip
    with pytest.raises(Refused, match="loop has no wait"):
        services.activate(hasty, actor=HOUSE)


def test_a_jump_without_a_target_is_a_fault_and_follows_when_its_way_is_joined(world: World) -> None:
    flow = world.drawn(STARTS, wait("1d"), ("back", "jump", {}), edges="start:next>wait wait:next>back")
    with pytest.raises(Refused, match="Choose the step to jump to"):
        services.activate(flow, actor=HOUSE)
    drafts.change_node(flow, "back", settings={"to": "wait"})
    assert drafts.load(flow).edges["back", "next"] == "wait"
    drafts.connect(flow, "back", "next", None)
    assert drafts.load(flow).nodes["back"].settings["to"] == ""
    drafts.connect(flow, "back", "next", "wait")
    assert drafts.load(flow).nodes["back"].settings["to"] == "wait"
    services.activate(flow, actor=HOUSE)


def test_a_note_is_reached_by_nobody_and_is_no_fault(world: World) -> None:
    flow = world.drawn(STARTS, REMIND)
    key = drafts.insert_node(flow, "note", source="start", settings={"text": "Ask Mara before summer."})
    assert drafts.load(flow).into(key) == []
    drafts.insert_node(flow, "note")
    services.activate(flow, actor=HOUSE)
    world.does("mara", "Signed Up")
    assert world.path("mara") == ["start", "remind"]


# Chance ---------------------------------------------------------------------------------------------------------------


def test_rule_25_chance_is_even_and_stable() -> None:
    drawn = [chance("welcome", "split", contact) for contact in range(4000)]
    assert drawn == [chance("welcome", "split", contact) for contact in range(4000)]
    assert 0.47 < sum(drawn) / len(drawn) < 0.53
    both = sum(a < 0.5 and chance("other", "split", n) < 0.5 for n, a in enumerate(drawn)) / len(drawn)
    assert 0.22 < both < 0.28  # another flow draws anew


def test_a_random_split_by_weights_with_some_held_out(world: World) -> None:
    shares = {"branches": [{"port": "a", "weight": 3}, {"port": "b", "weight": 1}], "holdout": 20}
    world.flow(
        STARTS,
        ("split", "random_split", shares),
        THANKS,
        REMIND,
        edges="start:next>split split:a>thanks split:b>remind",
    )
    for number in range(200):
        world.did(f"c{number}", "Signed Up")
    world.settle()
    ports = list(Step.objects.filter(node="split").values_list("port", flat=True))
    assert 95 < ports.count("a") < 145
    assert 20 < ports.count("b") < 60
    assert 20 < ports.count("holdout") < 60
    assert Enrollment.objects.filter(status="completed").count() == 200
