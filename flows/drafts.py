"""The verbs on a flow's draft rows: each takes the flow's row, checks the result, and counts one revision."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction

from flows import graph as graphs
from flows.draft_models import Edit
from flows.graph import Graph, GraphNode
from flows.models import Edge, Flow, Node
from flows.nodes import KINDS
from workspace import clock
from workspace.audit import HOUSE, Actor, record
from workspace.problems import Refused, refuse

KEPT = 200  # how many revisions back a draft remembers who did what
KEPT_CHARACTERS = 500_000


def load(flow: Flow) -> Graph:
    """Return the draft of a flow as a graph."""
    nodes = {
        row.key: GraphNode(row.key, row.kind, row.name, row.note, row.settings) for row in flow.nodes.order_by("id")
    }
    edges = {(row.source, row.port): row.target for row in flow.edges.order_by("id")}
    return Graph(nodes, edges)


def document(flow: Flow) -> dict[str, Any]:
    """Return the draft of a flow as api.md writes it."""
    return load(flow).as_json()


def insert_node(
    flow: Flow,
    kind: str,
    *,
    source: str | None = None,
    port: str = "next",
    settings: Mapping[str, Any] | None = None,
    name: str = "",
    key: str | None = None,
    actor: Actor = HOUSE,
    revision: int | None = None,
) -> str:
    """Put a new node on a slot (source and port), before what stood there, and return its key; a trigger has no slot."""
    made = ""

    def insert(draft: Graph) -> Graph:
        nonlocal made
        node = _new_node(draft, kind, settings, name, key)
        made = node.key
        if source is None or KINDS[kind].is_note:
            return _crown(draft, node)
        return _put(draft.with_nodes(node), node, source, port)

    label = KINDS[kind].label if kind in KINDS else kind
    change(flow, insert, "node_inserted", actor, revision, words=f"{label} added", kind=kind)
    return made


def change_node(
    flow: Flow,
    key: str,
    *,
    settings: Mapping[str, Any] | None = None,
    name: str | None = None,
    note: str | None = None,
    actor: Actor = HOUSE,
    revision: int | None = None,
) -> None:
    """Replace a node's settings, name or note; branches whose port is gone are taken off with all behind them."""

    def turn(draft: Graph) -> Graph:
        node = find(draft, key)
        if settings is not None:
            node = replace(node, settings=dict(settings))
            _refuse_shape(node)
        node = replace(node, name=node.name if name is None else name[:200], note=node.note if note is None else note)
        ports = {port.name for port in node.ports()}
        gone = {way: None for way in draft.edges if way[0] == key and way[1] not in ports}
        return _prune(draft, draft.with_nodes(node).with_edges(gone))

    change(flow, turn, "node_changed", actor, revision, words="{} changed", node=key)


def remove_node(
    flow: Flow, key: str, *, keep: str | None = "next", actor: Actor = HOUSE, revision: int | None = None
) -> None:
    """Take a node out; what follows by the port `keep` (or else by its first port) closes up, the rest goes with it."""

    def remove(draft: Graph) -> Graph:
        return _prune(draft, _take_out(draft, key, keep))

    change(flow, remove, "node_removed", actor, revision, words="{} removed", node=key)


def move_node(
    flow: Flow, key: str, *, source: str, port: str = "next", actor: Actor = HOUSE, revision: int | None = None
) -> None:
    """Move one node to another slot; what followed it closes up."""

    def move(draft: Graph) -> Graph:
        node = find(draft, key)
        if source == key:
            raise refuse("source", "A node cannot follow itself.")
        if draft.edges.get((source, port)) == key:
            return draft
        return _prune(draft, _put(_take_out(draft, key, "next").with_nodes(node), node, source, port), keep=key)

    change(flow, move, "node_moved", actor, revision, words="{} moved", node=key)


def connect(
    flow: Flow, source: str, port: str, target: str | None, *, actor: Actor = HOUSE, revision: int | None = None
) -> None:
    """Let a port lead to a node, or (None) to the end of the journey."""

    def join(draft: Graph) -> Graph:
        find_port(draft, source, port)
        if target is not None:
            find(draft, target)
        return draft.with_edges({(source, port): target})

    change(flow, join, "connected", actor, revision, words="Way out of {} joined", node=source)


def replace_draft(
    flow: Flow, sent: Any, *, actor: Actor = HOUSE, revision: int | None = None, words: str = "Draft replaced"
) -> None:
    """Replace the whole draft by a document; refused with every fault of its shape."""
    wanted = graphs.read(sent)
    change(flow, lambda _: wanted, "draft_replaced", actor, revision, words=words, nodes=len(wanted.nodes))


def change(
    flow: Flow,
    turn: Callable[[Graph], Graph],
    verb: str,
    actor: Actor,
    revision: int | None,
    *,
    words: str = "",
    **detail: Any,
) -> None:
    """Change the draft in one transaction, if it is still the revision seen; with words it can be taken back."""
    with transaction.atomic():
        held = Flow.objects.select_for_update(no_key=True).get(pk=flow.pk)
        if held.archived_at is not None:
            raise refuse("", "This flow is archived; duplicate it to go on.", 409)
        if revision is not None and revision != held.revision:
            raise refuse("revision", "Somebody changed this flow since you read it; reload and try again.", 409)
        before = load(held)
        after = graphs.lead(before, turn(before))
        if len(after.nodes) > graphs.MOST_NODES:
            raise refuse("nodes", f"A flow has at most {graphs.MOST_NODES} nodes.")
        _write(held, before, after)
        held.revision += 1
        held.save(update_fields=["revision", "updated_at"])
        record(actor, f"flow.{verb}", held.ref, **detail)
        if words and actor.user_id:
            _remember(held, before, after, actor, words.format(_label(before, after, detail.get("node", ""))))
    flow.revision = held.revision


def _remember(flow: Flow, before: Graph, after: Graph, actor: Actor, words: str) -> None:
    """Keep what a person changed; what they had taken back cannot be done again after it."""
    parts = {"nodes": _differing(_stored(before), _stored(after)), "edges": _differing(_ways(before), _ways(after))}
    mine = Edit.objects.filter(flow=flow, author_id=actor.user_id)
    mine.filter(undone=True).delete()
    Edit.objects.filter(flow=flow, number__lte=flow.revision - KEPT).delete()
    if not any(parts.values()):
        return
    if len(str(parts)) > KEPT_CHARACTERS:
        mine.delete()  # a change too large to be kept shuts off those before it
        return
    Edit.objects.create(
        flow=flow, number=flow.revision, author_id=actor.user_id, words=words[:200], parts=parts, at=clock.now()
    )


def _label(before: Graph, after: Graph, key: str) -> str:
    node = before.nodes.get(key) or after.nodes.get(key)
    return (node.name or (node.type.label if node.type else node.kind)) if node else "Step"


def _stored(graph: Graph) -> dict[str, Any]:
    return {key: node.as_json() for key, node in graph.nodes.items()}


def _ways(graph: Graph) -> dict[str, str]:
    return {f"{source} {port}": target for (source, port), target in graph.edges.items()}


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return {key: [before.get(key), after.get(key)] for key in keys}


def _write(flow: Flow, before: Graph, after: Graph) -> None:
    gone = before.nodes.keys() - after.nodes.keys()
    Node.objects.filter(flow=flow, key__in=gone).delete()
    changed = [node for key, node in after.nodes.items() if before.nodes.get(key) != node]
    Node.objects.bulk_create(
        [
            Node(flow=flow, key=one.key, kind=one.kind, name=one.name, note=one.note, settings=dict(one.settings))
            for one in changed
        ],
        update_conflicts=True,
        unique_fields=["flow", "key"],
        update_fields=["kind", "name", "note", "settings"],
    )
    if before.edges != after.edges:
        Edge.objects.filter(flow=flow).delete()
        Edge.objects.bulk_create([Edge(flow=flow, source=s, port=p, target=t) for (s, p), t in after.edges.items()])


def _crown(draft: Graph, node: GraphNode) -> Graph:
    """Add a node that stands on no slot; a trigger leads to the first node that nothing else leads to."""
    root = next((key for key in draft.nodes if not draft.into(key)), None)
    grown = draft.with_nodes(node)
    return grown.with_edges({(node.key, "next"): root}) if KINDS[node.kind].group == "trigger" else grown


def _new_node(draft: Graph, kind: str, settings: Mapping[str, Any] | None, name: str, key: str | None) -> GraphNode:
    if kind not in KINDS:
        raise refuse("kind", f"There is no kind of node “{kind[:60]}”; choose one of {', '.join(KINDS)}.")
    if KINDS[kind].group == "trigger" and draft.trigger is not None:
        raise refuse("kind", "A flow has one trigger; change or remove the one it has.")
    key = key or _free_key(draft, kind)
    if not graphs.KEY.match(key) or key in draft.nodes:
        raise refuse("key", "A key has 1 to 63 letters, digits, hyphens and underscores, and is used once.")
    node = GraphNode(key, kind, name[:200], "", dict(settings or {}))
    _refuse_shape(node)
    return node


def _free_key(draft: Graph, kind: str) -> str:
    stem = kind.replace("_", "-")
    number = 1
    while f"{stem}-{number}" in draft.nodes:
        number += 1
    return f"{stem}-{number}"


def _refuse_shape(node: GraphNode) -> None:
    found = graphs.check_settings(node)
    if found:
        raise Refused(f"The settings of “{node.key}” have faults.", found)


def find(draft: Graph, key: str) -> GraphNode:
    """Return a node of a draft; refused when it is not there."""
    if key not in draft.nodes:
        raise refuse("node", f"There is no node “{key[:63]}” in this flow.", 404)
    return draft.nodes[key]


def find_port(draft: Graph, key: str, port: str) -> None:
    """Refuse a way out that a node does not have."""
    ports = [one.name for one in find(draft, key).ports()]
    if port not in ports:
        raise refuse("port", f"The node “{key}” has no port “{port[:63]}”; it has {', '.join(ports) or 'none'}.")


def _put(draft: Graph, node: GraphNode, source: str, port: str) -> Graph:
    """Put a node that nothing leads to on a slot; what stood there follows by its first port."""
    find_port(draft, source, port)
    if node.type and node.type.group == "trigger":
        raise refuse("kind", "A trigger stands at the top; nothing leads to it.")
    follows = draft.edges.get((source, port))
    first = next((one.name for one in node.ports()), None)
    moved: dict[tuple[str, str], str | None] = {(source, port): node.key}
    if first is not None and follows is not None and follows != node.key:
        moved[node.key, first] = follows
    return draft.with_edges(moved)


def _take_out(draft: Graph, key: str, keep: str | None) -> Graph:
    node = find(draft, key)
    ways = dict(draft.out(key))
    follows = None if keep is None else ways.get(keep, next(iter(ways.values()), None))
    closed = dict.fromkeys(draft.into(key), follows if follows != key else None)
    return draft.with_edges(closed).without([node.key])


def _prune(before: Graph, after: Graph, keep: str = "") -> Graph:
    """Drop nodes that could be reached before this change and cannot any more."""
    if before.trigger is None or after.trigger is None:
        return after
    lost = before.reached(before.trigger.key) - after.reached(after.trigger.key) - {keep}
    return after.without(lost & after.nodes.keys())
