"""A branch of a flow as a value: what hangs below a node, copied out, taken off, and put in elsewhere under new keys."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from flows.graph import Graph, GraphNode
from workspace.problems import refuse

NUMBER = re.compile(r"-\d+$")


def branch(graph: Graph, key: str) -> set[str]:
    """Return a node with all that nobody comes to but through it."""
    cut = graph.without([key])
    first = {node for node in graph.nodes if not graph.into(node)} | ({graph.trigger.key} if graph.trigger else set())
    elsewhere: set[str] = set()
    for root in first - {key}:
        elsewhere |= cut.reached(root)
    return (graph.reached(key) - elsewhere) | {key}


def clip(graph: Graph, key: str, *, below: bool) -> dict[str, Any]:
    """Return a node, or its whole branch, as a document of its own: `first` says where a way into it leads."""
    keys = branch(graph, key) if below else {key}
    kept = graph.without(graph.nodes.keys() - keys)
    return {"first": key, **kept.as_json()}


def paste(draft: Graph, cutting: Graph, first: str, source: str, port: str) -> tuple[Graph, str]:
    """Put a cutting on a slot under keys of its own; what stood there follows where its first way ends."""
    fresh = _fresh_keys(draft, cutting)
    nodes = [_renamed(node, fresh) for node in cutting.nodes.values()]
    inner = {(fresh[way[0]], way[1]): fresh[to] for way, to in cutting.edges.items()}
    follows = draft.edges.get((source, port))
    grown = draft.with_nodes(*nodes).with_edges({**inner, (source, port): fresh[first]})
    end = open_end(grown, fresh[first], set(fresh.values())) if follows else None
    return grown.with_edges({end: follows}) if end else grown, fresh[first]


def move(draft: Graph, key: str, source: str, port: str) -> Graph:
    """Put a branch on another slot; its old place closes up, and what stood at the new one follows its first way."""
    keys = branch(draft, key)
    if source in keys:
        raise refuse("source", "A branch cannot follow itself.")
    if draft.edges.get((source, port)) == key:
        return draft
    outward = dict.fromkeys(_outward(draft, keys))
    cut = draft.with_edges({**dict.fromkeys(draft.into(key), _meets(draft, key, keys)), **outward})
    follows = cut.edges.get((source, port))
    grown = cut.with_edges({(source, port): key})
    end = open_end(grown, key, keys) if follows else None
    return grown.with_edges({end: follows}) if end else grown


def take_off(draft: Graph, key: str) -> Graph:
    """Take a branch off; where it met others, the way into it leads there."""
    keys = branch(draft, key)
    return draft.with_edges(dict.fromkeys(draft.into(key), _meets(draft, key, keys))).without(keys)


def _outward(graph: Graph, keys: set[str]) -> list[tuple[str, str]]:
    return [way for way, target in graph.edges.items() if way[0] in keys and target not in keys]


def _meets(graph: Graph, key: str, keys: set[str]) -> str | None:
    """Return where a branch first meets others again; nowhere when that lies above it."""
    for way in _outward(graph, keys):
        if key not in graph.reached(graph.edges[way]):
            return graph.edges[way]
    return None


def open_end(graph: Graph, start: str, keys: Iterable[str]) -> tuple[str, str] | None:
    """Return where the first way down from a node ends openly within these keys."""
    inside, seen, key = set(keys), set(), start
    while key in inside and key not in seen:
        seen.add(key)
        ports = [port.name for port in graph.nodes[key].ports()]
        free = next((port for port in ports if (key, port) not in graph.edges), None)
        if free is not None:
            return key, free
        if not ports:
            return None
        key = graph.edges[key, ports[0]]
    return None


def _fresh_keys(draft: Graph, cutting: Graph) -> dict[str, str]:
    """Return a key that is free for each node that comes in."""
    taken = set(draft.nodes)
    fresh: dict[str, str] = {}
    for key in cutting.nodes:
        stem, number = NUMBER.sub("", key)[:56], 1
        wanted = key
        while wanted in taken:
            wanted, number = f"{stem}-{number}", number + 1
        taken.add(wanted)
        fresh[key] = wanted
    return fresh


def _renamed(node: GraphNode, fresh: Mapping[str, str]) -> GraphNode:
    """Return a node under its new key, speaking of those that came with it by theirs."""
    settings = _said_anew(node.settings, fresh)
    if node.kind == "jump":
        settings = {**settings, "to": fresh.get(str(settings.get("to", "")), settings.get("to", ""))}
    return replace(node, key=fresh[node.key], settings=settings)


def _said_anew(value: Any, fresh: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _answered(name, _said_anew(one, fresh), fresh) for name, one in value.items()}
    if isinstance(value, list):
        return [_said_anew(one, fresh) for one in value]
    if isinstance(value, str) and value.startswith("node:"):
        return f"node:{fresh.get(value.removeprefix('node:'), value.removeprefix('node:'))}"
    return value


def _answered(name: str, value: Any, fresh: Mapping[str, str]) -> Any:
    """Say which step answered: {"answer": "webhook-1.status"}."""
    if name != "answer" or not isinstance(value, str):
        return value
    step, dot, path = value.partition(".")
    return f"{fresh.get(step, step)}{dot}{path}"
