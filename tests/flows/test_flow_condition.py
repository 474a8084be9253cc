"""FLOW in criteria: where somebody stands in a flow makes and unmakes members as it happens, with the cause `flow`."""

from typing import Any

import pytest

from contacts.ingest import take
from flows import services
from segmentation import evaluation
from segmentation.actuals import actuals
from segmentation.catalogue import load_catalogue
from segmentation.criteria import parse, words
from segmentation.models import Segment, Transition
from segmentation.services import create_segment
from tests.flows.conftest import SHOP, STARTS, WELCOME, World, wait
from workspace.audit import HOUSE
from workspace.problems import Refused
from workspace.uses import InUse


def stands(flow: str, state: str = "active", **more: Any) -> dict[str, Any]:
    return {"type": "FLOW", "flow": flow, "state": state, **more}


def inside(segment: Segment) -> set[str]:
    return set(segment.memberships.values_list("contact__user_id", flat=True))


def the_four(world: World, flow: str) -> dict[str, Segment]:
    return {state: world.segment(state, stands(flow, state)) for state in ("active", "completed", "exited", "ever")}


def members(segments: dict[str, Segment]) -> dict[str, set[str]]:
    assert evaluation.recompute_all() == [], "a full look finds nothing else"
    return {state: inside(segment) for state, segment in segments.items()}


def test_who_starts_finishes_and_leaves_a_flow_is_seen_by_segments(world: World) -> None:
    leaves = {"type": "EVENT", "eventName": "Gave Up"}
    flow = world.flow(STARTS, wait("1d"), WELCOME, exit_when=leaves)
    four = the_four(world, flow.slug)
    world.does("mara", "Signed Up")
    world.does("ben", "Signed Up")
    assert members(four) == {"active": {"ben", "mara"}, "completed": set(), "exited": set(), "ever": {"ben", "mara"}}
    world.does("ben", "Gave Up")
    world.later("1d")
    assert members(four) == {"active": set(), "completed": {"mara"}, "exited": {"ben"}, "ever": {"ben", "mara"}}
    assert set(Transition.objects.filter(segment=four["completed"]).values_list("cause", flat=True)) == {"flow"}


def test_a_segment_of_those_outside_takes_people_in_when_they_leave_the_flow(world: World) -> None:
    flow = world.flow(STARTS, wait("1d"), WELCOME)
    idle = world.segment("idle", stands(flow.slug, negate=True))
    world.meets("mara", "ben")
    world.does("mara", "Signed Up")
    assert inside(idle) == {"ben"}
    world.later("1d")
    assert inside(idle) == {"ben", "mara"}


def test_leaving_one_flow_by_its_segment_starts_the_next(world: World) -> None:
    first = world.flow(STARTS, wait("1d"), WELCOME)
    world.segment("welcomed", stands(first.slug, "completed"))
    second = ("start", "contact_segment", {"segment": "welcomed"})
    world.flow(second, WELCOME)
    world.does("mara", "Signed Up")
    world.later("1d")
    assert len(world.mails("mara")) == 2


def test_a_journey_that_ends_because_its_contact_is_merged_goes_to_the_winner(world: World) -> None:
    flow = world.flow(STARTS, wait("3d"), WELCOME)
    four = the_four(world, flow.slug)
    item = {"type": "track", "anonymousId": "a1", "event": "Signed Up", "properties": {}}
    assert take([item], source=SHOP, received_at=world.at) == [None]
    world.settle()
    known = {"type": "identify", "userId": "mara", "anonymousId": "a1", "traits": {}}
    world.meets("mara")
    assert take([known], source=SHOP, received_at=world.at) == [None]
    world.settle()
    assert members(four)["active"] == {"mara"}


def test_a_flow_named_in_criteria_cannot_be_deleted(world: World) -> None:
    flow = services.create_flow(name="Welcome", actor=HOUSE)
    world.segment("inside", stands(flow.slug))
    with pytest.raises(InUse):
        services.delete_flow(flow, actor=HOUSE)


def test_what_stands_there_is_said_and_an_unknown_flow_or_state_is_refused(world: World) -> None:
    flow = world.flow(STARTS, wait("3d"), WELCOME)
    world.meets("ben")
    world.does("mara", "Signed Up")
    catalogue = load_catalogue()
    criteria = parse(stands(flow.slug, "completed"), catalogue)
    assert words(criteria) == f"has completed the flow “{flow.slug}”"
    told = {who: actuals(criteria, world.contact(who).pk, world.at, catalogue)[0].words for who in ("mara", "ben")}
    assert told == {"mara": f"last active in the flow “{flow.slug}”", "ben": f"never in the flow “{flow.slug}”"}
    for faulty, path in ((stands("nowhere"), "flow"), (stands(flow.slug, "asleep"), "state")):
        with pytest.raises(Refused) as refused:
            create_segment(name="X", kind="dynamic", criteria=faulty, actor=HOUSE)
        assert refused.value.faults[0].path.endswith(path)
