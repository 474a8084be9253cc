"""Everything wrong with a flow, all at once, each fault with its node and a sentence."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.contrib.auth import get_user_model
from pydantic import ValidationError

from contacts.models import List, Topic
from flows import activation, drafts, graph
from flows.graph import Graph, GraphNode, NodeFault
from flows.models import Flow
from flows.nodes.base import Surroundings, TemplateFacts, setting_faults
from flows.nodes.triggers import trigger_of
from messaging.models import Sender, Template
from segmentation import criteria
from segmentation.catalogue import InFlow, load_catalogue
from segmentation.models import Destination, Segment
from workspace import clock
from workspace.problems import Refused


def surroundings() -> Surroundings:
    """Read the names that settings may use."""
    templates = Template.objects.filter(archived_at=None)
    facts = templates.values_list("slug", "channel", "version_id", "version__transactional", "version__topic")
    return Surroundings(
        criteria=load_catalogue(),
        segments=dict(Segment.objects.filter(archived_at=None).values_list("slug", "kind")),
        lists=frozenset(List.objects.filter(archived_at=None).values_list("slug", flat=True)),
        topics=frozenset(Topic.objects.values_list("slug", flat=True)),
        senders=frozenset(Sender.objects.filter(channel="email").values_list("slug", flat=True)),
        flows=dict(Flow.objects.filter(archived_at=None).values_list("slug", "status")),
        destinations=dict(Destination.objects.values_list("slug", "kind")),
        staff=frozenset(pk for pk, _, _ in staff()),
        templates={
            slug: TemplateFacts(
                channel=channel, published=version is not None, transactional=bool(transactional), topic=topic or ""
            )
            for slug, channel, version, transactional, topic in facts
        },
    )


def staff() -> list[tuple[int, str, str]]:
    """Return number, name and email of the people of the house who can be written to."""
    people = get_user_model().objects.filter(is_active=True).exclude(email="").order_by("email")
    return [(one.pk, one.get_full_name() or one.email, one.email) for one in people]


def check(flow: Flow, near: Surroundings | None = None) -> list[NodeFault]:
    """Return all faults of a flow's draft and its activation settings."""
    draft = drafts.load(flow)
    near = replace(inside(near or surroundings(), draft), slug=flow.slug, at=clock.now())
    found = graph.faults(draft)
    for node in draft.nodes.values():
        found += node_faults(node, near)
    return [*found, *settings_faults(flow.settings, draft, near)]


def node_faults(node: GraphNode, near: Surroundings) -> list[NodeFault]:
    """Return what keeps one node from running."""
    if node.type is None:
        return []
    try:
        settings = node.read()
    except ValidationError as error:
        return [NodeFault(node.key, fault.path, fault.message) for fault in setting_faults(error, "")]
    found = [NodeFault(node.key, field, message) for field, message in node.type.faults(settings, near)]
    for name, document in node.questions().items():
        found += criteria_faults(document, near, node.key, node.type.asked_at(settings, name))
    if node.kind == "event" and settings.where and settings.event_name:
        plain = replace(near, criteria=replace(near.criteria, flow=None))
        found += criteria_faults(where_document(settings), plain, node.key, "")
    return found


def inside(near: Surroundings, draft: Graph) -> Surroundings:
    """Return surroundings whose criteria may speak of this flow's nodes and of what its trigger carries."""
    return replace(near, criteria=replace(near.criteria, flow=known_of(draft)))


def known_of(draft: Graph) -> InFlow:
    """Return what criteria inside a flow may name besides."""
    trigger = draft.trigger
    answered = frozenset(key for key, node in draft.nodes.items() if node.type is not None and node.type.is_answered)
    return InFlow(frozenset(draft.nodes), trigger is not None and trigger_of(trigger.type).carries, answered)


def where_document(settings: Any) -> dict[str, Any]:
    """Return an event trigger's `where` as the criteria of having done it."""
    return {"type": "EVENT", "eventName": settings.event_name, "where": settings.where}


def criteria_faults(document: Mapping[str, Any], near: Surroundings, node: str, at: str) -> list[NodeFault]:
    """Return what is wrong with a criteria document at a place."""
    try:
        criteria.parse(document, near.criteria)
    except Refused as error:
        if not error.faults:
            return [NodeFault(node, at, error.detail)]
        return [NodeFault(node, ".".join(p for p in (at, f.path) if p), f.message) for f in error.faults]
    return []


def settings_faults(raw: Any, draft: Graph, near: Surroundings) -> list[NodeFault]:
    """Return what is wrong with the activation settings of a draft."""
    try:
        settings = activation.read(raw)
    except Refused as error:
        return [NodeFault("", fault.path, fault.message) for fault in error.faults]
    found = []
    for name in ("exit_when", "restart_when", "goal"):
        if document := getattr(settings, name):
            found += criteria_faults(document, near, "", f"settings.{name}")
    return found + [NodeFault("", f"settings.{name}", message) for name, message in _misfits(settings, draft)]


def _misfits(settings: activation.Activation, draft: Graph) -> list[tuple[str, str]]:
    trigger = draft.trigger
    by_segment = trigger is not None and trigger.kind == "contact_segment"
    found = []
    if settings.entry != "new" and not (by_segment and trigger and _when(trigger) == "enters"):
        found.append(("entry", "Current members can only be taken in when the trigger is entering a segment."))
    if settings.exit_on_leave and not by_segment:
        found.append(("exit_on_leave", "This needs a segment as the trigger; name the exit condition in exit_when."))
    return found


def _when(trigger: GraphNode) -> Any:
    return trigger.settings.get("when", "enters")
