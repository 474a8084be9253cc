"""Flows that start each other: a draft that would close a circle with what runs is worth a second look."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Q

from flows.graph import Graph
from flows.models import Flow

FINISHED, STARTS = "flow_finished", "start_flow"
LIVE = ("running", "paused")
Found = tuple[str, str, str]  # node, setting, sentence


def found(flow: Flow, draft: Graph) -> Iterator[Found]:
    """Yield the nodes of a draft by which a journey would come back to this flow, with the way it takes."""
    ways, names = _live(flow)
    own = [(key, node.kind, str(node.settings.get("flow") or "")) for key, node in draft.nodes.items()]
    for key, kind, other in own:
        if not other or kind not in (FINISHED, STARTS):
            continue
        after = {
            **ways,
            flow.slug: ways.get(flow.slug, set()) | {one for _, what, one in own if what == STARTS and one},
        }
        start, end = (flow.slug, other) if kind == FINISHED else (other, flow.slug)
        if way := _way(after, start, end):
            through = " → ".join(f"“{names.get(slug, slug)}”" for slug in way)
            yield (
                key,
                "flow",
                f"This closes a circle: {through} → “{names.get(way[0], way[0])}”. Only the gap of re-entry keeps a contact"
                " from going round and round; see that one of these flows lets nobody in twice.",
            )


def _live(flow: Flow) -> tuple[dict[str, set[str]], dict[str, str]]:
    """Return which flows each of the others starts, as they run now, and what flows are called."""
    kinds = Q(version__graph__contains={"nodes": [{"kind": FINISHED}]}) | Q(
        version__graph__contains={"nodes": [{"kind": STARTS}]}
    )
    others = Flow.objects.filter(kinds, status__in=LIVE, archived_at=None).exclude(pk=flow.pk)
    ways: dict[str, set[str]] = {}
    for slug, graph in others.values_list("slug", "version__graph"):
        for source, target in _edges(slug, graph):
            ways.setdefault(source, set()).add(target)
    return ways, dict(Flow.objects.values_list("slug", "name"))


def _edges(slug: str, graph: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for one in graph["nodes"]:
        other = one.get("settings", {}).get("flow", "")
        if one["kind"] == FINISHED and other:
            yield other, slug
        elif one["kind"] == STARTS and other:
            yield slug, other


def _way(ways: Mapping[str, set[str]], start: str, end: str) -> list[str]:
    """Return the shortest way from one flow to another, both named; empty when there is none."""
    came: dict[str, str] = {start: ""}
    ahead = [start]
    while ahead:
        here = ahead.pop(0)
        if here == end:
            way = [here]
            while came[way[0]]:
                way.insert(0, came[way[0]])
            return way
        for other in sorted(ways.get(here, ())):
            if other not in came:
                came[other] = here
                ahead.append(other)
    return []
