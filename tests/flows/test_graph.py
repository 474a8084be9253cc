"""Graphs as values: every fault of shape and sense, with its node and a sentence."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import graph
from flows.nodes import KINDS
from workspace.problems import Refused


def node(key: str, kind: str, **settings: Any) -> dict[str, Any]:
    return {"id": key, "kind": kind, "settings": settings}


def edge(source: str, target: str, port: str = "next") -> dict[str, str]:
    return {"from": source, "port": port, "to": target}


WELCOME = {
    "nodes": [
        node("start", "contact_segment", segment="signed-up"),
        node("wait", "wait", duration="1d"),
        node("mail", "send_email", subject="Welcome", body="Hello"),
    ],
    "edges": [edge("start", "wait"), edge("wait", "mail")],
}


def messages(document: Any) -> list[str]:
    return [one.message for one in graph.faults(graph.read(document))]


def test_a_welcome_flow_has_no_fault() -> None:
    assert messages(WELCOME) == []


def test_a_graph_reads_back_as_it_was_written() -> None:
    again = graph.read(WELCOME).as_json()
    assert graph.read(again) == graph.read(WELCOME)


def test_a_flow_without_a_trigger_is_told_so() -> None:
    assert messages({"nodes": [], "edges": []}) == ["Choose a trigger: it says what starts this flow."]


def test_a_second_trigger_is_a_fault_of_its_own() -> None:
    two = {**WELCOME, "nodes": [*WELCOME["nodes"], node("other", "event", event_name="X")]}
    assert [(one.node, one.message[:24]) for one in graph.faults(graph.read(two))] == [
        ("other", "A flow has one trigger; ")
    ]


def test_a_node_that_nobody_can_reach_is_named() -> None:
    lone = {**WELCOME, "nodes": [*WELCOME["nodes"], node("lone", "exit")]}
    assert [one.node for one in graph.faults(graph.read(lone))] == ["lone"]


def test_a_loop_must_pass_through_a_wait() -> None:
    nodes = [
        node("start", "event", event_name="X"),
        node("a", "add_to_list", list="x"),
        node("w", "wait", duration="1h"),
    ]
    patient = {"nodes": nodes, "edges": [edge("start", "a"), edge("a", "w"), edge("w", "a")]}
    hasty = {"nodes": nodes[:2], "edges": [edge("start", "a"), edge("a", "a")]}
    assert messages(patient) == []
    assert [one.node for one in graph.faults(graph.read(hasty))] == ["a"]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], "draft"),
        ({"nodes": {}}, "nodes"),
        ({"nodes": [1]}, "nodes[0]"),
        ({"nodes": [{"id": "a", "kind": "teleport"}]}, "nodes[0].kind"),
        ({"nodes": [{"id": "a b", "kind": "wait"}]}, "nodes[0].id"),
        ({"nodes": [node("a", "wait"), node("a", "wait")]}, "nodes[1].id"),
        ({"nodes": [node("a", "wait", hours=3)]}, "nodes[0].settings.hours"),
        ({"nodes": [node("a", "wait", duration="soon")]}, "nodes[0].settings.duration"),
        ({"nodes": [{"id": "a", "kind": "wait", "colour": "red"}]}, "nodes[0].colour"),
        ({"nodes": [node("a", "wait")], "edges": [edge("a", "b")]}, "edges[0].to"),
        ({"nodes": [node("a", "wait")], "edges": [edge("a", "a", "sideways")]}, "edges[0].port"),
        ({"nodes": [node("a", "wait")], "edges": [edge("a", "a"), edge("a", "a")]}, "edges[1].port"),
        ({"nodes": [node(f"n{i}", "wait") for i in range(10_000)]}, "nodes"),
        ({"nodes": [], "extra": 1}, "extra"),
    ],
)
def test_a_draft_with_a_fault_of_shape_is_refused_with_its_path(document: Any, path: str) -> None:
    with pytest.raises(Refused) as refused:
        graph.read(document)
    assert path in [one.path for one in refused.value.faults]
    assert refused.value.status == 400


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NODES = st.fixed_dictionaries(
    {"id": st.sampled_from("abc") | ANYTHING, "kind": st.sampled_from(sorted(KINDS)) | ANYTHING},
    optional={"settings": ANYTHING, "name": ANYTHING},
)
EDGES = st.fixed_dictionaries(
    {"from": st.sampled_from("abc") | ANYTHING, "to": st.sampled_from("abc") | ANYTHING}, optional={"port": ANYTHING}
)


@given(
    ANYTHING
    | st.fixed_dictionaries({"nodes": st.lists(NODES | ANYTHING, max_size=4), "edges": st.lists(EDGES, max_size=4)})
)
def test_whatever_is_sent_is_read_or_refused_with_a_sentence(document: Any) -> None:
    with contextlib.suppress(Refused):
        graph.faults(graph.read(document))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_node_has_words_ports_and_an_example_without_faults_of_shape(kind: str) -> None:
    settings = KINDS[kind].read(KINDS[kind].example)
    assert KINDS[kind].words(settings)
    assert KINDS[kind].words(KINDS[kind].read({}))
    assert len({port.name for port in KINDS[kind].ports(settings)}) == len(KINDS[kind].ports(settings))
