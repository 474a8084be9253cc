"""From a draft to an immutable Version: checked, its templates pinned, its rules saved, its facts read."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Count, Max

from contacts import changes
from flows import activation, drafts, ledger, locks
from flows.activation import Activation
from flows.checking import check, known_of, where_document
from flows.graph import Graph, NodeFault
from flows.ledger import Counts, Ending
from flows.models import Enrollment, Flow, Version, Watch
from flows.plans import plans_of
from messaging.services import pin
from segmentation.catalogue import load_catalogue
from segmentation.models import SegmentRule
from segmentation.rules import save_rule
from workspace import clock
from workspace.audit import Actor, record
from workspace.problems import Fault, Refused, refuse
from workspace.uses import set_uses

__all__ = ["NodeFault", "check", "publication_plan", "publish", "refuse_faulty", "watch"]

INSIDE = ("finish", "move", "exit")
FINDABLE = ("segment:", "list:", "flow:")


def publish(flow: Flow, actor: Actor, *, inside: str = "finish") -> Version:
    """Freeze the draft as the version that runs from now on; those inside finish on theirs, move over, or exit."""
    if inside not in INSIDE:
        raise refuse("inside", f"Those inside can {', '.join(INSIDE)}.")
    with transaction.atomic():
        locks.alone(flow.pk)
        held = Flow.objects.select_for_update(no_key=True).get(pk=flow.pk)
        if held.archived_at is not None:
            raise refuse("", "This flow is archived; duplicate it to go on.", 409)
        refuse_faulty(check(held))
        version = _freeze(held, drafts.load(held), activation.read(held.settings), actor)
        if version.pk != held.version_id:
            held.version = version
            held.save(update_fields=["version", "updated_at"])
            _rehouse(held, version, inside)
            record(actor, "flow.published", held.ref, version=version.number, inside=inside)
        watch(held)
    flow.refresh_from_db()
    return version


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
    return found


def _node_questions(draft: Graph) -> list[Question]:
    return [
        ("ask", node.key, name, one)
        for node in draft.nodes.values()
        if node.type and node.type.group != "trigger"
        for name, one in node.type.asks(node.read()).items()
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
    live = inside | ({flow.version_id} if flow.status in LIVE and flow.version_id else set())
    for version_id in flow.versions.exclude(pk__in=live).values_list("pk", flat=True):
        changes.drop_reads(f"version:{version_id}")
    for version_id, plan in plans_of(live).items():
        facts = {"contact", *plan.reads}
        if any(node.type and node.type.awaits_message for node in plan.nodes.values()):
            facts.add(changes.MESSAGE_SETTLED)
        if version_id == flow.version_id and flow.status in TAKING_IN and plan.settings.entry != "current":
            facts.add(plan.trigger_fact)
        changes.set_reads(f"version:{version_id}", 2, facts)


def publication_plan(flow: Flow) -> list[dict[str, Any]]:
    """Return who stands where inside, and whether that node is still there in the draft: what publishing asks about."""
    draft = drafts.load(flow)
    rows = (
        Enrollment.objects.filter(flow=flow, status=Enrollment.Status.ACTIVE)
        .values("version__number", "node")
        .annotate(count=Count("id"))
        .order_by("version__number", "node")
    )
    return [
        {
            "version": row["version__number"],
            "node": row["node"],
            "count": row["count"],
            "kept": row["node"] in draft.nodes,
        }
        for row in rows
    ]


def _rehouse(flow: Flow, version: Version, inside: str) -> None:
    """Let those inside do what was chosen for them; the caller has the flow alone."""
    if inside == "finish":
        return
    at, counts = clock.now(), Counts()
    active = Enrollment.objects.filter(flow=flow, status=Enrollment.Status.ACTIVE).exclude(version=version)
    kept = [one["id"] for one in version.graph["nodes"]] if inside == "move" else []
    for start in active.filter(node__in=kept).values("version_id", "node").annotate(count=Count("id")):
        old, node, count = start["version_id"], start["node"], start["count"]
        counts.add(flow.pk, old, "moved_out", count=count)
        counts.add(flow.pk, old, "left", node, "moved", count)
        counts.add(flow.pk, version.pk, "moved_in", count=count)
        counts.add(flow.pk, version.pk, "arrived", node, count=count)
    leaving = active.exclude(node__in=kept).order_by("id").values_list("pk", flat=True)
    reason = "node_removed" if inside == "move" else "a new version was published"
    ledger.end([Ending(pk, "exited", reason) for pk in leaving], at, counts)
    active.filter(node__in=kept).update(version=version)
    counts.write(at)
