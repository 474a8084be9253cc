"""Able to say why: the tree with its answers, the events that count, and until when; rule 13 of the semantics."""

from datetime import timedelta
from typing import Any

import pytest

from segmentation import evaluation, services
from segmentation.catalogue import load_catalogue
from segmentation.difference import difference
from segmentation.explaining import Answer, Explanation, explain, explain_all
from segmentation.models import Segment
from segmentation.telling import reason, turn_words
from tests.factories import JANUARY, did, members, person, put_on, segment
from tests.segmentation.test_stories import THREE_ORDERS, look
from workspace import clock
from workspace.audit import HOUSE

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
PRO = {"type": "PROPERTY", "propertyName": "customProperties.plan", "operator": "=", "value": "pro"}


def root(told: Explanation) -> Answer:
    """Return the answer of the whole tree."""
    assert told.root is not None
    return told.root


def why(made: Segment, who: Any) -> Explanation:
    """Explain somebody in a segment, now."""
    who.refresh_from_db()
    return explain(Segment.objects.select_related("rule").get(pk=made.pk), who, clock.now())


def test_two_orders_of_three_needed_are_named_and_one_more_is_missing() -> None:
    with clock.at(JANUARY):
        made = segment("Regulars", THREE_ORDERS)
        anna = person("Anna")
        first = did(anna, "Order Completed", value=20)
        did(anna, "Order Completed", JANUARY - 40 * DAY)
        did(anna, "Something Else")
        look()
    with clock.at(JANUARY + DAY):
        second = did(anna, "Order Completed")
        told = why(made, anna)
    assert (told.holds, told.inside) == (False, False)
    (leaf,) = root(told).parts
    assert (leaf.path, leaf.holds, leaf.found) == ("conditions[0]", False, 2)
    assert "2" in leaf.said
    assert "3" in leaf.said
    assert {event.id for event in leaf.events} == {first.pk, second.pk}
    assert {event.name for event in leaf.events} == {"Order Completed"}
    assert told.turn is None
    assert leaf.said in reason(told.root)


def test_a_contact_leaves_when_the_first_of_the_three_orders_ages_out() -> None:
    with clock.at(JANUARY):
        made = segment("Regulars", THREE_ORDERS)
        look()
        anna = person("Anna")
        first = did(anna, "Order Completed")
    with clock.at(JANUARY + 3 * DAY):
        did(anna, "Order Completed")
        did(anna, "Order Completed")
        look()
        told = why(made, anna)
    assert (told.holds, told.inside, told.behind) == (True, True, False)
    assert told.turn is not None
    assert (told.turn.at, told.turn.becomes) == (JANUARY + 30 * DAY, False)
    (cause,) = told.turn.causes
    assert cause.event is not None
    assert cause.event.id == first.pk
    assert cause.leaves
    assert turn_words(told.turn).startswith(
        "Leaves on 14 February 2026, 12:00 (UTC), when the “Order Completed” of 15 January"
    )
    with clock.at(told.turn.at):  # and it is so
        evaluation.pass_time()
        assert members(made) == set()


def test_the_order_that_ages_out_is_named_though_thirty_count() -> None:
    many = {**THREE_ORDERS, "aggregate": {"function": "count", "operator": ">=", "value": 26}}
    with clock.at(JANUARY):
        made = segment("Regulars", many)
        anna = person("Anna")
        events = [did(anna, "Order Completed", JANUARY - (29 - number) * DAY) for number in range(28)]
        look()
        told = why(made, anna)
    (leaf,) = root(told).parts
    assert (leaf.found, len(leaf.events), leaf.more) == (28, 20, True)
    assert told.turn is not None
    assert told.turn.at == events[2].at + 30 * DAY
    assert told.turn.causes[0].event is not None
    assert told.turn.causes[0].event.id == events[2].pk


def test_two_hundred_moments_are_asked_in_few_statements(django_assert_max_num_queries: Any) -> None:
    often = {**THREE_ORDERS, "aggregate": {"function": "count", "operator": ">=", "value": 1}}
    with clock.at(JANUARY):
        made = segment("Regulars", often)
        anna = person("Anna")
        for minute in range(199):
            did(anna, "Order Completed", JANUARY - minute * timedelta(minutes=1))
        look()
        found = Segment.objects.select_related("rule").get(pk=made.pk)
        catalogue = load_catalogue()
        with django_assert_max_num_queries(20):
            told = explain(found, anna, JANUARY, catalogue)
    assert told.turn is not None
    assert told.turn.at == JANUARY + 30 * DAY


def test_absence_enters_by_itself_when_the_last_order_ages_out() -> None:
    silent = {**THREE_ORDERS, "aggregate": {"function": "count", "operator": "=", "value": 0}, "window": {"last": "7d"}}
    with clock.at(JANUARY):
        made = segment("Silent", silent)
        look()
        did(anna := person("Anna"), "Order Completed")
        look()
        told = why(made, anna)
    assert (told.holds, told.turn and told.turn.at, told.turn and told.turn.becomes) == (False, JANUARY + 7 * DAY, True)


def test_groups_and_negation_answer_as_the_evaluation_does() -> None:
    put_on("staff", ben := person("Ben", attributes={"plan": "pro"}))
    anna = person("Anna", attributes={"plan": "pro"})
    staff = {"type": "LIST", "list": "staff"}
    made = segment("Pros", PRO, {"operator": "OR", "negate": True, "conditions": [staff]})
    look()
    assert members(made) == {"Anna"}
    for who, holds in [(anna, True), (ben, False)]:
        told = why(made, who)
        assert (told.holds, told.inside, root(told).parts[1].holds) == (holds, holds, holds)
    group = root(why(made, ben)).parts[1]
    assert (group.kind, group.negate, group.parts[0].holds) == ("OR", True, True)
    assert reason(why(made, ben).root).startswith("on the list “staff” since ")


def test_nested_segments_are_explained_through_and_turn_the_outer_one() -> None:
    with clock.at(JANUARY):
        segment("Buyers", {**THREE_ORDERS, "aggregate": {"function": "count", "operator": ">=", "value": 1}})
        outer = segment("Inner circle", {"type": "SEGMENT", "segment": "buyers"})
        look()
        did(anna := person("Anna"), "Order Completed")
        look()
        told = why(outer, anna)
    inner = root(told).parts[0].nested
    assert inner is not None
    assert inner.segment is not None
    assert inner.root is not None
    assert (inner.segment.slug, inner.inside, inner.holds) == ("buyers", True, True)
    assert inner.root.parts[0].events[0].name == "Order Completed"
    assert told.turn is not None
    assert told.turn.at == JANUARY + 30 * DAY
    assert told.turn.causes[0].event is not None


def test_a_static_segment_tells_who_was_put_there_and_when() -> None:
    made = services.create_segment(name="Staff", actor=HOUSE)
    anna = person("Anna")
    with clock.at(JANUARY):
        services.add_members(made, [anna.pk], actor=HOUSE)
        told = why(made, anna)
    assert (told.inside, told.since, told.root, told.turn) == (True, JANUARY, None, None)
    assert told.last is not None
    assert told.last.cause == "manual"


def test_what_is_not_written_down_yet_is_said() -> None:
    made = segment("Pros", PRO)
    look()
    anna = person("Anna", attributes={"plan": "pro"})
    assert why(made, anna).behind
    look()
    assert not why(made, anna).behind


def test_nobody_erased_is_said_to_match() -> None:
    made = segment("Everybody", {"type": "EVERYONE"})
    look()
    anna = person("Anna")
    type(anna).objects.filter(pk=anna.pk).update(erased_at=clock.now())
    told = why(made, anna)
    assert (told.holds, told.turn) == (False, None)


def test_ten_segments_are_explained_in_few_queries(django_assert_max_num_queries: Any) -> None:
    anna = person("Anna", attributes={"plan": "pro"})
    for number in range(10):
        segment(f"S{number}", PRO, {"type": "LIST", "list": put_on("staff").slug})
    every = list(Segment.objects.select_related("rule"))
    catalogue, at = load_catalogue(), clock.now()
    with django_assert_max_num_queries(2 + 10 * 3):
        assert len(explain_all(every, anna, at, catalogue)) == 10


def test_saving_edited_criteria_shows_first_who_joins_leaves_and_stays_with_reasons() -> None:
    made = segment("Pros", PRO)
    look()
    person("Anna", attributes={"plan": "pro"})
    person("Ben", attributes={"plan": "free"})
    person("Cleo", attributes={"plan": "pro"}, country="NL")
    look()
    either = {
        "operator": "OR",
        "conditions": [
            {**PRO, "value": "free"},
            {"type": "PROPERTY", "propertyName": "country", "operator": "=", "value": "NL"},
        ],
    }
    found = difference(made, either, at=clock.now())
    assert [part.names for part in (found.joins, found.leaves, found.stays)] == [["Ben"], ["Anna"], ["Cleo"]]
    assert [part.count for part in (found.joins, found.leaves, found.stays)] == [1, 1, 1]
    assert "“free”" in found.joins.told[0][1]
    assert "“pro” (asked: " in found.leaves.told[0][1]
    assert members(made) == {"Anna", "Cleo"}


@pytest.mark.parametrize(
    ("fires", "heard"), [("none", []), ("entries", ["Ben"]), ("exits", ["Anna"]), ("both", ["Anna", "Ben"])]
)
def test_the_editor_chooses_what_fires_and_the_transitions_are_written_either_way(fires: str, heard: list[str]) -> None:
    made = segment("Pros", PRO)
    look()
    person("Anna", attributes={"plan": "pro"})
    person("Ben", attributes={"plan": "free"})
    look()
    services.change_segment(made, criteria={**PRO, "value": "free"}, fires=fires, actor=HOUSE)
    look()
    moves = made.transitions.filter(cause="edited").order_by("contact__first_name")
    assert list(moves.values_list("contact__first_name", "kind")) == [("Anna", "exited"), ("Ben", "entered")]
    assert list(moves.filter(fires=True).values_list("contact__first_name", flat=True)) == heard
