"""From a draft to an immutable Version: checked, its templates pinned, its rules saved, its facts read."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Max

from contacts import changes
from flows import activation, clocked, converting, drafts, graph, locks, rehousing
from flows.activation import Activation
from flows.checking import check, known_of, where_document
from flows.graph import Graph, NodeFault
from flows.models import Enrollment, Flow, Version, Watch
from flows.nodes import KINDS
from flows.plans import plans_of
from flows.rehousing import Choice
from messaging.services import pin
from segmentation.catalogue import load_catalogue
from segmentation.models import SegmentRule
from segmentation.rules import save_rule
from workspace.audit import HOUSE, Actor, record
from workspace.problems import Fault, Refused, refuse
from workspace.uses import set_uses

__all__ = [
    "NodeFault",
    "check",
    "differs",
    "freeze",
    "publication_plan",
    "publish",
    "refuse_faulty",
    "roll_back",
    "watch",
]

FINISH = Choice()
FINDABLE = ("segment:", "list:", "flow:")


def publish(flow: Flow, actor: Actor, *, choice: Choice = FINISH) -> Version:
    """Freeze the draft as the version that runs from now on; those inside finish on theirs, move over, or exit."""
    with transaction.atomic():
        locks.alone(flow.pk)
        held = Flow.objects.select_for_update(no_key=True).get(pk=flow.pk)
        if held.archived_at is not None:
            raise refuse("", "This flow is archived; duplicate it to go on.", 409)
        refuse_faulty(check(held))
        draft = drafts.load(held)
        rehousing.refuse_strange(choice, draft)
        version = _freeze(held, draft, activation.read(held.settings), actor)
        _let_run(held, version, choice, actor)
    flow.refresh_from_db()
    return version


def freeze(flow: Flow, draft: Graph) -> Version:
    """Return the draft as a version that nobody takes; for a transaction that is rolled back."""
    return _freeze(flow, draft, activation.read(flow.settings), HOUSE)


def _let_run(flow: Flow, version: Version, choice: Choice, actor: Actor) -> None:
    """Let everybody who enters take this version, and those inside do as was chosen."""
    if version.pk != flow.version_id:
        before, flow.version = flow.version, version
        flow.save(update_fields=["version", "updated_at"])
        rehousing.rehouse(flow, version, choice, before)
        record(actor, "flow.published", flow.ref, version=version.number, inside=choice.what)
    watch(flow)


def roll_back(flow: Flow, number: int, actor: Actor, *, choice: Choice = FINISH) -> Version:
    """Publish an old version again, as it was; a draft without changes of its own becomes it too."""
    with transaction.atomic():
        locks.alone(flow.pk)
        held = Flow.objects.select_for_update(no_key=True, of=("self",)).select_related("version").get(pk=flow.pk)
        old = held.versions.filter(number=number).first()
        if old is None or held.version is None:
            raise refuse("version", f"There is no version {number} of this flow.", 404)
        if old.digest == held.version.digest:
            raise refuse("version", f"Version {number} is what runs now.", 409)
        follows = not differs(held)
        rehousing.refuse_strange(choice, _graph_of(old))
        version = _again(held, old, actor)
        _let_run(held, version, choice, actor)
        if follows:
            drafts.replace_draft(held, {key: old.graph[key] for key in ("nodes", "edges")}, actor=actor)
            held.settings = activation.read(old.settings).model_dump(mode="json", exclude_defaults=True)
            held.save(update_fields=["settings"])
    flow.refresh_from_db()
    return version


def _graph_of(version: Version) -> Graph:
    return graph.read({key: version.graph[key] for key in ("nodes", "edges")})


def _again(flow: Flow, old: Version, actor: Actor) -> Version:
    """Return an old version anew, under the next number, with the templates it was pinned to."""
    version = Version.objects.create(
        flow=flow,
        number=(flow.versions.aggregate(newest=Max("number"))["newest"] or 0) + 1,
        graph=old.graph,
        settings=old.settings,
        digest=old.digest,
        published_by_id=actor.user_id,
    )
    reads = _save_watches(version, _graph_of(old), activation.read(old.settings))
    set_uses(f"flow:{flow.slug}", {*_uses(_graph_of(old)), *(fact for fact in reads if fact.startswith(FINDABLE))})
    return version


def differs(flow: Flow) -> bool:
    """Tell whether the draft or its settings differ from the version that is published."""
    if flow.version is None:
        return False
    settings = activation.read(flow.settings).model_dump(mode="json")
    same = _sense(drafts.document(flow)) == _sense(flow.version.graph)
    return not same or settings != activation.read(flow.version.settings).model_dump(mode="json")


def _sense(document: Mapping[str, Any]) -> tuple[dict[str, Any], set[tuple[str, str, str]]]:
    """Return what a document says, whatever the order it says it in."""
    edges = {(one["from"], one["port"], one["to"]) for one in document["edges"]}
    return {one["id"]: dict(one) for one in document["nodes"]}, edges


def refuse_faulty(faults: Iterable[NodeFault]) -> None:
    """Raise Refused with every fault that is an error."""
    errors = [one for one in faults if one.severity == "error"]
    if errors:
        told = [Fault(".".join(p for p in (one.node, one.field) if p), one.message) for one in errors]
        raise Refused(f"The flow has {len(told)} fault{'s' if len(told) > 1 else ''}: {told[0].message}", told, 409)


def _freeze(flow: Flow, draft: Graph, settings: Activation, actor: Actor) -> Version:
    """Return the published version, or a new one when something differs from it."""
    document: dict[str, Any] = {**draft.as_json(), "pinned": _pinned(draft)}
    written = settings.model_dump(mode="json")
    digest = _digest({"graph": document, "settings": written})
    if flow.version is not None and flow.version.digest == digest:
        return flow.version
    newest = flow.versions.aggregate(newest=Max("number"))["newest"] or 0
    version = Version.objects.create(
        flow=flow,
        number=newest + 1,
        graph=document,
        settings=written,
        digest=digest,
        published_by_id=actor.user_id,
    )
    reads = _save_watches(version, draft, settings)
    set_uses(f"flow:{flow.slug}", {*_uses(draft), *(fact for fact in reads if fact.startswith(FINDABLE))})
    return version


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _pinned(draft: Graph) -> dict[str, int]:
    slugs = {used.removeprefix("template:") for used in _uses(draft) if used.startswith("template:")}
    return pin(sorted(slugs))


def _uses(draft: Graph) -> set[str]:
    return {used for node in draft.nodes.values() if node.type for used in node.type.uses(node.read())}


def _save_watches(version: Version, draft: Graph, settings: Activation) -> set[str]:
    """Save every question as a rule, and return all facts that they read."""
    catalogue = replace(load_catalogue(), flow=known_of(draft))
    questions = [*_trigger_questions(draft), *_standing_questions(draft, settings), *_node_questions(draft)]
    rules: dict[str, SegmentRule] = {}
    for _, _, _, document in questions:
        key = json.dumps(document, sort_keys=True)
        rules[key] = rules.get(key) or save_rule(document, catalogue)
    Watch.objects.bulk_create(
        [
            Watch(
                version=version, node=node, name=name, purpose=purpose, rule=rules[json.dumps(document, sort_keys=True)]
            )
            for purpose, node, name, document in questions
        ]
    )
    return {fact for rule in rules.values() for fact in rule.reads}


Question = tuple[str, str, str, Mapping[str, Any]]  # purpose, node, name, criteria


def _trigger_questions(draft: Graph) -> list[Question]:
    trigger = draft.trigger
    assert trigger is not None
    assert trigger.type is not None
    settings = trigger.read()
    found: list[Question] = [("filter", trigger.key, name, one) for name, one in trigger.type.asks(settings).items()]
    if getattr(settings, "where", None):
        found.append(("filter", trigger.key, "where", where_document(settings)))
    return found


def _standing_questions(draft: Graph, settings: Activation) -> list[Question]:
    """Exit conditions (leaving, or coming back into, the trigger's segment is one by name), goal and restart."""
    found: list[Question] = []
    trigger = draft.trigger.read() if draft.trigger else None
    if settings.exit_on_leave and trigger is not None:
        outside = {"negate": True} if trigger.when == "enters" else {}
        name = "leave" if trigger.when == "enters" else "back"
        found.append(("exit", "", name, {"type": "SEGMENT", "segment": trigger.segment, **outside}))
    if settings.exit_when:
        found.append(("exit", "", "when", settings.exit_when))
    if settings.goal:
        found.append(("goal", "", "", settings.goal))
    if settings.restart_when:
        found.append(("restart", "", "", settings.restart_when))
    goals = [node for node in draft.nodes.values() if node.type and node.type.is_goal]
    return found + [("goal", node.key, name, one) for node in goals for name, one in node.questions().items()]


def _node_questions(draft: Graph) -> list[Question]:
    return [
        ("ask", node.key, name, one)
        for node in draft.nodes.values()
        if node.type and node.type.group != "trigger"
        for name, one in node.questions().items()
    ]


TAKING_IN = (Flow.Status.RUNNING, Flow.Status.PAUSED)
LIVE = (*TAKING_IN, Flow.Status.DRAINING)


def watch(flow: Flow) -> None:
    """Read the facts that the flow's state needs: the trigger's while it takes in, those of exits while anybody is inside."""
    inside = set(
        Enrollment.objects.filter(flow=flow, status=Enrollment.Status.ACTIVE)
        .values_list("version_id", flat=True)
        .distinct()
    )
    hopes = flow.status != Flow.Status.DRAFT and flow.archived_at is None  # for successes of those who left
    live = inside | ({flow.version_id} if hopes and flow.version_id else set())
    for version_id in flow.versions.exclude(pk__in=live).values_list("pk", flat=True):
        changes.drop_reads(f"version:{version_id}")
    for version_id, plan in plans_of(live).items():
        here = version_id in inside or flow.status in LIVE
        facts = {"contact", *plan.reads, *plan.heard} if here else set()
        if hopes and version_id == flow.version_id and (hope := converting.fact_of(plan)):
            facts.add(hope)
        if any(node.type and not node.fault and node.type.awaits(node.settings) for node in plan.nodes.values()):
            facts.add(changes.MESSAGE_SETTLED)
        if version_id == flow.version_id and flow.status in TAKING_IN and plan.settings.entry != "current":
            facts |= plan.trigger_facts
        changes.set_reads(f"version:{version_id}", 2, facts)
    takes_in = flow.version_id if flow.status in TAKING_IN else None
    clocked.set_mark(flow, plans_of([takes_in])[takes_in] if takes_in else None)


def publication_plan(flow: Flow) -> dict[str, Any]:
    """Return what publishing asks about: who stands where inside, which waits change, and what the trigger does now."""
    draft = drafts.load(flow)
    inside = rehousing.groups(flow)
    nodes = {node.key: node.as_json() for node in draft.nodes.values()}
    here = [one for one in inside if one.version_id == flow.version_id]
    waits = rehousing.changed_waits(here, flow.version, nodes)
    return {
        "inside": [
            {"version": one.number, "node": one.node, "count": one.count, "kept": one.node in draft.nodes}
            for one in inside
        ],
        "waits": [{"node": node, "was": was, "becomes": becomes} for node, (was, becomes) in waits.items()],
        "trigger": _trigger_words(flow, draft),
    }


def _trigger_words(flow: Flow, draft: Graph) -> str:
    """Say what a changed trigger does; empty when it is the same."""
    new = draft.trigger.as_json() if draft.trigger else {}
    old = next((one for one in flow.version.graph["nodes"] if one["id"] == new.get("id")), {}) if flow.version else new
    if (old.get("kind"), old.get("settings")) == (new.get("kind"), new.get("settings")):
        return ""
    return (
        f"The trigger has changed{_from_to(old, new)}: from now on only the new one starts journeys. Nobody is taken in for"
        " what happened before, and those inside go on; an exit condition “leaves the segment” follows the version they"
        " are on."
    )


def _from_to(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Say what it was and what it becomes, where both can be read."""
    said = [
        KINDS[one["kind"]].words(KINDS[one["kind"]].read(one["settings"]))
        for one in (old, new)
        if one.get("kind") in KINDS
    ]
    return f", from “{said[0]}” to “{said[1]}”" if len(said) == 2 and said[0] != said[1] else ""
