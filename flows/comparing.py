"""A published version beside the draft: what was added, removed and changed, and both of them to walk through."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from flows import canvas, drafts
from flows.canvas import CardView
from flows.graph import Graph, GraphNode
from flows.layout import Line, Picture
from flows.models import Flow, Version

MARKS = {"added": "Added", "removed": "Removed", "changed": "Changed", "led": "Leads elsewhere"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One node that is not the same on both sides, in words: as it was and as it is."""

    key: str
    mark: str
    title: str
    was: list[str] = field(default_factory=list)
    becomes: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """Return what the mark means."""
        return MARKS[self.mark]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two, as it is drawn: cards and lines each with its mark."""

    name: str
    title: str
    picture: Picture
    cards: list[tuple[CardView, str]]
    lines: list[tuple[Line, str]]


@login_required
@require_safe
def flow_version(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Show a version beside the draft; nothing can be changed here."""
    flow = get_object_or_404(Flow.objects.select_related("version"), pk=pk)
    version = get_object_or_404(Version.objects.select_related("published_by"), flow=flow, number=number)
    old, new, names = graph_of(version.graph), drafts.load(flow), canvas.names_of_used()
    found = differences(old, new, names)
    marks = {one.key: one.mark for one in found}
    runs = flow.version_id == version.pk
    sides = [
        side("version", f"Version {number}{', which runs' if runs else ''}", old, marks, names, new),
        side("draft", "Draft", new, marks, names, old),
    ]
    others = flow.versions.order_by("-number").values_list("number", flat=True)[:50]
    shown = {"flow": flow, "version": version, "sides": sides, "differences": found, "numbers": list(others)}
    return render(request, "flows/compare.html", shown)


def graph_of(document: Mapping[str, Any]) -> Graph:
    """Return the graph of a version as it was published."""
    nodes = [
        GraphNode(one["id"], one["kind"], one.get("name", ""), one.get("note", ""), one.get("settings", {}))
        for one in document.get("nodes", [])
    ]
    edges = {(one["from"], one["port"]): one["to"] for one in document.get("edges", [])}
    return Graph({one.key: one for one in nodes}, edges)


def differences(old: Graph, new: Graph, names: Mapping[str, str]) -> list[Difference]:
    """Return what differs, in the order of the draft, what is gone at the end."""
    found = [
        _difference(key, old, new, names) for key in [*new.nodes, *(key for key in old.nodes if key not in new.nodes)]
    ]
    return [one for one in found if one is not None]


def _difference(key: str, old: Graph, new: Graph, names: Mapping[str, str]) -> Difference | None:
    before, after = old.nodes.get(key), new.nodes.get(key)
    title = _title(after or before, names)
    if before is None or after is None:
        return Difference(key, "added" if before is None else "removed", title)
    if before.as_json() != after.as_json():
        return Difference(key, "changed", title, *_unlike(_said(before, names), _said(after, names)))
    was, becomes = _ways(old, key), _ways(new, key)
    if was == becomes:
        return None
    moved = {port for port in was | becomes if was.get(port) != becomes.get(port)}
    return Difference(key, "led", title, _led(old, key, was, moved, names), _led(new, key, becomes, moved, names))


def _unlike(was: list[str], becomes: list[str]) -> tuple[list[str], list[str]]:
    """Return what only one of the two says."""
    return [one for one in was if one not in becomes], [one for one in becomes if one not in was]


def _title(node: GraphNode | None, names: Mapping[str, str]) -> str:
    return (node.name or canvas.words_of(node, names)) if node else ""


def _said(node: GraphNode, names: Mapping[str, str]) -> list[str]:
    """Return all that is said of a node, a line each."""
    known = node.type.Settings.model_fields if node.type else {}
    given = {name: value for name, value in node.settings.items() if value not in ("", None, [], {}, False)}
    lines = [f"{known[name].title if name in known else name}: {_short(value)}" for name, value in given.items()]
    named = [f"Name: {node.name}"] if node.name else []
    noted = [f"Note: {node.note}"] if node.note else []
    return [canvas.words_of(node, names), *named, *noted, *lines]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 160 else f"{text[:160]}…"


def _ways(graph: Graph, key: str) -> dict[str, str]:
    return {port: to for (source, port), to in graph.edges.items() if source == key}


def _led(graph: Graph, key: str, ways: Mapping[str, str], moved: set[str], names: Mapping[str, str]) -> list[str]:
    """Say where these ways out lead, each with its label where there are several."""
    labels = {port.name: port.label or port.name for port in graph.nodes[key].ports()}
    told = [(port, _title(graph.nodes.get(ways[port]), names) if port in ways else "the end") for port in sorted(moved)]
    return [f"{labels.get(port, port)} → {title}" if len(labels) > 1 else f"→ {title}" for port, title in told]


def side(name: str, title: str, graph: Graph, marks: Mapping[str, str], names: Mapping[str, str], other: Graph) -> Side:
    """Lay one side out with its marks."""
    picture, _, _ = canvas.picture_of(graph, counts=False)
    ways = canvas.ways_of(graph)
    cards = [canvas.card_view(graph, card, [], names, ways) for card in picture.cards]
    gone = "removed" if name == "version" else "added"
    lines = [
        (line, gone if line.target and other.edges.get((line.source, line.port)) != line.target else "")
        for line in picture.lines
    ]
    return Side(name, title, picture, [(one, marks.get(one.key, "")) for one in cards], lines)
