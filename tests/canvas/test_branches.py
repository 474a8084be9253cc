"""Nodes and whole branches are copied, pasted, duplicated, moved, removed and folded away."""

import json
from typing import Any

import pytest
from django.test import Client

from flows import branching, canvas, drafts, edits, pasting
from flows.models import Flow
from flows.services import activate, create_flow
from tests.canvas.conftest import DRAFT
from tests.canvas.test_canvas_page import act, keys
from workspace.audit import HOUSE, Actor
from workspace.problems import Refused

pytestmark = pytest.mark.django_db


def ways(flow: Flow) -> dict[tuple[str, str], str]:
    return dict(drafts.load(flow).edges)


def test_a_branch_is_what_only_its_first_node_leads_to(drawn: Flow) -> None:
    graph = drafts.load(drawn)
    assert branching.branch(graph, "split") == {"split", "dutch", "english", "mark"}
    assert branching.branch(graph, "dutch") == {"dutch"}, "the others lead to where they meet as well"
    assert branching.branch(graph, "start") == set(graph.nodes)


def test_a_copied_branch_is_pasted_under_keys_of_its_own_and_what_stood_there_follows(drawn: Flow) -> None:
    copied = pasting.copy(drawn, "split", below=True)
    first = pasting.paste(drawn, json.loads(json.dumps(copied)), source="start")
    assert first == "split-1"
    led = ways(drawn)
    assert led["start", "next"] == "split-1"
    assert led["split-1", "nl"] == "dutch-1"
    assert (led["dutch-1", "next"], led["english-1", "next"]) == ("mark-1", "mark-1")
    assert led["mark-1", "next"] == "wait", "what stood there goes on where the first way ends"
    assert drafts.load(drawn).nodes["dutch-1"].settings == drafts.load(drawn).nodes["dutch"].settings


def test_a_copy_speaks_of_the_copies_and_of_nobody_who_stayed_behind(blank: Flow) -> None:
    since = {"type": "EVENT", "eventName": "Paid", "window": {"since": "node:mail"}}
    nodes = [
        {"id": "mail", "kind": "webhook", "settings": {"url": "https://example.com"}},
        {"id": "wait", "kind": "wait_for", "settings": {"what": "criteria", "criteria": since}},
        {"id": "mark", "kind": "update_contact", "settings": {"changes": [{"attribute": "customProperties.a", "set": {"answer": "mail.status"}}]}},
        {"id": "again", "kind": "jump", "settings": {"to": "wait"}},
    ]  # fmt: skip
    edges = [{"from": a, "port": "next", "to": b} for a, b in (("mail", "wait"), ("wait", "mark"), ("mark", "again"))]
    clip = {"first": "mail", "nodes": nodes, "edges": edges}
    pasting.paste(blank, clip, source="contact-segment-1")
    pasting.paste(blank, clip, source="contact-segment-1")
    made = drafts.load(blank).nodes
    assert made["wait-1"].settings["criteria"]["window"] == {"since": "node:mail-1"}
    assert made["mark-1"].settings["changes"][0]["set"] == {"answer": "mail-1.status"}
    assert made["again-1"].settings["to"] == "wait-1"


def test_a_branch_moves_whole_and_its_old_place_closes_up(drawn: Flow) -> None:
    drafts.insert_node(drawn, "wait", source="dutch", key="later", settings={"duration": "1d"})
    pasting.move_branch(drawn, "dutch", source="start")
    led = ways(drawn)
    assert led["split", "nl"] == "mark", "the branch met the other one there"
    assert (led["start", "next"], led["dutch", "next"], led["later", "next"]) == ("dutch", "later", "wait")
    with pytest.raises(Refused, match="cannot follow itself"):
        pasting.move_branch(drawn, "split", source="english")


def test_a_branch_is_removed_whole_and_comes_back_whole(ada: Client, drawn: Flow) -> None:
    before = ways(drawn)
    assert act(ada, drawn, do="remove", node="split", below="1").status_code == 200
    assert keys(drawn) == {"start", "wait"}
    act(ada, drawn, do="undo")
    assert ways(drawn) == before
    act(ada, drawn, do="redo")
    assert keys(drawn) == {"start", "wait"}


def test_a_step_is_duplicated_right_after_itself(ada: Client, drawn: Flow) -> None:
    assert act(ada, drawn, **{"do": "duplicate-step", "node": "wait"}).status_code == 200
    led = ways(drawn)
    assert (led["start", "next"], led["wait", "next"], led["wait-1", "next"]) == ("wait", "wait-1", "split")
    drafts.insert_node(drawn, "exit", source="mark", key="out")
    refused = act(ada, drawn, **{"do": "duplicate-step", "node": "out"})
    assert "Nothing can follow this step" in refused.headers["HX-Trigger"]


def test_what_was_copied_in_one_flow_is_pasted_in_another_by_the_page(ada: Client, drawn: Flow, blank: Flow) -> None:
    copied = ada.get(f"/flows/{drawn.pk}/nodes/split/copy/?below=1").content.decode()
    answer = act(ada, blank, do="paste", clip=copied, source="contact-segment-1", port="next")
    assert answer.status_code == 200
    assert {"split", "dutch", "english", "mark"} <= keys(blank)
    assert ada.get(f"/flows/{drawn.pk}/nodes/start/copy/").status_code == 400
    assert ada.get(f"/flows/{drawn.pk}/nodes/gone/copy/").status_code == 404


@pytest.mark.parametrize(
    "clip",
    ["", "{", "[]", "null", '{"first": "a"}', '{"first": "a", "nodes": [{"id": "a", "kind": "gone"}]}',
     '{"first": "a", "nodes": [{"id": "a", "kind": "manual"}]}', '{"first": {}, "nodes": []}',
     '{"first": "a", "nodes": [{"id": "a", "kind": "wait", "settings": {"duration": []}}]}'],
)  # fmt: skip
def test_nonsense_that_is_pasted_is_refused_with_a_sentence(ada: Client, blank: Flow, clip: str) -> None:
    answer = act(ada, blank, do="paste", clip=clip, source="contact-segment-1", port="next")
    assert answer.status_code == 400, answer.status_code
    assert "toast" in answer.headers["HX-Trigger"]
    assert keys(blank) == {"contact-segment-1"}


def test_a_paste_that_would_be_too_much_is_refused(blank: Flow) -> None:
    nodes = [{"id": f"w{at}", "kind": "wait", "settings": {"duration": "1d"}} for at in range(500)]
    with pytest.raises(Refused, match="at most 500 nodes"):
        pasting.paste(blank, {"first": "w0", "nodes": nodes, "edges": []}, source="contact-segment-1")


def test_what_is_folded_away_is_not_drawn_but_where_it_meets_others_still_is(ada: Client, drawn: Flow) -> None:
    drawn_whole = canvas.draw(drawn)
    assert {one.key: one.branch for one in drawn_whole.cards} == {
        "start": 5, "wait": 4, "split": 3, "dutch": 0, "english": 0, "mark": 0,
    }  # fmt: skip
    drafts.insert_node(drawn, "wait", source="dutch", key="later", settings={})
    folded = canvas.draw(drawn, {"dutch"})
    assert "later" not in {one.key for one in folded.cards}
    shut = next(one for one in folded.cards if one.folded)
    assert (shut.key, shut.wrong, [slot.target for slot in shut.slots]) == ("dutch", 1, ["mark"])
    assert [key for key, _ in folded.hidden] == ["later"]
    page = act(ada, drawn, do="fold", how="fold", node="split").content.decode()
    assert 'id="card-mark"' not in page
    assert "Unfold 4 steps after" in page
    page = act(ada, drawn, do="fold", how="fold", node="wait").content.decode()
    assert 'id="card-split"' not in page
    assert 'id="card-mark"' in act(ada, drawn, do="fold", how="show", node="mark").content.decode()
    assert drawn.revision == Flow.objects.get(pk=drawn.pk).revision, "folding is no change of the draft"


def test_two_editors_the_second_reads_what_the_first_did_and_does_theirs_as_well(
    ada: Client, drawn: Flow, marketer: Any
) -> None:
    seen = drawn.revision
    drafts.change_node(drawn, "wait", name="Hers", actor=Actor(user_id=marketer.pk))
    sent = {"do": "remove", "node": "mark", "revision": seen}
    refused = ada.post(f"/flows/{drawn.pk}/", sent, headers={"HX-Request": "true"})
    page = refused.content.decode()
    assert refused.status_code == 409
    assert "mia: Wait changed" in page
    assert "Do mine as well" in page
    assert edits.since(drawn, drawn.revision, None) == []


def test_a_version_stands_beside_the_draft_with_what_was_added_removed_and_changed(
    ada: Client, drawn: Flow, signed_up: Any
) -> None:
    activate(drawn, actor=HOUSE)
    drafts.insert_node(drawn, "wait", source="mark", key="added", settings={"duration": "4d"})
    drafts.change_node(drawn, "wait", settings={"duration": "5d"}, name="Breathe")
    drafts.remove_node(drawn, "english")
    page = ada.get(f"/flows/{drawn.pk}/versions/1/").content.decode()
    for said in (
        "5 differences",
        "Version 1, which runs",
        "<del>Wait 2 days</del>",
        "<ins>Wait 5 days</ins>",
        "<ins>Name: Breathe</ins>",
    ):
        assert said in page, said
    assert 'id="version-english" data-go="english" data-group="action" data-mark="removed"' in page
    assert 'id="draft-added" data-go="added" data-group="rule" data-mark="added"' in page
    assert 'id="draft-wait" data-go="wait" data-group="rule" data-mark="changed"' in page
    assert ada.get(f"/flows/{drawn.pk}/versions/9/").status_code == 404


def test_a_version_like_the_draft_has_no_differences(ada: Client, signed_up: Any, templates: None) -> None:
    flow = create_flow(name="Same", draft=DRAFT, actor=HOUSE)
    activate(flow, actor=HOUSE)
    assert "No difference" in ada.get(f"/flows/{flow.pk}/versions/1/").content.decode()
