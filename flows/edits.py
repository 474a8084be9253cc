"""What a person did to a draft, remembered with it as differences: taken back and done again by whoever did it."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from flows import drafts
from flows.draft_models import Edit
from flows.graph import Graph, GraphNode
from flows.models import Flow
from workspace.audit import Actor
from workspace.problems import refuse


def words_of_next(flow: Flow, user_id: int | None) -> tuple[str, str]:
    """Return what the next undo and the next redo of a person would be; empty when there is none."""
    mine = Edit.objects.filter(flow=flow, author_id=user_id)
    done = mine.filter(undone=False).order_by("-number").values_list("words", flat=True).first()
    gone = mine.filter(undone=True).order_by("number").values_list("words", flat=True).first()
    return done or "", gone or ""


def since(flow: Flow, revision: int, user_id: int | None) -> list[Edit]:
    """Return what others did to a draft since a revision, as far as it is remembered."""
    newer = Edit.objects.filter(flow=flow, number__gt=revision, undone=False).exclude(author_id=user_id)
    return list(newer.select_related("author").order_by("number")[:20])


def undo(flow: Flow, *, actor: Actor, revision: int | None = None) -> tuple[str, str]:
    """Take a person's last change back, as far as nobody changed the same since; return its words and where it was."""
    edit = Edit.objects.filter(flow=flow, author_id=actor.user_id, undone=False).order_by("-number").first()
    if edit is None:
        raise refuse("", "There is nothing to undo.")
    return _turn(flow, edit, actor, revision, undone=True)


def redo(flow: Flow, *, actor: Actor, revision: int | None = None) -> tuple[str, str]:
    """Do again what a person took back last."""
    edit = Edit.objects.filter(flow=flow, author_id=actor.user_id, undone=True).order_by("number").first()
    if edit is None:
        raise refuse("", "There is nothing to do again.")
    return _turn(flow, edit, actor, revision, undone=False)


def _turn(flow: Flow, edit: Edit, actor: Actor, revision: int | None, *, undone: bool) -> tuple[str, str]:
    now, then = (1, 0) if undone else (0, 1)
    nodes = {key: (pair[now], pair[then]) for key, pair in edit.parts["nodes"].items()}
    edges = {tuple(way.split(" ", 1)): (pair[now], pair[then]) for way, pair in edit.parts["edges"].items()}

    def turn(draft: Graph) -> Graph:
        stands = {key: _stored(draft.nodes.get(key)) for key in nodes}
        ways = {way: draft.edges.get(way) for way in edges}
        gone = {key for key, (_, other) in nodes.items() if other is None}
        joined_since = [way for way, to in draft.edges.items() if way not in edges and (way[0] in gone or to in gone)]
        same = stands == {key: pair[0] for key, pair in nodes.items()}
        if joined_since or not same or ways != {way: pair[0] for way, pair in edges.items()}:
            raise refuse("edit", f"Somebody changed the same since: “{edit.words}” stays as it is.", 409)
        found = draft.without(gone).with_nodes(*(_node(key, other) for key, (_, other) in nodes.items() if other))
        joined = found.with_edges({way: other for way, (_, other) in edges.items()})
        there = {way: to for way, to in joined.edges.items() if way[0] in joined.nodes and to in joined.nodes}
        return Graph(joined.nodes, there)

    verb = "edit_undone" if undone else "edit_redone"
    with transaction.atomic():
        drafts.change(flow, turn, verb, actor, revision, edit=edit.pk)
        Edit.objects.filter(pk=edit.pk).update(undone=undone)
    return edit.words, next((key for key, (_, other) in nodes.items() if other), "")


def forget(flow: Flow, actor: Actor) -> None:
    """Drop a change that cannot be turned any more, so that the one before it can be."""
    last = Edit.objects.filter(flow=flow, author_id=actor.user_id, undone=False).order_by("-number").first()
    if last is not None:
        last.delete()


def _stored(node: GraphNode | None) -> dict[str, Any] | None:
    return node.as_json() if node else None


def _node(key: str, said: Mapping[str, Any]) -> GraphNode:
    return GraphNode(key, said["kind"], said["name"], said.get("note", ""), said["settings"])
