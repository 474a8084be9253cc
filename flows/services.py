"""The verbs on flows that pages, the API and the admin call: atomic, audited, refused with a sentence."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.utils.text import slugify

from contacts.changes import drop_reads
from flows import activation, drafts, joining, locks, proposals, publishing, rehousing
from flows.activation import Activation
from flows.audiences import enrol_segment
from flows.models import Enrollment, Entry, Flow, Reentry, Version
from flows.nodes import KINDS
from flows.tending import exit_enrollments, move_enrollments, retry_enrollments, skip_enrollments
from messaging.models import Stream
from messaging.services import set_stream
from workspace import clock, doorbell, notices
from workspace.approval import guarded
from workspace.audit import Actor, record
from workspace.problems import refuse
from workspace.taken import refuse_taken
from workspace.uses import refuse_if_used, set_uses

__all__ = [
    "activate",
    "archive_flow",
    "change_flow",
    "create_flow",
    "delete_flow",
    "drain",
    "duplicate_flow",
    "end_drained",
    "enrol",
    "enrol_segment",
    "exit_enrollments",
    "move_enrollments",
    "pause",
    "publish_flow",
    "qualified_meanwhile",
    "resume",
    "retry_enrollments",
    "roll_back",
    "skip_enrollments",
]

RESERVED = frozenset(
    {"new", "check", "publish", "activate", "enrollments", "stats", "templates", "at-once", "approvals"}
)
LIVE = publishing.LIVE


def create_flow(
    *,
    name: str,
    actor: Actor,
    slug: str = "",
    trigger_kind: str | None = None,
    draft: Any = None,
    settings: Mapping[str, Any] | None = None,
    description: str = "",
    labels: Sequence[str] = (),
) -> Flow:
    """Make a flow with its draft: a trigger of this kind, a whole document, or nothing yet."""
    if trigger_kind is not None and (trigger_kind not in KINDS or KINDS[trigger_kind].group != "trigger"):
        triggers = ", ".join(kind for kind, node in KINDS.items() if node.group == "trigger")
        raise refuse("trigger_kind", f"There is no trigger “{trigger_kind[:60]}”; choose one of {triggers}.")
    with transaction.atomic():
        flow = Flow.objects.create(
            name=_name(name),
            slug=_slug(slug, name),
            description=description,
            labels=list(labels),
            settings=activation.read(settings).model_dump(mode="json", exclude_defaults=True),
            owner_id=actor.user_id,
        )
        if draft is not None:
            drafts.replace_draft(flow, draft, actor=actor)
        elif trigger_kind is not None:
            drafts.insert_node(flow, trigger_kind, actor=actor)
        record(actor, "flow.created", flow.ref)
    _tell(flow)
    return flow


def _name(name: str) -> str:
    cleaned = name.strip()
    if not cleaned or len(cleaned) > 200:
        raise refuse("name", "Give the flow a name of at most 200 characters.")
    return cleaned


def _slug(slug: str, name: str) -> str:
    """Return the wished slug when it is free, or one made of the name."""
    if slug:
        if slugify(slug) != slug or len(slug) > 63 or not slug[0].isalpha() or slug in RESERVED:
            raise refuse("slug", "A slug has lower-case letters, digits and hyphens, and begins with a letter.")
        refuse_taken(Flow, "slug", slug)
        return slug
    stem = slugify(name)[:55].strip("-") or "flow"
    stem = stem if stem[0].isalpha() and stem not in RESERVED else f"flow-{stem}"
    taken = set(Flow.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    return next(s for s in (stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3))) if s not in taken)


def change_flow(
    flow: Flow,
    *,
    actor: Actor,
    name: str | None = None,
    description: str | None = None,
    labels: Sequence[str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Flow:
    """Change what the flow is called, and the activation settings of its draft."""
    with transaction.atomic():
        held = _hold(flow)
        if name is not None:
            held.name = _name(name)
        if description is not None:
            held.description = description
        if labels is not None:
            held.labels = list(labels)
        if settings is not None:
            held.settings = activation.read(settings).model_dump(mode="json", exclude_defaults=True)
            held.revision += 1
        held.save()
        record(actor, "flow.changed", held.ref)
    return _told(flow)


def duplicate_flow(flow: Flow, *, actor: Actor, name: str = "") -> Flow:
    """Make a new flow with the same draft and settings, not running."""
    return create_flow(
        name=name or f"Copy of {flow.name}"[:200],
        actor=actor,
        draft=drafts.document(flow),
        settings=flow.settings,
        description=flow.description,
        labels=flow.labels,
    )


@guarded(proposals.KIND, proposals.publish)
def publish_flow(
    flow: Flow, *, actor: Actor, inside: str = "finish", nodes: Any = None, waits: bool = False
) -> Version:
    """Publish the draft of a flow; `inside`, `nodes` and `waits` as rehousing.read takes them."""
    version = publishing.publish(flow, actor, choice=rehousing.read(inside, nodes, waits))
    _told(flow)
    return version


@guarded(proposals.KIND, proposals.roll_back)
def roll_back(
    flow: Flow, *, version: int, actor: Actor, inside: str = "finish", nodes: Any = None, waits: bool = False
) -> Version:
    """Publish an old version of a flow again; see publishing.roll_back."""
    made = publishing.roll_back(flow, version, actor, choice=rehousing.read(inside, nodes, waits))
    _told(flow)
    return made


@guarded(proposals.KIND, proposals.activate)
def activate(flow: Flow, *, actor: Actor, settings: Mapping[str, Any] | None = None) -> Flow:
    """Publish the draft and let it run; refused with every fault until it is valid."""
    with transaction.atomic():
        held = _hold(flow)
        _refuse_unless(held, "activate", Flow.Status.DRAFT, Flow.Status.ENDED)
        if settings is not None:
            held.settings = activation.read(settings).model_dump(mode="json", exclude_defaults=True)
            held.save(update_fields=["settings"])
        publishing.publish(held, actor)
        held.refresh_from_db()
        set_stream("flow", held.slug, Stream.State.OPEN)
        held.status = Flow.Status.RUNNING
        held.activated_at = held.resumed_at = clock.now()
        held.pause, held.paused_at = "", None
        held.save(update_fields=["status", "activated_at", "resumed_at", "pause", "paused_at", "updated_at"])
        notices.settle("flow.ceiling", held.ref)
        publishing.watch(held)
        if activation.read(held.settings).entry != "new":
            # after the reads: who joined before is a member now, who joins later makes a Change
            joining.plan_members(held, clock.now())
        record(actor, "flow.activated", held.ref)
        doorbell.ring_on_commit("attend")
    return _told(flow)


def pause(flow: Flow, *, actor: Actor, mode: str = Flow.Pause.HOLD_CLOCK) -> Flow:
    """Stop everybody where they stand: with the clock held, with waits running on, or (`drain`) by letting nobody in."""
    if mode == "drain":
        return drain(flow, actor=actor)
    if mode not in Flow.Pause.values:
        raise refuse("mode", f"A pause is one of {', '.join(Flow.Pause.values)}, drain.")
    with transaction.atomic():
        held = _hold(flow)
        _refuse_unless(held, "pause", Flow.Status.RUNNING)
        held.status, held.pause, held.paused_at = Flow.Status.PAUSED, mode, clock.now()
        held.save(update_fields=["status", "pause", "paused_at", "updated_at"])
        set_stream("flow", held.slug, Stream.State.HELD)
        record(actor, "flow.paused", held.ref, mode=mode)
    return _told(flow)


def qualified_meanwhile(flow: Flow) -> int:
    """Return how many contacts were refused only because the flow is paused."""
    count: int = _refused_meanwhile(flow).values("contact").distinct().count()
    return count


def _refused_meanwhile(flow: Flow) -> Any:
    since = flow.paused_at or clock.now()  # one that runs has turned nobody away
    return Entry.objects.filter(flow=flow, outcome=Entry.Outcome.REFUSED, reason="paused", at__gte=since)


_SHIFT = """
UPDATE flows_enrollment
SET due_at = CASE WHEN clock = 'none' AND waiting AND wake_on = '' AND due_at >= %(since)s THEN due_at
             ELSE due_at + (%(now)s::timestamptz - %(since)s::timestamptz) END,
    until_at = until_at + (%(now)s::timestamptz - %(since)s::timestamptz)
WHERE flow_id = %(flow)s AND status = 'active' AND due_at IS NOT NULL AND clock <> 'wall'
"""
_TAKE_IN = """
INSERT INTO flows_reentry (flow_id, contact_id, entry_id, source_kind, entry_key, context, due_at)
SELECT flow_id, contact_id, id, source_kind, entry_key, '{}', %(now)s FROM flows_entry
WHERE flow_id = %(flow)s AND outcome = 'refused' AND reason = 'paused' AND at >= %(since)s
ON CONFLICT DO NOTHING
"""


@guarded(proposals.KIND, proposals.resume)
def resume(flow: Flow, *, actor: Actor, settings: Mapping[str, Any] | None = None, take_in: bool = False) -> Flow:
    """Let it run on; changed settings are published for those inside too, and those who qualified meanwhile may enter."""
    with transaction.atomic():
        held = _hold(flow)
        _refuse_unless(held, "resume", Flow.Status.PAUSED)
        now, since = clock.now(), held.paused_at
        if settings is not None:
            _resettle(held, activation.read(settings), actor)
        params = {"now": now, "since": since, "flow": held.pk}
        if held.pause == Flow.Pause.HOLD_CLOCK:
            _execute(_SHIFT, params)
        if take_in:
            _execute(_TAKE_IN, params)
        held.status, held.pause, held.paused_at, held.resumed_at = Flow.Status.RUNNING, "", None, now
        held.save(update_fields=["status", "pause", "paused_at", "resumed_at", "updated_at"])
        notices.settle("flow.ceiling", held.ref)
        set_stream("flow", held.slug, Stream.State.OPEN)
        publishing.watch(held)
        record(actor, "flow.resumed", held.ref, take_in=take_in)
        doorbell.ring_on_commit("attend")
    return _told(flow)


def _resettle(flow: Flow, settings: Activation, actor: Actor) -> None:
    """Publish changed settings; where the draft is as published, those inside take them over too."""
    written = settings.model_dump(mode="json", exclude_defaults=True)
    if written == flow.settings:
        return
    flow.settings = written
    flow.save(update_fields=["settings"])
    assert flow.version is not None
    published = {key: flow.version.graph[key] for key in ("nodes", "edges")}
    same = drafts.document(flow) == published
    publishing.publish(flow, actor, choice=rehousing.Choice("move" if same else "finish"))


def drain(flow: Flow, *, actor: Actor) -> Flow:
    """Take nobody in any more; it ends by itself when the last one has left."""
    with transaction.atomic():
        held = _hold(flow)
        _refuse_unless(held, "drain", Flow.Status.RUNNING, Flow.Status.PAUSED)
        if held.status == Flow.Status.PAUSED and held.pause == Flow.Pause.HOLD_CLOCK:
            _execute(_SHIFT, {"now": clock.now(), "since": held.paused_at, "flow": held.pk})
        held.status, held.pause, held.paused_at = Flow.Status.DRAINING, "", None
        held.save(update_fields=["status", "pause", "paused_at", "updated_at"])
        Reentry.objects.filter(flow=held).delete()
        set_stream("flow", held.slug, Stream.State.OPEN)
        publishing.watch(held)
        record(actor, "flow.draining", held.ref)
        doorbell.ring_on_commit("attend")
    return _told(flow)


def end_drained() -> int:
    """End the draining flows in which nobody is left, and return how many."""
    inside = Enrollment.objects.filter(status=Enrollment.Status.ACTIVE).values("flow")
    empty = Flow.objects.filter(status=Flow.Status.DRAINING).exclude(pk__in=inside)
    ended = 0
    for pk in empty.values_list("pk", flat=True):
        ended += _end_drained(pk)
    return ended


@transaction.atomic
def _end_drained(pk: int) -> int:
    locks.alone(pk)
    held = Flow.objects.select_for_update(no_key=True).get(pk=pk)
    left = Enrollment.objects.filter(flow=held, status=Enrollment.Status.ACTIVE).exists()
    if left or held.status != Flow.Status.DRAINING:
        return 0
    held.status = Flow.Status.ENDED
    held.save(update_fields=["status", "updated_at"])
    publishing.watch(held)
    transaction.on_commit(lambda: _tell(held))
    return 1


def archive_flow(flow: Flow, *, actor: Actor) -> Flow:
    """Put a flow away that runs nobody any more."""
    with transaction.atomic():
        held = _hold(flow)
        _refuse_unless(held, "archive", Flow.Status.DRAFT, Flow.Status.ENDED)
        held.archived_at = held.archived_at or clock.now()
        held.save(update_fields=["archived_at", "updated_at"])
        if Stream.objects.filter(kind="flow", slug=held.slug).exists():
            set_stream("flow", held.slug, Stream.State.CLOSED)
        publishing.watch(held)
        set_uses(f"flow:{held.slug}", [])
        record(actor, "flow.archived", held.ref)
    return _told(flow)


def delete_flow(flow: Flow, *, actor: Actor) -> None:
    """Delete a flow that nobody ever came to; one with a history is archived instead."""
    with transaction.atomic():
        held = _hold(flow)
        _refuse_unless(held, "delete", Flow.Status.DRAFT, Flow.Status.ENDED)
        refuse_if_used(f"flow:{held.slug}")
        if Entry.objects.filter(flow=held).exists():
            raise refuse("", f"“{held.name}” has a history of contacts; archive it instead.", 409)
        for version_id in held.versions.values_list("pk", flat=True):
            drop_reads(f"version:{version_id}")
        set_uses(f"flow:{held.slug}", [])
        record(actor, "flow.deleted", held.ref)
        Flow.objects.filter(pk=held.pk).update(version=None, status=Flow.Status.DRAFT)
        held.delete()
    doorbell.poke(["flows"])


def enrol(flow: Flow, *, contact_ids: Collection[int], actor: Actor, kind: str = "manual") -> dict[int, str]:
    """Enrol contacts by hand, at once; returns why those were refused who were."""
    if flow.version_id is None or flow.status != Flow.Status.RUNNING:
        raise refuse("", f"“{flow.name}” takes nobody in: it is {Flow.Status(flow.status).label.lower()}.", 409)
    refused = joining.by_hand(flow, contact_ids, kind)
    record(actor, "flow.enrolled", flow.ref, contacts=len(set(contact_ids)) - len(refused), refused=len(refused))
    doorbell.ring_on_commit("attend")
    _tell(flow)
    return refused


def _hold(flow: Flow) -> Flow:
    """Have the flow alone, as it is now."""
    locks.alone(flow.pk)
    held = Flow.objects.select_for_update(no_key=True, of=("self",)).select_related("version").get(pk=flow.pk)
    if held.archived_at is not None:
        raise refuse("", "This flow is archived; duplicate it to go on.", 409)
    return held


def _refuse_unless(flow: Flow, verb: str, *statuses: str) -> None:
    if flow.status not in statuses:
        now = Flow.Status(flow.status).label.lower()
        raise refuse("status", f"“{flow.name}” is {now}; only {' or '.join(statuses)} flows can be {_past(verb)}.", 409)


def _past(verb: str) -> str:
    return {"drain": "drained"}.get(verb, f"{verb}d")


def _execute(sql: str, params: Mapping[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def _told(flow: Flow) -> Flow:
    flow.refresh_from_db()
    _tell(flow)
    return flow


def _tell(flow: Flow) -> None:
    topics = ["flows", f"flow:{flow.pk}"]
    transaction.on_commit(lambda: doorbell.poke(topics))
