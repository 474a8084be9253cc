"""What people do to a draft is remembered with it: taken back, done again, and never at the cost of somebody else's work."""

from typing import Any

import pytest

from flows import drafts, edits
from flows.draft_models import Edit
from flows.invariants import CHECKS
from flows.models import Flow
from flows.rows import select
from tests.conftest import staff
from tests.house.test_invariants import corrupt
from workspace.audit import Actor
from workspace.problems import Refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia(db: None) -> Actor:
    return Actor(user_id=staff("mia").pk)


@pytest.fixture
def ben(db: None) -> Actor:
    return Actor(user_id=staff("ben").pk)


def said(flow: Flow) -> tuple[dict[str, Any], set[tuple[str, ...]]]:
    document = drafts.document(flow)
    return {one["id"]: one for one in document["nodes"]}, {tuple(one.values()) for one in document["edges"]}


def test_every_change_is_taken_back_and_done_again_exactly(drawn: Flow, mia: Actor) -> None:
    stages = [said(drawn)]
    for change in (
        lambda: drafts.insert_node(drawn, "wait", source="mark", actor=mia),
        lambda: drafts.change_node(drawn, "wait", settings={"duration": "9d"}, name="Breathe", note="Why", actor=mia),
        lambda: drafts.move_node(drawn, "wait", source="mark", actor=mia),
        lambda: drafts.remove_node(drawn, "split", actor=mia),
        lambda: drafts.connect(drawn, "start", "next", None, actor=mia),
    ):
        change()
        stages.append(said(drawn))
    for before in stages[-2::-1]:
        edits.undo(drawn, actor=mia)
        assert said(drawn) == before
    for after in stages[1:]:
        edits.redo(drawn, actor=mia)
        assert said(drawn) == after
    with pytest.raises(Refused, match="nothing to do again"):
        edits.redo(drawn, actor=mia)


def test_a_new_change_ends_what_could_be_done_again(drawn: Flow, mia: Actor) -> None:
    drafts.change_node(drawn, "wait", name="One", actor=mia)
    edits.undo(drawn, actor=mia)
    assert edits.words_of_next(drawn, mia.user_id) == ("", "Wait changed")
    drafts.change_node(drawn, "wait", name="Two", actor=mia)
    assert edits.words_of_next(drawn, mia.user_id) == ("Wait changed", "")


def test_mia_takes_back_her_own_change_and_bens_stays(drawn: Flow, mia: Actor, ben: Actor) -> None:
    drafts.change_node(drawn, "wait", name="Hers", actor=mia)
    drafts.change_node(drawn, "mark", name="His", actor=ben)
    edits.undo(drawn, actor=mia)
    names = {key: node.name for key, node in drafts.load(drawn).nodes.items()}
    assert (names["wait"], names["mark"]) == ("", "His")


def test_what_somebody_changed_since_is_not_taken_back(drawn: Flow, mia: Actor, ben: Actor) -> None:
    drafts.insert_node(drawn, "wait", source="mark", key="hers", actor=mia)
    drafts.insert_node(drawn, "wait", source="hers", key="his", actor=ben)
    with pytest.raises(Refused, match="Somebody changed the same since") as refused:
        edits.undo(drawn, actor=mia)
    assert refused.value.status == 409
    assert {"hers", "his"} <= drafts.load(drawn).nodes.keys()
    edits.forget(drawn, mia)
    assert edits.words_of_next(drawn, mia.user_id) == ("", "")


def test_a_way_to_a_step_that_went_since_comes_back_open(drawn: Flow, mia: Actor, ben: Actor) -> None:
    drafts.remove_node(drawn, "english", actor=mia)
    drafts.remove_node(drawn, "mark", actor=ben)
    drafts.change_node(drawn, "dutch", name="Still here", actor=ben)
    with pytest.raises(Refused, match="Somebody changed the same since"):
        edits.undo(drawn, actor=mia)  # where it stood leads to the end now, no more to what Ben took off
    assert "english" not in drafts.load(drawn).nodes


def test_the_memory_is_bounded_and_a_change_too_large_for_it_shuts_off_those_before(
    drawn: Flow, mia: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "KEPT", 3)
    for number in range(8):
        drafts.change_node(drawn, "wait", name=f"Name {number}", actor=mia)
    assert Edit.objects.filter(flow=drawn).count() == 3
    monkeypatch.setattr(drafts, "KEPT_CHARACTERS", 10)
    drafts.change_node(drawn, "wait", name="Long", actor=mia)
    assert edits.words_of_next(drawn, mia.user_id) == ("", "")


def test_an_edit_that_no_draft_has_had_is_found(drawn: Flow, mia: Actor) -> None:
    drafts.change_node(drawn, "wait", name="One", actor=mia)
    rule = next(sql for name, sql in CHECKS.items() if "remembers" in name)
    assert select(rule, []) == []
    corrupt("UPDATE flows_edit SET number = number + 1000")
    assert len(select(rule, [])) == 1
