"""A flow's graph as a value: what is connected to what, and everything wrong with it at once."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from flows.nodes import KINDS
from flows.nodes.base import HERE, AnyNode, Port, setting_faults
from workspace.problems import Fault, Refused

KEY = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")
MOST_NODES = 500
NODE_FIELDS = {"id", "kind", "name", "note", "settings"}
EDGE_FIELDS = {"from", "port", "to"}


@dataclass(frozen=True, slots=True)
class NodeFault:
    """One thing wrong with a flow: at which node and setting, and what to do about it."""

    node: str
    field: str
    message: str
    severity: str = "error"

    def as_json(self) -> dict[str, str]:
        """Return the wire form."""
        return {"node": self.node, "field": self.field, "message": self.message, "severity": self.severity}


@dataclass(frozen=True, slots=True)
class GraphNode:
    """One node of a graph, its settings as stored."""

    key: str
    kind: str
    name: str = ""
    note: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def type(self) -> AnyNode | None:
        """Return its kind, or None when nobody knows it."""
        return KINDS.get(self.kind)

    def read(self) -> Any:
        """Read its settings; raises ValidationError, or KeyError for an unknown kind."""
        return KINDS[self.kind].read(self.settings)

    def ports(self) -> tuple[Port, ...]:
        """Return its ways out; none while its settings cannot be read."""
        try:
            return tuple(KINDS[self.kind].ports(self.read()))
        except (KeyError, ValidationError):
            return ()

    def questions(self) -> dict[str, Any]:
        """Return what it asks of contacts, itself named where a question speaks of coming here."""
        return {name: _placed(one, self.key) for name, one in KINDS[self.kind].asks(self.read()).items()}

    @property
    def asks_since_here(self) -> bool:
        """Tell whether a question speaks of coming here."""
        return any(_speaks_of_here(one) for one in KINDS[self.kind].asks(self.read()).values())

    def as_json(self) -> dict[str, Any]:
        """Return the wire form."""
        note = {"note": self.note} if self.note else {}
        return {"id": self.key, "kind": self.kind, "name": self.name, **note, "settings": dict(self.settings)}


def _placed(document: Any, key: str) -> Any:
    """Put a node's own name where its question says HERE; one that is not on a canvas yet means entry."""
    if isinstance(document, dict):
        return {name: _placed(value, key) for name, value in document.items()}
    if isinstance(document, list):
        return [_placed(one, key) for one in document]
    return (f"node:{key}" if key else "entry") if document == HERE else document


def _speaks_of_here(document: Any) -> bool:
    return bool(_placed(document, "a") != document)


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes by key in their order, and where each port leads."""

    nodes: Mapping[str, GraphNode] = field(default_factory=dict)
    edges: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def trigger(self) -> GraphNode | None:
        """Return the node that starts the flow: its first trigger."""
        return next((node for node in self.nodes.values() if node.type and node.type.group == "trigger"), None)

    def out(self, key: str) -> Iterator[tuple[str, str]]:
        """Yield (port, target) of a node in the order of its ports."""
        for port in self.nodes[key].ports() if key in self.nodes else ():
            if (target := self.edges.get((key, port.name))) is not None:
                yield port.name, target

    def into(self, key: str) -> list[tuple[str, str]]:
        """Return the (source, port) that lead to a node."""
        return [way for way, target in self.edges.items() if target == key]

    def waits(self, key: str, port: str) -> bool:
        """Tell whether everybody who leaves a node by this port has waited there."""
        node = self.nodes[key]
        try:
            return node.type is not None and node.type.waits(node.read(), port)
        except ValidationError:
            return False

    def reached(self, start: str) -> set[str]:
        """Return all nodes that can be reached from one, itself included."""
        seen: set[str] = set()
        ahead = [start]
        while ahead:
            key = ahead.pop()
            if key in self.nodes and key not in seen:
                seen.add(key)
                ahead += [target for (source, _), target in self.edges.items() if source == key]
        return seen

    def with_nodes(self, *nodes: GraphNode) -> "Graph":
        """Return the graph with these nodes added or replaced."""
        return replace(self, nodes={**self.nodes, **{node.key: node for node in nodes}})

    def with_edges(self, edges: Mapping[tuple[str, str], str | None]) -> "Graph":
        """Return the graph with these ports leading elsewhere, or (None) nowhere."""
        merged = {**self.edges, **edges}
        return replace(self, edges={way: target for way, target in merged.items() if target is not None})

    def without(self, keys: Iterable[str]) -> "Graph":
        """Return the graph without these nodes and all edges at them."""
        gone = set(keys)
        kept = {way: target for way, target in self.edges.items() if way[0] not in gone and target not in gone}
        return Graph({key: node for key, node in self.nodes.items() if key not in gone}, kept)

    def as_json(self) -> dict[str, Any]:
        """Return the draft document."""
        edges = [{"from": source, "port": port, "to": target} for (source, port), target in self.edges.items()]
        return {"nodes": [node.as_json() for node in self.nodes.values()], "edges": edges}


def lead(before: Graph, after: Graph) -> Graph:
    """Let the way out of each jump lead where its settings say; where the way itself was changed, the settings follow."""
    for key, node in after.nodes.items():
        if node.kind != "jump":
            continue
        way, said = (key, "next"), str(node.settings.get("to") or "")
        led = after.edges.get(way, "")
        asked = before.nodes.get(key)
        if asked is None or asked.settings.get("to", "") != said or led == before.edges.get(way, ""):
            led = said if said in after.nodes and said != key else led if asked is None and not said else ""
        after = after.with_edges({way: led or None})
        after = after.with_nodes(replace(node, settings={**node.settings, "to": led}))
    return after


def read(document: Any) -> Graph:
    """Read a draft document; raise Refused with every fault of its shape (its sense is `faults`)."""
    if not isinstance(document, dict):
        raise Refused("A draft is an object with nodes and edges.", [Fault("draft", "Send an object.")])
    found: list[Fault] = [
        Fault(key, "There is no such key in a draft.") for key in document if key not in ("nodes", "edges")
    ]
    nodes = _read_nodes(_items(document, "nodes", found), found)
    edges = _read_edges(_items(document, "edges", found), nodes, found)
    if found:
        raise Refused("The draft has faults.", found)
    return Graph(nodes, edges)


def _items(document: Mapping[str, Any], name: str, found: list[Fault]) -> list[Any]:
    items = document.get(name, [])
    most = MOST_NODES if name == "nodes" else MOST_NODES * 4
    if not isinstance(items, list):
        found.append(Fault(name, "Send a list."))
    elif len(items) > most:
        found.append(Fault(name, f"There are {len(items):,} {name}; at most {most:,} are taken."))
    else:
        return items
    return []


def _read_nodes(items: list[Any], found: list[Fault]) -> dict[str, GraphNode]:
    nodes: dict[str, GraphNode] = {}
    for index, item in enumerate(items):
        path = f"nodes[{index}]"
        node = _read_node(item, path, found)
        if node is not None and node.key in nodes:
            found.append(Fault(f"{path}.id", f"Two nodes have the id “{node.key}”."))
        elif node is not None:
            nodes[node.key] = node
    return nodes


def _read_node(item: Any, path: str, found: list[Fault]) -> GraphNode | None:
    if not isinstance(item, dict):
        found.append(Fault(path, "A node is an object with id, kind and settings."))
        return None
    found += [Fault(f"{path}.{key}", "There is no such key on a node.") for key in item if key not in NODE_FIELDS]
    key, kind, settings = item.get("id"), item.get("kind"), item.get("settings", {})
    name, note = item.get("name", ""), item.get("note", "")
    if not isinstance(key, str) or not KEY.match(key):
        found.append(Fault(f"{path}.id", "An id has 1 to 63 letters, digits, hyphens and underscores."))
    elif not isinstance(kind, str) or kind not in KINDS:
        found.append(
            Fault(f"{path}.kind", f"There is no kind of node “{str(kind)[:60]}”; choose one of {', '.join(KINDS)}.")
        )
    elif not isinstance(settings, dict):
        found.append(Fault(f"{path}.settings", "Settings are an object."))
    elif not isinstance(name, str) or len(name) > 200 or not isinstance(note, str) or len(note) > 10_000:
        found.append(Fault(f"{path}.name", "A name is text of at most 200 characters, a note of at most 10,000."))
    else:
        node = GraphNode(key, kind, name.strip(), note, settings)
        found += check_settings(node, f"{path}.settings")
        return node
    return None


def check_settings(node: GraphNode, path: str = "settings") -> list[Fault]:
    """Return what is wrong with the shape of a node's settings (missing ones are no fault of a draft)."""
    try:
        node.read()
    except ValidationError as error:
        return setting_faults(error, path)
    return []


def _read_edges(items: list[Any], nodes: Mapping[str, GraphNode], found: list[Fault]) -> dict[tuple[str, str], str]:
    edges: dict[tuple[str, str], str] = {}
    for index, item in enumerate(items):
        fault = _edge_fault(item, nodes, edges)
        if fault:
            found.append(Fault(f"edges[{index}]{fault[0]}", fault[1]))
        else:
            edges[item["from"], item.get("port", "next")] = item["to"]
    return edges


def _edge_fault(
    item: Any, nodes: Mapping[str, GraphNode], edges: Mapping[tuple[str, str], str]
) -> tuple[str, str] | None:
    if not isinstance(item, dict) or not all(isinstance(value, str) for value in item.values()):
        return "", "An edge is an object with from, port and to, all of them text."
    if unknown := sorted(set(item) - EDGE_FIELDS):
        return f".{unknown[0]}", "There is no such key on an edge."
    source, port, target = item.get("from"), item.get("port", "next"), item.get("to")
    if source is None or source not in nodes:
        return ".from", f"There is no node “{str(source)[:63]}”."
    if target not in nodes:
        return ".to", f"There is no node “{str(target)[:63]}”."
    ports = [one.name for one in nodes[source].ports()]
    if port not in ports:
        return ".port", f"The node “{source}” has no port “{port[:63]}”; it has {', '.join(ports) or 'none'}."
    if (source, port) in edges:
        return ".port", f"Two edges leave “{source}” by “{port}”; each port leads to one node."
    return None


def faults(graph: Graph) -> list[NodeFault]:
    """Return what is wrong with how the nodes are put together."""
    return [*_trigger_faults(graph), *_kind_faults(graph), *_unreachable(graph), *_hasty_loops(graph)]


def _trigger_faults(graph: Graph) -> list[NodeFault]:
    triggers = [node.key for node in graph.nodes.values() if node.type and node.type.group == "trigger"]
    if not triggers:
        return [NodeFault("", "trigger", "Choose a trigger: it says what starts this flow.")]
    found = [NodeFault(key, "kind", "A flow has one trigger; remove this one or the other.") for key in triggers[1:]]
    back = {target for target in graph.edges.values() if target in triggers}
    notes = {target for target in graph.edges.values() if _is_note(graph, target)}
    return [
        *found,
        *(NodeFault(key, "kind", "Nothing may lead back to a trigger.") for key in sorted(back)),
        *(NodeFault(key, "kind", "Nobody passes a note; lead the way to a step.") for key in sorted(notes)),
    ]


def _is_note(graph: Graph, key: str) -> bool:
    node = graph.nodes.get(key)
    return node is not None and node.type is not None and node.type.is_note


def _kind_faults(graph: Graph) -> list[NodeFault]:
    found = [
        NodeFault(node.key, "kind", f"There is no kind of node “{node.kind}”.")
        for node in graph.nodes.values()
        if node.type is None
    ]
    for (source, port), target in graph.edges.items():
        known = graph.nodes.get(source)
        if known is None or target not in graph.nodes:
            found.append(NodeFault(source, "port", "An edge leads to or from a node that is not there."))
        elif known.type and port not in {one.name for one in known.ports()}:
            found.append(NodeFault(source, "port", f"There is no port “{port}” here, but an edge leaves by it."))
    return found


def _unreachable(graph: Graph) -> list[NodeFault]:
    if graph.trigger is None:
        return []
    reached = graph.reached(graph.trigger.key)
    return [
        NodeFault(key, "", "Nobody can come here; connect it or remove it.")
        for key, node in graph.nodes.items()
        if key not in reached and not (node.type and (node.type.group == "trigger" or node.type.is_note))
    ]


def _hasty_loops(graph: Graph) -> list[NodeFault]:
    """Find circles that pass through no wait, by removing until nothing without a way in is left."""
    left: dict[str, set[str]] = {key: set() for key in graph.nodes}
    for (source, port), target in graph.edges.items():
        if source in left and not graph.waits(source, port):
            left[source].add(target)
    while ends := [key for key, targets in left.items() if not targets & left.keys()]:
        for key in ends:
            del left[key]
    return [
        NodeFault(key, "", "This loop has no wait: everybody would go round it without end. Put a wait into it.")
        for key in left
        if key in _ahead(left, key)
    ]


def _ahead(ways: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    ahead = list(ways[start])
    while ahead:
        key = ahead.pop()
        if key in ways and key not in seen:
            seen.add(key)
            ahead += ways[key]
    return seen
