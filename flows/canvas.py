"""What the canvas shows of a flow: cards in words, with their places, faults and counts; one value for one template."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest
from pydantic import ValidationError

from contacts.catalogue import load_catalogue
from contacts.models import List, Topic
from contacts.properties import CUSTOM, STANDARD
from flows import checking, drafts, folding
from flows.forms import Choices
from flows.graph import Graph, GraphNode, NodeFault
from flows.layout import COUNTS, Card, Picture, Slot, lay_out
from flows.models import Flow
from flows.nodes import KINDS
from flows.nodes.base import AnyNode
from flows.tree import Box, Port, Tree, Way
from messaging.models import Sender, Template
from segmentation.models import Destination, Segment
from workspace.problems import Fault

# The icons that kinds name, as the sprite calls them.
ICONS = {
    "edit": "pencil",
    "list-add": "list-plus",
    "list-remove": "list-minus",
    "segment-add": "user-plus",
    "segment-remove": "user-minus",
    "segment": "layers",
    "bolt": "zap",
    "exit": "log-out",
    "sms": "smartphone",
    "whatsapp": "message-circle",
    "push": "bell",
    "onsite": "layout-template",
    "notify": "users",
    "subscribe": "circle-check",
    "unsubscribe": "ban",
    "record": "activity",
    "start-flow": "workflow",
    "leave-flow": "log-out",
    "export": "upload",
    "delete": "trash-2",
}
UNSET = "…"
QUOTED = re.compile("“([a-z][a-z0-9-]{0,62})”")


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind as the palette and the menus offer it."""

    kind: str
    group: str
    label: str
    icon: str
    description: str


@dataclass(slots=True)
class CardView:
    """A node as its card shows it."""

    key: str
    group: str
    icon: str
    label: str
    name: str
    words: str
    card: Card
    missing: list[str] = field(default_factory=list)
    below: int = 0  # how many nodes hang below its ways out other than the first
    branch: int = 0  # how many nodes nobody comes to but through this one
    folded: bool = False
    note: bool = False  # text only, on no way
    wrong: int = 0  # how many of those folded away behind it lack something

    @property
    def slots(self) -> list[Slot]:
        """Return its ways out."""
        return self.card.slots

    @property
    def title(self) -> str:
        """Return what the node is called."""
        return self.name or self.words or self.label


@dataclass(slots=True)
class Canvas:
    """The whole canvas of one flow."""

    flow: Flow
    graph: Graph
    picture: Picture
    cards: list[CardView]
    faults: list[NodeFault]
    names: Mapping[str, str]
    hidden: Sequence[tuple[str, str]] = ()  # keys and titles of what is folded away

    @property
    def trigger_missing(self) -> list[str]:
        """Return what the trigger still lacks; with any of it the flow cannot be activated."""
        trigger = self.graph.trigger
        if trigger is None:
            return ["Choose a trigger."]
        return [one.message for one in self.errors if one.node == trigger.key]

    @property
    def errors(self) -> list[NodeFault]:
        """Return the faults that keep the flow from running."""
        return [one for one in self.faults if one.severity == "error"]

    @property
    def titles(self) -> dict[str, str]:
        """Return each node's title by its key."""
        return {card.key: card.title for card in self.cards}

    @property
    def empty(self) -> bool:
        """Tell whether there is nothing but a trigger."""
        return len(self.cards) <= 1


def entry_of(node: AnyNode) -> Entry:
    """Return a kind as the palette shows it."""
    return Entry(node.kind, node.group, node.label, icon_of(node), node.description)


def icon_of(node: AnyNode | None) -> str:
    """Return the sprite's name of a kind's icon."""
    return ICONS.get(node.icon, node.icon) if node else "circle-alert"


TRIGGERS = [entry_of(one) for one in KINDS.values() if one.group == "trigger"]
PALETTE = [
    ("Actions", [entry_of(one) for one in KINDS.values() if one.group == "action"]),
    ("Rules", [entry_of(one) for one in KINDS.values() if one.group == "rule"]),
]


def draw(flow: Flow, folded: Collection[str] = ()) -> Canvas:
    """Read the draft of a flow and lay it out with its faults."""
    graph = drafts.load(flow)
    picture, tree, behind = picture_of(graph, counts=flow.version_id is not None, folded=folded)
    faults = checking.check(flow)
    names = names_of_used()
    by_node: dict[str, list[str]] = {}
    for fault in faults:
        if fault.severity == "error":
            by_node.setdefault(fault.node, []).append(fault.message)
    ways = ways_of(graph)
    cards = [card_view(graph, card, by_node.get(card.key, []), names, ways) for card in picture.cards]
    deep, wrong = folding.depths(tree), Counter(behind.get(key) for key in by_node)
    for card in cards:
        card.branch, card.folded, card.wrong = deep[card.key], card.key in behind.values(), wrong[card.key]
    titles = [(key, graph.nodes[key].name or words_of(graph.nodes[key], names)) for key in behind]
    return Canvas(flow, graph, picture, cards, faults, names, titles)


def picture_of(graph: Graph, *, counts: bool, folded: Collection[str] = ()) -> tuple[Picture, Tree, Mapping[str, str]]:
    """Lay a graph out; return with it the whole tree, and what is folded away behind which node."""
    boxes, ways = boxes_of(graph), [Way(source, port, to) for (source, port), to in graph.edges.items()]
    tree = Tree(boxes, ways)
    behind = folding.hidden(tree, folded)
    shown = folding.fold(boxes, ways, behind) if behind else (boxes, ways)
    return lay_out(*shown, counts=counts), tree, behind


def boxes_of(graph: Graph) -> list[Box]:
    """Return the nodes of a graph as the layout sees them."""
    first = graph.trigger
    return [
        Box(
            key,
            tuple(Port(port.name, port.label) for port in node.ports()),
            root=first is not None and key == first.key,
        )
        for key, node in graph.nodes.items()
    ]


def ways_of(graph: Graph) -> dict[str, list[str]]:
    """Return where the ways out of each node lead."""
    ways: dict[str, list[str]] = {}
    for (source, _), target in graph.edges.items():
        ways.setdefault(source, []).append(target)
    return ways


def _below(ways: Mapping[str, Sequence[str]], starts: Sequence[str]) -> int:
    """Return how many nodes can be reached from these, themselves included."""
    seen = set(starts)
    ahead = list(starts)
    while ahead:
        fresh = [one for one in ways.get(ahead.pop(), ()) if one not in seen]
        seen.update(fresh)
        ahead += fresh
    return len(seen)


def card_view(
    graph: Graph, card: Card, missing: list[str], names: Mapping[str, str], ways: Mapping[str, Sequence[str]]
) -> CardView:
    """Put a node into words."""
    node = graph.nodes[card.key]
    kind = node.type
    words = said_of(node, names) if missing else words_of(node, names)  # what is missing says it better
    return CardView(
        key=card.key,
        group=kind.group if kind else "rule",
        icon=icon_of(kind),
        label=_label(kind) if kind else node.kind,
        name=node.name,
        words=words,
        card=card,
        missing=missing,
        note=_is_note(graph, card.key),
        below=_below(ways, [slot.target for slot in card.slots[1:] if slot.target]),
    )


def _label(kind: AnyNode) -> str:
    return f"Trigger · {kind.label}" if kind.group == "trigger" else kind.label


def words_of(node: GraphNode, names: Mapping[str, str]) -> str:
    """Say what a node does, with names where its settings have slugs."""
    if node.type is None:
        return f"Nobody knows the kind “{node.kind}”."
    try:
        words = node.type.words(node.read())
    except ValidationError:
        return node.type.description
    prefix = f"{node.type.label}: "
    if words.startswith(prefix):
        words = words.removeprefix(prefix)[:1].upper() + words.removeprefix(prefix)[1:]
    return QUOTED.sub(lambda found: f"“{names.get(found[1], found[1])}”", words)


def said_of(node: GraphNode, names: Mapping[str, str]) -> str:
    """Say what a node does; nothing while it is not set up."""
    words = words_of(node, names)
    return "" if UNSET in words else words


def names_of_used() -> dict[str, str]:
    """Return names by slug of all that nodes name by slug."""
    names: dict[str, str] = {}
    for model in (Template, List, Segment, Flow, Destination):
        names.update(model._default_manager.values_list("slug", "name"))
    return names


def _offered(templates: Sequence[tuple[str, str, str, int | None]], channel: str) -> list[tuple[str, str]]:
    return [
        (slug, name if version else f"{name} (not published)")
        for slug, name, mine, version in templates
        if mine == channel
    ]


def places_of(graph: Graph, key: str) -> list[tuple[str, str]]:
    """Return the steps that another step may lead to, as its panel offers them."""
    names = names_of_used()
    return [
        (node.key, f"{node.name or words_of(node, names)} ({node.key})")
        for node in graph.nodes.values()
        if node.key != key and node.type and node.type.group != "trigger" and not node.type.is_note
    ]


def load_choices() -> Choices:
    """Read what the selects of a panel offer."""
    known = load_catalogue()
    segments = list(Segment.objects.filter(archived_at=None).order_by("name").values_list("slug", "name", "kind"))
    templates = list(
        Template.objects.filter(archived_at=None).order_by("name").values_list("slug", "name", "channel", "version")
    )
    custom = {f"{CUSTOM}{name}": kind for name, kind in sorted(known.attributes.items())}
    return Choices(
        segments=[(slug, name) for slug, name, _ in segments],
        static_segments=[(slug, name) for slug, name, kind in segments if kind == Segment.Kind.STATIC],
        lists=list(List.objects.order_by("name").values_list("slug", "name")),
        templates=_offered(templates, "email"),
        texts={one: _offered(templates, one) for one in ("sms", "whatsapp", "push", "onsite")},
        destinations=list(Destination.objects.filter(kind="webhook").order_by("name").values_list("slug", "name")),
        staff=[(str(pk), f"{name} ({email})" if name != email else email) for pk, name, email in checking.staff()],
        senders=list(Sender.objects.filter(channel="email").order_by("name").values_list("slug", "name")),
        topics=list(Topic.objects.order_by("name").values_list("slug", "name")),
        events=sorted(known.events),
        attributes={name: one.type.value for name, one in STANDARD.items()} | custom,
        properties=known.events,
        flows=list(Flow.objects.filter(archived_at=None).order_by("name", "id").values_list("slug", "name")),
    )


def strips(counted: Mapping[str, Any], picture: Picture, graph: Graph) -> list[dict[str, Any]]:
    """Return what the strip at the foot of each card says, and beside each of several ways out, and where they lie."""
    nodes: Mapping[str, Mapping[str, Any]] = counted["nodes"]
    below = picture.card_height - COUNTS
    first = graph.trigger.key if graph.trigger else ""
    return [
        {
            **nodes.get(one.key, {}),
            "key": one.key,
            "x": one.x,
            "y": one.y + below,
            "trigger": one.key == first,
            "ways": _ways(one, nodes.get(one.key, {}).get("ports", {})),
        }
        for one in picture.cards
        if not _is_note(graph, one.key)  # nobody passes a note
    ]


def _is_note(graph: Graph, key: str) -> bool:
    kind = graph.nodes[key].type
    return kind is not None and kind.is_note


def _ways(card: Card, counted: Mapping[str, int]) -> list[dict[str, Any]]:
    several = [slot for slot in card.slots if slot.label and not slot.port.startswith(folding.FOLD)]
    return [{"port": one.port, "x": one.x, "y": one.y + 26, "count": counted.get(one.port, 0)} for one in several]


def with_titles(faults: Sequence[NodeFault], titles: Mapping[str, str]) -> list[dict[str, str]]:
    """Return faults with the title of the node each is at."""
    return [{"node": one.node, "title": titles.get(one.node, "This flow"), "message": one.message} for one in faults]


def faults_at(flow: Flow, key: str, drawn: Canvas | None = None) -> list[Fault]:
    """Return what is missing at one node of the draft, by its settings."""
    found = drawn.faults if drawn else checking.check(flow)
    return [Fault(one.field, one.message) for one in found if one.node == key]


def faults_of(flow: Flow, kind: str, settings: Mapping[str, Any]) -> list[Fault]:
    """Return what would be missing at a node of a flow with these settings."""
    near = checking.inside(checking.surroundings(), drafts.load(flow))
    found = checking.node_faults(GraphNode("", kind, settings=settings), near)
    return [Fault(one.field, one.message) for one in found]


def template_of(slug: str) -> int | None:
    """Return the id of a template by its slug."""
    return Template.objects.filter(slug=slug).values_list("pk", flat=True).first() if slug else None


def allow(request: HttpRequest, right: str) -> None:
    """Refuse whoever lacks a right."""
    if not request.user.has_perm(right):
        raise PermissionDenied


def asked(request: HttpRequest, name: str) -> str:
    """Return a parameter of the address, without what the database cannot hold."""
    return request.GET.get(name, "").replace("\x00", "").strip()[:200]


def refuse_nul(request: HttpRequest) -> None:
    """Refuse a form with bytes that the database cannot hold."""
    if any("\x00" in value for _, values in request.POST.lists() for value in values):
        raise BadRequest("The form holds a NUL character, which cannot be stored.")
