"""Which running flows would fire for whom, before edited criteria are saved."""

from typing import Any

from flows import services
from segmentation.difference import difference
from segmentation.services import change_segment, mute_segment
from tests.flows.conftest import WELCOME, World, property_is, wait
from tests.flows.test_segment_flows import PRO, enters, leaves
from workspace import clock
from workspace.audit import HOUSE
from workspace.uses import users_of

FREE = property_is("customProperties.plan", "free")


def told(world: World, criteria: Any) -> list[tuple[str, str, str, int]]:
    """Return what the flows would do if the segment of pros had these criteria."""
    found = difference(world.pros, criteria, at=clock.now())  # type: ignore[attr-defined]
    return [(one.flow, one.when, one.does, one.count) for one in found.flows]


def a_shop(world: World) -> None:
    """Mara and Ben are pros, Cleo and Dan are not."""
    world.pros = world.segment("pros", PRO)  # type: ignore[attr-defined]
    for name, plan in [("mara", "pro"), ("ben", "pro"), ("cleo", "free"), ("dan", "free")]:
        world.meets(name, plan=plan, country="NL" if name in ("ben", "cleo") else "US")
    world.settle()


def test_flows_that_start_on_entering_or_leaving_are_named_with_how_many(world: World) -> None:
    a_shop(world)
    welcome, back = world.flow(enters("pros"), WELCOME), world.flow(leaves("pros"), WELCOME)
    world.drawn(enters("pros"), WELCOME)
    assert told(world, FREE) == [(welcome.slug, "enters", "starts", 2), (back.slug, "leaves", "starts", 2)]
    assert told(world, PRO) == [(welcome.slug, "enters", "starts", 0), (back.slug, "leaves", "starts", 0)]


def test_filters_those_inside_and_those_who_may_not_enter_twice_are_not_counted(world: World) -> None:
    a_shop(world)
    flow = world.flow(enters("pros", filter=property_is("country", "NL")), wait("9d"), WELCOME)
    assert told(world, FREE) == [(flow.slug, "enters", "starts", 1)]
    services.enrol(flow=flow, contact_ids=[world.contact("cleo").pk], actor=HOUSE)
    assert told(world, FREE) == [(flow.slug, "enters", "starts", 0)]


def test_journeys_that_end_on_leaving_are_counted(world: World) -> None:
    a_shop(world)
    flow = world.flow(enters("pros"), wait("9d"), WELCOME, exit_on_leave=True, entry="both")
    world.settle()
    assert len(world.journeys("mara")) == 1
    assert told(world, FREE) == [(flow.slug, "enters", "starts", 2), (flow.slug, "leaves", "ends", 2)]


def test_a_flow_is_named_where_a_segment_is_used(world: World) -> None:
    a_shop(world)
    flow = world.flow(enters("pros"), WELCOME)
    (user,) = users_of("segment:pros")
    assert (user.name, user.url) == (flow.name, f"/flows/{flow.pk}/")


def test_a_muted_segment_starts_no_flow_and_says_why_not(world: World) -> None:
    a_shop(world)
    world.flow(enters("pros"), WELCOME)
    mute_segment(world.pros, muted=True, actor=HOUSE)  # type: ignore[attr-defined]
    world.meets("cleo", plan="pro")
    world.settle()
    assert world.transitions("cleo") == [("pros", "entered")]
    assert (world.journeys("cleo"), world.mails("cleo")) == ([], [])
    assert len(world.refusals("cleo")) == 1
    mute_segment(world.pros, muted=False, actor=HOUSE)  # type: ignore[attr-defined]
    world.meets("dan", plan="pro")
    world.settle()
    assert len(world.mails("dan")) == 1
    assert world.journeys("cleo") == []


def test_an_edit_that_fires_nothing_starts_nobody_and_still_lets_go_of_those_who_left(world: World) -> None:
    a_shop(world)
    world.flow(enters("pros"), wait("9d"), WELCOME, exit_on_leave=True, entry="both")
    world.settle()
    change_segment(world.pros, criteria=FREE, fires="none", actor=HOUSE)  # type: ignore[attr-defined]
    world.settle()
    assert world.journeys("cleo") == []
    assert [status for status, _, _ in world.journeys("mara")] == ["exited"]


def only(world: World, criteria: Any) -> Any:
    """Return what the one flow would do."""
    (one,) = difference(world.pros, criteria, at=clock.now()).flows  # type: ignore[attr-defined]
    return one


def test_ceilings_gaps_and_what_was_before_are_judged_as_entries_are(world: World) -> None:
    a_shop(world)
    flow = world.flow(enters("pros"), WELCOME, ceilings={"total": 1})
    told_of = only(world, FREE)
    assert (told_of.count, told_of.refused) == (1, {"the flow has reached its ceiling": 1})
    assert flow.slug == told_of.flow


def test_who_left_too_recently_is_counted_as_refused_for_the_gap(world: World) -> None:
    a_shop(world)
    flow = world.flow(enters("pros"), WELCOME, reentry={"allowed": True, "after": "3d"})
    services.enrol(flow=flow, contact_ids=[world.contact("cleo").pk], actor=HOUSE)
    world.settle()
    assert world.journeys("cleo")[0][0] == "completed"
    told_of = only(world, FREE)
    assert (told_of.count, list(told_of.refused.values())) == (1, [1])
    assert "too recently" in next(iter(told_of.refused))


def test_first_time_again_and_exit_conditions_are_looked_at(world: World) -> None:
    a_shop(world)
    first = world.flow(leaves("pros", which="first"), WELCOME)
    again = world.flow(leaves("pros", which="again"), WELCOME)
    dutch = world.flow(leaves("pros"), WELCOME, exit_when=property_is("country", "NL"))
    of = {one.flow: one for one in difference(world.pros, FREE, at=clock.now()).flows}  # type: ignore[attr-defined]
    assert of[first.slug].count == 2
    assert (of[again.slug].count, sum(of[again.slug].refused.values())) == (0, 2)
    assert (of[dutch.slug].count, of[dutch.slug].refused) == (1, {"the exit condition already holds": 1})


def test_what_cannot_be_asked_before_the_moves_are_made_is_named(world: World) -> None:
    a_shop(world)
    inside = {"type": "SEGMENT", "segment": "pros", "membership": "now"}
    world.flow(enters("pros", filter=inside), WELCOME)
    told_of = only(world, FREE)
    assert told_of.left_out == ["the trigger's filter asks about this very segment"]
    assert told_of.count == 2


def stands_on(slug: str, **more: Any) -> dict[str, Any]:
    return {"type": "SEGMENT", "segment": slug, **more}


def test_flows_on_segments_that_nest_the_edited_one_are_counted_over_any_number_of_floors(world: World) -> None:
    a_shop(world)
    world.segment("dutch-pros", {"operator": "AND", "conditions": [stands_on("pros"), property_is("country", "NL")]})
    world.segment("others", {"operator": "AND", "conditions": [stands_on("dutch-pros", negate=True)]})
    world.settle()
    dutch = world.flow(enters("dutch-pros"), WELCOME)
    others = world.flow(enters("others"), wait("9d"), WELCOME, exit_on_leave=True)
    found = difference(world.pros, FREE, at=clock.now()).flows  # type: ignore[attr-defined]
    told_of = {(one.flow, one.does): (one.count, one.via) for one in found}
    assert told_of[dutch.slug, "starts"] == (1, "Dutch-Pros")  # Cleo comes; Ben goes
    assert told_of[others.slug, "starts"] == (1, "Others")  # Ben is among the others then
    assert told_of[others.slug, "ends"] == (0, "Others")  # Cleo is no longer, and has no journey
    change_segment(world.pros, criteria=FREE, fires="both", actor=HOUSE)  # type: ignore[attr-defined]
    world.settle()
    assert len(world.journeys("cleo")) == 1
    assert [len(world.journeys(who)) for who in ("ben", "mara", "dan")] == [1, 0, 0]


def test_who_would_have_come_to_be_in_it_is_counted_and_a_muted_one_above_starts_nobody(world: World) -> None:
    a_shop(world)
    world.segment("fresh", stands_on("pros", membership="entered", window={"last": "7d"}))
    gone = world.segment("gone", stands_on("pros", membership="left"))
    world.settle()
    fresh, left = world.flow(enters("fresh"), WELCOME), world.flow(enters("gone"), WELCOME)
    assert {(f, n) for f, _, _, n in told(world, FREE)} == {(fresh.slug, 2), (left.slug, 2)}
    mute_segment(gone, muted=True, actor=HOUSE)
    assert {(f, n) for f, _, _, n in told(world, FREE)} == {(fresh.slug, 2)}
