"""The verbs on more than one node of a draft: copy, paste, duplicate, move and remove a node with all below it."""

from collections.abc import Mapping
from typing import Any

from flows import branching, drafts
from flows import graph as graphs
from flows.graph import Graph
from flows.models import Flow
from workspace.audit import HOUSE, Actor
from workspace.problems import refuse


def copy(flow: Flow, key: str, *, below: bool = False) -> dict[str, Any]:
    """Return a node, or its whole branch, as a document that can be pasted into any flow."""
    graph = drafts.load(flow)
    _refuse_trigger(graph, key)
    return branching.clip(graph, key, below=below)


def paste(
    flow: Flow, sent: Any, *, source: str, port: str = "next", actor: Actor = HOUSE, revision: int | None = None
) -> str:
    """Put what was copied on a slot and return the key of its first node."""
    cutting, first = _read(sent)
    made = ""

    def turn(draft: Graph) -> Graph:
        nonlocal made
        drafts.find_port(draft, source, port)
        grown, made = branching.paste(draft, cutting, first, source, port)
        return grown

    words = f"{_steps(len(cutting.nodes))} pasted"
    drafts.change(flow, turn, "nodes_pasted", actor, revision, words=words, nodes=len(cutting.nodes))
    return made


def duplicate(flow: Flow, key: str, *, actor: Actor = HOUSE, revision: int | None = None) -> str:
    """Put a copy of a node right after it and return its key."""
    made = ""

    def turn(draft: Graph) -> Graph:
        nonlocal made
        _refuse_trigger(draft, key)
        port = next((port.name for port in draft.nodes[key].ports()), None)
        if port is None:
            raise refuse("node", "Nothing can follow this step; copy it and paste it elsewhere.")
        cutting = draft.without(draft.nodes.keys() - {key})
        grown, made = branching.paste(draft, cutting, key, key, port)
        return grown

    drafts.change(flow, turn, "node_duplicated", actor, revision, words="{} duplicated", node=key)
    return made


def move_branch(
    flow: Flow, key: str, *, source: str, port: str = "next", actor: Actor = HOUSE, revision: int | None = None
) -> None:
    """Move a node with all below it to another slot."""

    def turn(draft: Graph) -> Graph:
        _refuse_trigger(draft, key)
        drafts.find_port(draft, source, port)
        return branching.move(draft, key, source, port)

    drafts.change(flow, turn, "branch_moved", actor, revision, words="{} moved with all below", node=key)


def remove_branch(flow: Flow, key: str, *, actor: Actor = HOUSE, revision: int | None = None) -> None:
    """Remove a node with all that only it leads to."""

    def turn(draft: Graph) -> Graph:
        _refuse_trigger(draft, key)
        return branching.take_off(draft, key)

    drafts.change(flow, turn, "branch_removed", actor, revision, words="{} removed with all below", node=key)


def _refuse_trigger(graph: Graph, key: str) -> None:
    node = drafts.find(graph, key)
    if node.type and node.type.group == "trigger":
        raise refuse("node", "The trigger stays where it is: a flow needs one.")


def _read(sent: Any) -> tuple[Graph, str]:
    """Read what was copied; refused with every fault of its shape."""
    document = dict(sent) if isinstance(sent, Mapping) else {}
    first = document.pop("first", "")
    cutting = graphs.read(document)
    if not isinstance(first, str) or first not in cutting.nodes:
        raise refuse("clip", "There is nothing to paste: copy a step first.")
    if cutting.trigger is not None:
        raise refuse("clip", "A trigger cannot be pasted: a flow has one.")
    return cutting, first


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"
