"""What is worth a second look in a flow that can run: said before activation, refused by nothing."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from contacts.properties import CUSTOM
from flows import activation, circles, drafts
from flows.graph import Graph, GraphNode, NodeFault
from flows.models import Flow
from flows.nodes.base import Surroundings
from messaging.models import Template
from segmentation.models import Segment
from workspace.durations import Duration
from workspace.problems import Refused

TAG = re.compile(r"contact\.customProperties\.([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)")
SAYS = frozenset({"send_email", "send_sms", "send_whatsapp", "send_push", "send_onsite"})
PARTS = ("subject", "preheader", "body")
Document = Mapping[str, Any]


def advise(flow: Flow, near: Surroundings) -> list[NodeFault]:
    """Return warnings about a flow's draft: nothing here keeps it from running."""
    draft = drafts.load(flow)
    try:
        settings = activation.read(flow.settings)
    except Refused:
        return []
    readable = [node for node in draft.nodes.values() if _is_readable(node)]
    found = [
        *_splits(readable, settings),
        *_waits(draft, readable, settings),
        *_dead_ends(draft, readable),
        *_messages(readable, near),
        *circles.found(flow, draft),
    ]
    return [NodeFault(key, path, sentence, "warning") for key, path, sentence in found]


def _is_readable(node: GraphNode) -> bool:
    try:
        node.read()
    except (ValidationError, KeyError):
        return False
    return True


Found = tuple[str, str, str]  # node, setting, sentence


def _splits(nodes: list[GraphNode], settings: activation.Activation) -> Iterator[Found]:
    for node in nodes:
        if node.kind != "split":
            continue
        for index, branch in enumerate(node.read().branches):
            path, name = f"branches[{index}].criteria", branch.label or branch.port
            always = _is_everyone(branch.criteria)
            if always:
                yield node.key, path, f"Everybody takes “{name}”: the ways after it are never taken."
            elif always is False:
                yield node.key, path, f"Nobody takes “{name}”: it excludes everyone."
            elif branch.criteria and settings.exit_when and _same(branch.criteria, settings.exit_when):
                yield (
                    node.key,
                    path,
                    f"Nobody takes “{name}”: the exit condition is the same, so they have left by then.",
                )


def _is_everyone(criteria: Document | None) -> bool | None:
    """Tell whether criteria hold for everybody (True) or nobody (False) whoever they are; None when it depends."""
    one = criteria or {}
    while len(one.get("conditions", ())) == 1 and not one.get("negate"):
        one = one["conditions"][0]
    return not one.get("negate", False) if one.get("type") == "EVERYONE" else None


def _same(one: Document, two: Document) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)


def _waits(draft: Graph, nodes: list[GraphNode], settings: activation.Activation) -> Iterator[Found]:
    """Find waits that outlast the window by which the contact belongs to the segment whose leaving ends the journey."""
    trigger = draft.trigger
    if trigger is None or trigger.kind != "contact_segment" or trigger.settings.get("when", "enters") != "enters":
        return
    window = _shortest_window(trigger.settings.get("segment", "")) if settings.exit_on_leave else None
    for node in nodes:
        length = Duration.parse(node.settings["duration"]).longest if _has_length(node) else timedelta()
        if window is not None and length > window.longest:
            yield (
                node.key,
                "duration",
                f"The segment looks at the last {window.words()}: whoever does nothing new leaves it, and the flow, before"
                " this wait is over.",
            )


def _dead_ends(draft: Graph, nodes: list[GraphNode]) -> Iterator[Found]:
    """Find rules after which nothing comes: whoever waits or is told apart there does so for nothing."""
    for node in nodes:
        counts = node.type is not None and node.type.group == "rule" and bool(node.ports())
        if counts and node.kind not in MEANS_SOMETHING and not list(draft.out(node.key)):
            yield (
                node.key,
                "",
                "Nothing comes after this: whoever has passed it is at the end. Lead it on, or remove it.",
            )


MEANS_SOMETHING = ("goal", "jump", "exit", "ab_test", "random_split")  # also as the last step of a way


def _has_length(node: GraphNode) -> bool:
    return node.kind == "wait" and bool(node.settings.get("duration"))


def _shortest_window(slug: str) -> Duration | None:
    """Return the shortest window of what a member must have done; None when time alone lets nobody leave."""
    segment = Segment.objects.filter(slug=slug).select_related("rule").first()
    lengths = list(_windows(segment.rule.document)) if segment and segment.rule else []
    return min(lengths, key=lambda one: one.longest, default=None)


def _windows(document: Document) -> Iterator[Duration]:
    if document.get("negate") or document.get("operator") == "OR":
        return
    for one in document.get("conditions", ()):
        yield from _windows(one)
    last = document.get("window", {}).get("last") if document.get("type") == "EVENT" else None
    if last and document.get("aggregate", {}).get("operator", ">=") in (">=", ">", "="):
        yield Duration.parse(last)


def _messages(nodes: list[GraphNode], near: Surroundings) -> Iterator[Found]:
    known = set(near.criteria.attributes)
    texts = _texts(nodes)
    for node in nodes:
        if node.kind not in SAYS:
            continue
        said = node.read()
        facts = near.templates.get(said.template)
        transactional = facts.transactional if facts else getattr(said, "transactional", False)
        topic = facts.topic if facts else getattr(said, "topic", "")
        if not transactional and not topic:
            yield node.key, "topic", "It is marketing without a topic: only consent to the whole channel counts for it."
        for name in sorted(set(TAG.findall(texts[node.key])) - known):
            yield (
                node.key,
                "template",
                f"No contact fills the tag “{CUSTOM}{name}”: it stays empty unless it has a default.",
            )


def _texts(nodes: list[GraphNode]) -> dict[str, str]:
    """Return what each node that says something says, by template or in own words."""
    slugs = {node.settings.get("template", "") for node in nodes if node.kind in SAYS}
    rows = Template.objects.filter(slug__in=slugs).select_related("version")
    bodies = {one.slug: " ".join(str(getattr(one.version or one, part)) for part in PARTS) for one in rows}
    own = {node.key: " ".join(str(node.settings.get(part, "")) for part in PARTS) for node in nodes}
    return {node.key: f"{bodies.get(node.settings.get('template', ''), '')} {own[node.key]}" for node in nodes}
