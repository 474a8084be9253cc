"""Flows that a segment starts, in the words of seed 001: Signed Up, enters or leaves, filters, exit, re-entry."""

from typing import Any

import pytest

from flows import services
from flows.models import Enrollment, Entry
from messaging.services import create_template
from segmentation.models import Transition
from segmentation.services import add_members, change_segment, delete_segment, remove_members
from tests.flows.conftest import WELCOME, World, property_is, wait
from workspace.audit import HOUSE
from workspace.origins import origins
from workspace.problems import Refused
from workspace.uses import InUse

SIGNED_UP = {"type": "EVENT", "eventName": "Signed Up"}
PRO = property_is("customProperties.plan", "pro")


def enters(segment: str = "signed-up", **more: Any) -> tuple[str, str, dict[str, Any]]:
    return "start", "contact_segment", {"segment": segment, **more}


def leaves(segment: str = "signed-up", **more: Any) -> tuple[str, str, dict[str, Any]]:
    return "start", "contact_segment", {"segment": segment, "when": "leaves", **more}


def test_welcome_new_sign_ups_mara_enters_signed_up_and_is_welcomed_after_a_day(world: World) -> None:
    world.segment("signed-up", SIGNED_UP)
    world.flow(enters(), wait("1d"), WELCOME)
    world.does("mara", "Signed Up")
    assert world.transitions("mara") == [("signed-up", "entered")]
    assert world.journeys("mara") == [("active", "wait", "")]
    world.later("1d")
    assert world.mails("mara") == [("queued", "Welcome")]
    assert world.path("mara") == ["start", "wait", "mail"]


def test_a_filter_refines_who_starts(world: World) -> None:
    world.segment("signed-up", SIGNED_UP)
    either = {"operator": "OR", "conditions": [PRO, property_is("country", "NL")]}
    world.flow(enters(filter=either), WELCOME)
    world.meets("mara", plan="pro")
    world.meets("ben")
    world.did("mara", "Signed Up")
    world.does("ben", "Signed Up")
    assert (len(world.journeys("mara")), world.refusals("ben")) == (1, ["filter"])


def test_target_drop_offs_a_flow_starts_when_a_contact_leaves(world: World) -> None:
    world.segment("pros", PRO)
    world.flow(leaves("pros"), WELCOME)
    world.meets("mara", plan="pro")
    world.settle()
    assert world.journeys("mara") == []
    world.meets("mara", plan="free")
    world.settle()
    assert len(world.mails("mara")) == 1


def test_rule_18_first_time_only(world: World) -> None:
    world.segment("pros", PRO)
    world.flow(enters("pros", which="first"), WELCOME, reentry={"allowed": True, "after": "1h"})
    for plan in ("pro", "free", "pro"):
        world.later("2h")
        world.meets("mara", plan=plan)
        world.settle()
    assert (len(world.journeys("mara")), world.refusals("mara")) == (1, ["not_the_first_time"])


def test_rule_18_drive_re_engagement_again_after_an_absence(world: World) -> None:
    world.segment("pros", PRO)
    world.flow(enters("pros", which="again", after="1d"), WELCOME, reentry={"allowed": True, "after": "1h"})
    for plan, pause in (("pro", "1h"), ("free", "2h"), ("pro", "1h"), ("free", "2d"), ("pro", "1h")):
        world.meets("mara", plan=plan)
        world.settle()
        world.later(pause)
    assert world.refusals("mara") == ["not_again", "absent_too_briefly"]
    assert len(world.journeys("mara")) == 1


def test_rule_16_new_entrants_only_is_the_default(world: World) -> None:
    world.segment("signed-up", SIGNED_UP)
    world.does("mara", "Signed Up")
    world.flow(enters(), wait("1d"))
    world.settle()
    world.does("ben", "Signed Up")
    assert (world.journeys("mara"), len(world.journeys("ben"))) == ([], 1)


@pytest.mark.parametrize(("entry", "expected"), [("current", (1, 0)), ("both", (1, 1)), ("new", (0, 1))])
def test_rule_16_current_members_new_ones_or_both(world: World, entry: str, expected: tuple[int, int]) -> None:
    world.segment("signed-up", SIGNED_UP)
    world.does("mara", "Signed Up")
    world.later("1h")
    world.flow(enters(), wait("1d"), entry=entry)
    world.settle()
    world.does("ben", "Signed Up")
    assert (len(world.journeys("mara")), len(world.journeys("ben"))) == expected
    assert Entry.objects.filter(source_kind="activation").count() == (entry != "new")


def test_rule_19_leaving_and_coming_back_within_the_gap_enters_when_it_ends_if_still_in(world: World) -> None:
    world.segment("pros", PRO)
    world.flow(enters("pros"), WELCOME, reentry={"allowed": True, "after": "1d"})
    for plan in ("pro", "free", "pro"):
        world.meets("mara", "ben", plan=plan)
        world.settle()
        world.later("1h")
    assert world.refusals("mara") == ["gap"]
    world.meets("ben", plan="free")
    world.settle()
    world.later("1d")
    assert (len(world.journeys("mara")), len(world.journeys("ben"))) == (2, 1)
    assert world.refusals("ben") == ["gap", "no_longer_so"]


def test_rule_21_a_contact_created_by_import_fires_no_trigger(world: World) -> None:
    segment = world.segment("vip")
    world.flow(enters("vip"), WELCOME)
    world.meets("mara", "ben")
    add_members(segment, [world.contact("mara").pk], cause="import", actor=HOUSE, fires=False)
    add_members(segment, [world.contact("ben").pk], actor=HOUSE)
    world.settle()
    assert (world.refusals("mara"), len(world.journeys("ben"))) == (["silent"], 1)


def test_rule_13_an_edit_fires_only_what_the_editor_chose(world: World) -> None:
    segment = world.segment("pros", PRO)
    world.flow(enters("pros"), WELCOME)
    world.meets("mara", plan="team")
    world.settle()
    change_segment(segment, actor=HOUSE, criteria=property_is("customProperties.plan", "team"), fires="none")
    world.settle()
    assert (world.transitions("mara"), world.journeys("mara")) == ([("pros", "entered")], [])


def test_rule_23_leaving_the_segment_does_not_end_the_journey_by_itself(world: World) -> None:
    world.segment("pros", PRO)
    world.flow(enters("pros"), wait("1d"), WELCOME)
    for plan in ("pro", "free"):
        world.meets("mara", plan=plan)
        world.settle()
    assert world.journeys("mara") == [("active", "wait", "")]


def test_rule_23_leaving_the_segment_ends_the_journey_where_the_exit_condition_says_so(world: World) -> None:
    world.segment("pros", PRO)
    world.flow(enters("pros"), WELCOME, wait("1d"), WELCOME_AGAIN, exit_on_leave=True)
    for plan in ("pro", "free"):
        world.meets("mara", plan=plan)
        world.settle()
    assert world.journeys("mara") == [("exited", "wait", "left the segment")]
    assert world.mails("mara") == [("refused", "Welcome")]


WELCOME_AGAIN = ("again", "send_email", {"subject": "Again", "body": "<p>Hi</p>", "transactional": True})


def test_rule_23_who_left_and_came_back_between_two_looks_has_left_all_the_same(world: World) -> None:
    segment = world.segment("vip")
    world.flow(enters("vip"), wait("1d"), WELCOME, exit_on_leave=True, reentry={"allowed": True, "after": "1h"})
    world.meets("mara")
    mara = [world.contact("mara").pk]
    add_members(segment, mara, actor=HOUSE)
    world.settle()
    world.turn_clock(world.at.replace(hour=14))
    remove_members(segment, mara, actor=HOUSE)
    add_members(segment, mara, actor=HOUSE)
    world.settle()
    assert world.journeys("mara") == [("exited", "wait", "left the segment")]
    assert world.refusals("mara") == ["gap"]


def test_rule_23_a_flow_for_those_who_leave_ends_when_they_come_back(world: World) -> None:
    world.segment("pros", PRO)
    world.flow(leaves("pros"), wait("1d"), WELCOME, exit_on_leave=True)
    for plan in ("pro", "free", "pro"):
        world.meets("mara", plan=plan)
        world.settle()
    assert world.journeys("mara") == [("exited", "wait", "came back into the segment")]


def test_a_flow_moves_people_between_static_segments(world: World) -> None:
    leads = world.segment("leads")
    world.segment("active")
    world.segment("signed-up", SIGNED_UP)
    world.flow(
        enters(), ("in", "add_to_segment", {"segment": "active"}), ("out", "remove_from_segment", {"segment": "leads"})
    )
    world.meets("mara")
    add_members(leads, [world.contact("mara").pk], actor=HOUSE)
    world.does("mara", "Signed Up")
    assert world.transitions("mara")[-2:] == [("active", "entered"), ("leads", "exited")]
    moves = Transition.objects.filter(cause="flow").values_list("origin", flat=True)
    assert [ref.partition(":")[0] for ref in moves] == ["flow", "flow"]
    assert {one.kind for one in origins(moves).values()} == {"flow"}
    assert next(iter(origins(moves).values())).url


def test_rule_31_one_flow_may_start_another_through_a_segment(world: World) -> None:
    world.segment("active")
    world.flow(("start", "event", {"event_name": "Signed Up"}), ("in", "add_to_segment", {"segment": "active"}))
    world.flow(enters("active"), WELCOME)
    world.does("mara", "Signed Up")
    assert world.mails("mara") == [("queued", "Welcome")]


def test_i32_a_loop_between_a_segment_and_a_flow_is_stopped(world: World) -> None:
    """F49: the flow changes what puts the contact into its own segment, again and again."""
    world.segment("pros", PRO)
    free = {"changes": [{"attribute": "customProperties.plan", "set": "free"}]}
    pro = {"changes": [{"attribute": "customProperties.plan", "set": "pro"}]}
    world.flow(enters("pros"), ("off", "update_contact", free), reentry={"allowed": True, "after": "1h"})
    world.flow(leaves("pros"), ("on", "update_contact", pro), reentry={"allowed": True, "after": "1h"})
    world.meets("mara", plan="pro")
    world.settle()
    assert Enrollment.objects.count() == 2
    assert world.refusals("mara") == ["gap"]


def test_rule_15_a_segment_that_a_flow_uses_cannot_be_deleted(world: World) -> None:
    segment = world.segment("signed-up", SIGNED_UP)
    world.flow(enters(), WELCOME)
    with pytest.raises(InUse):
        delete_segment(segment, actor=HOUSE)


def test_rule_33_activation_is_refused_with_every_fault_at_once(world: World) -> None:
    world.meets("mara")
    flow = world.drawn(enters(""), wait(""), ("mail", "send_email", {}), ("split", "split", {}))
    with pytest.raises(Refused) as refused:
        services.activate(flow, settings={"exit_when": {"type": "NOPE"}}, actor=HOUSE)
    assert refused.value.status == 409
    assert {fault.path.split(".")[0] for fault in refused.value.faults} == {
        "start",
        "wait",
        "mail",
        "split",
        "settings",
    }
    assert all(fault.message.endswith((".", "?")) for fault in refused.value.faults)
    flow.refresh_from_db()
    assert (flow.status, flow.version) == ("draft", None)


def test_rule_33_the_trigger_must_be_configured_first(world: World) -> None:
    flow = services.create_flow(name="Engaged Users", trigger_kind="contact_segment", actor=HOUSE)
    with pytest.raises(Refused, match="Choose the segment that starts this flow"):
        services.activate(flow, actor=HOUSE)


def test_rule_33_templates_must_be_published(world: World) -> None:
    world.segment("signed-up", SIGNED_UP)
    create_template(name="Hello", slug="hello", subject="Hi", body="<p>Hi</p>", actor=HOUSE)
    flow = world.drawn(enters(), ("mail", "send_email", {"template": "hello"}))
    with pytest.raises(Refused, match="Publish the template"):
        services.activate(flow, actor=HOUSE)
