"""What can be done with segments, by pages, API, admin and flows alike."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from contacts.changes import READS_LOCK, drop_reads, set_reads
from segmentation import copying, dependencies, history, locks, moving, proposals, recomputing
from segmentation.catalogue import load_catalogue
from segmentation.criteria import Criteria, parse
from segmentation.models import Evaluation, Owed, Segment
from segmentation.rules import rule_of
from segmentation.sizes import growth, sizes
from segmentation.slugs import new_slug
from segmentation.sql import Sql
from workspace import clock, doorbell
from workspace.approval import guarded
from workspace.audit import Actor, record
from workspace.origins import origin_of
from workspace.problems import Refused, refuse
from workspace.uses import refuse_if_used, set_uses

# Addresses of their own beside the segments.
RESERVED = frozenset({"preview", "overlap", "new", "catalogue", "scenarios"})
MEMBERS = "segments"  # the reader of `contact` that stands for all members there are


@guarded("segment", proposals.create)
@transaction.atomic
def create_segment(
    *,
    name: str,
    slug: str = "",
    kind: str = Segment.Kind.STATIC,
    criteria: Any = None,
    description: str = "",
    color: str = "",
    labels: Sequence[str] = (),
    actor: Actor,
    evaluate: bool = True,
) -> Segment:
    """Make a segment; a dynamic one is evaluated afterwards by a worker, never waited for."""
    kind = _kind(kind, criteria)
    read = parse(criteria, load_catalogue()) if kind == Segment.Kind.DYNAMIC else None
    segment = Segment(
        name=_name(name),
        slug=new_slug(Segment, slug, name, RESERVED),
        kind=kind,
        description=description,
        color=color,
        labels=list(labels),
        created_by_id=actor.user_id,
    )
    if read is not None:
        _give_rule(segment, read)
    segment.save()
    set_reads(MEMBERS, 1, {"contact"})
    if read is not None:
        _start_reading(segment, read)
        if evaluate:
            recomputing.ask(segment, "edited", origin=origin_of(actor))
    record(actor, "segment.created", segment.ref, slug=segment.slug, kind=kind)
    _tell(segment)
    return segment


@guarded("segment", proposals.change)
@transaction.atomic
def change_segment(
    segment: Segment, *, actor: Actor, criteria: Any = None, fires: str = "none", **changes: Any
) -> Segment:
    """Change a segment; edited criteria are evaluated afterwards, and `fires` says what flows hear of that."""
    segment = Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)
    if fires not in recomputing.FIRES:
        raise refuse("fires", f"Say what may fire: {', '.join(recomputing.FIRES)}.")
    for name, value in changes.items():
        if name not in ("name", "description", "color", "labels"):
            raise refuse(name, f'A segment\'s "{name[:60]}" cannot be changed.')
        setattr(segment, name, _name(value) if name == "name" else value)
    changed = sorted(changes)
    rule = segment.rule.digest[:12] if segment.rule else ""
    differed: dict[str, Any] = {}
    if criteria is not None and _change_criteria(segment, criteria, fires, actor):
        changed.append("criteria")
        differed = {"rules": [rule, segment.rule.digest[:12] if segment.rule else ""]}
    segment.save()
    record(actor, "segment.changed", segment.ref, changed=changed, fires=fires, **differed)
    _tell(segment)
    return segment


def _change_criteria(segment: Segment, document: Any, fires: str, actor: Actor) -> bool:
    if segment.kind == Segment.Kind.STATIC:
        raise refuse("criteria", "A static segment has no criteria: its members are put there.", 409)
    read = parse(document, load_catalogue())
    before = segment.rule_id
    _give_rule(segment, read)
    if segment.rule_id == before:
        return False
    segment.evaluated_at = None  # until the new rule has been looked at for everybody, members stay as they are
    segment.save()
    _start_reading(segment, read)
    recomputing.ask(segment, "edited", fires, origin=origin_of(actor))
    return True


@guarded("segment", proposals.duplicate)
@transaction.atomic
def duplicate_segment(segment: Segment, *, actor: Actor) -> Segment:
    """Make another segment of the same criteria, or of the same members when they were put there by hand."""
    copy = create_segment(
        name=f"{segment.name[:108]} (copy)",
        kind=segment.kind,
        criteria=segment.rule.document if segment.rule else None,
        description=segment.description,
        color=segment.color,
        labels=segment.labels,
        actor=actor,
    )
    if segment.kind == Segment.Kind.STATIC:
        copying.begin(segment, copy, None, origin=origin_of(actor))
    return copy


@guarded("segment", proposals.archive)
@transaction.atomic
def archive_segment(segment: Segment, *, actor: Actor) -> Segment:
    """Put a segment away: its members and history stay, it is looked at no more and fires nothing."""
    segment = Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)
    if segment.archived_at is None:
        segment.archived_at = clock.now()
        segment.save()
        drop_reads(_reader(segment))
        recomputing.cancel(segment.pk)
        Owed.objects.filter(segment=segment).delete()
        record(actor, "segment.archived", segment.ref)
        _tell(segment)
    return segment


@guarded("segment", proposals.unarchive)
@transaction.atomic
def unarchive_segment(segment: Segment, *, actor: Actor) -> Segment:
    """Take a segment back into use; a dynamic one is evaluated afresh, which fires nothing."""
    segment = Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)
    if segment.archived_at is not None:
        segment.archived_at = None
        if segment.rule is not None:
            read = parse(segment.rule.document, load_catalogue())
            segment.evaluated_at = None
            segment.save()
            _start_reading(segment, read)
            recomputing.ask(segment, "repair", origin=origin_of(actor))
        segment.save()
        record(actor, "segment.unarchived", segment.ref)
        _tell(segment)
    return segment


@transaction.atomic
def mute_segment(segment: Segment, *, muted: bool, actor: Actor) -> Segment:
    """Let the transitions of a segment be written without firing anything, or be heard again."""
    segment = Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)
    if segment.muted != muted:
        missed = history.missed(segment)
        segment.muted, segment.muted_at = muted, clock.now() if muted else None
        segment.save()
        record(actor, "segment.muted" if muted else "segment.unmuted", segment.ref, **missed)
        _tell(segment)
    return segment


@guarded("segment", proposals.freeze)
@transaction.atomic
def freeze_segment(segment: Segment, *, actor: Actor, at: datetime | None = None, name: str = "") -> Segment:
    """Make a static copy of who is in a segment now, or was at an instant; nothing fires. Of many a worker makes it."""
    at = history.past(at) if at is not None else None
    told = (at or clock.now()).astimezone(history.house_zone())
    copy = create_segment(
        name=name or f"{segment.name[:90]} on {told:%-d %B %Y, %H:%M}",
        description=f"Frozen copy of {segment.name}, as it was on {told:%-d %B %Y at %H:%M}.",
        color=segment.color,
        labels=segment.labels,
        actor=actor,
    )
    count = copying.begin(segment, copy, at, origin=origin_of(actor))
    record(actor, "segment.frozen", copy.ref, of=segment.ref, count=count, at=at.isoformat() if at else "")
    return copy


@guarded("segment", proposals.delete)
@transaction.atomic
def delete_segment(segment: Segment, *, actor: Actor) -> None:
    """Delete a segment with its history; raises InUse when something uses it."""
    refuse_if_used(f"segment:{segment.slug}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tributary.erasing', 'on', true)")  # its transitions go with it
    drop_reads(_reader(segment))
    set_uses(f"segment:{segment.slug}", ())
    ref, pk = segment.ref, segment.pk
    Segment.objects.filter(pk=pk).delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tributary.erasing', '', true)")
    record(actor, "segment.deleted", ref, slug=segment.slug)
    transaction.on_commit(lambda: doorbell.poke(["segments", f"segment:{pk}"]))


@transaction.atomic
def refresh_segment(segment: Segment, *, actor: Actor) -> Evaluation:
    """Ask for a full evaluation; what it mends fires nothing."""
    if segment.kind == Segment.Kind.STATIC:
        raise refuse("kind", "A static segment has nothing to evaluate: its members are put there by hand.", 409)
    if segment.archived_at is not None:
        raise refuse("archived", "The segment is archived. Take it back into use first.", 409)
    record(actor, "segment.refreshed", segment.ref)
    waiting = Evaluation.objects.filter(
        segment=segment, full=True, status=Evaluation.Status.RUNNING, seen_at=None
    ).first()
    if waiting is not None:
        doorbell.ring_on_commit("recompute")
        return waiting
    return recomputing.ask(segment, "repair" if segment.evaluated_at else "edited", origin=origin_of(actor))


@transaction.atomic
def cancel_evaluation(segment: Segment, *, actor: Actor) -> bool:
    """Ask the running evaluation of a segment to stop; members stay as they were before it."""
    stopped = recomputing.cancel(segment.pk)
    if stopped:
        record(actor, "segment.evaluation_cancelled", segment.ref)
    return stopped


def add_members(
    segment: Segment,
    contact_ids: Collection[int],
    *,
    cause: str = "manual",
    actor: Actor,
    fires: bool = True,
    origin: str = "",
) -> int:
    """Put contacts into a static segment; return how many were not in it. Without an `origin` it is the actor's doing."""
    why = (cause, origin or origin_of(actor), fires)
    return _by_hand(segment, contact_ids, why, actor, inside=True)


def remove_members(
    segment: Segment,
    contact_ids: Collection[int],
    *,
    cause: str = "manual",
    actor: Actor,
    fires: bool = True,
    origin: str = "",
) -> int:
    """Take contacts out of a static segment; return how many were in it. Without an `origin` it is the actor's doing."""
    why = (cause, origin or origin_of(actor), fires)
    return _by_hand(segment, contact_ids, why, actor, inside=False)


_ADDED = Sql(
    "SELECT a.key, a.contact_id FROM asked a JOIN contacts_contact c ON c.id = a.contact_id"
    " WHERE c.erased_at IS NULL AND c.merged_into_id IS NULL"
)
_REMOVED = Sql("SELECT a.key, a.contact_id FROM asked a WHERE false")


@transaction.atomic
def _by_hand(
    segment: Segment, contact_ids: Collection[int], why: tuple[str, str, bool], actor: Actor, *, inside: bool
) -> int:
    cause, origin, fires = why
    if segment.kind == Segment.Kind.DYNAMIC:
        raise Refused(
            f"“{segment.name}” is dynamic: its members follow from its criteria alone. Change the criteria,"
            " or use a static segment or a list.",
            status=409,
        )
    if segment.archived_at is not None:
        raise Refused(f"“{segment.name}” is archived. Take it back into use first.", status=409)
    locks.share(segment.pk)
    held = locks.hold_contacts(contact_ids, wait=True)
    if not held:
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [READS_LOCK])
    asked = moving.touched([(segment.pk, 0, cause, "", fires)], [held])
    stages = moving.stages_of({segment.pk: segment.slug})
    matched = _ADDED if inside else _REMOVED
    moved = moving.move(asked, matched, held, clock.now(), stages=stages, origin=origin)
    if moved and cause != "flow":
        record(actor, "segment.members_added" if inside else "segment.members_removed", segment.ref, count=len(moved))
    if moved:
        _tell(segment)
        doorbell.ring_on_commit("attend")
    return len(moved)


def size_of(segment: Segment | int) -> int:
    """Return how many are in a segment."""
    pk = segment if isinstance(segment, int) else segment.pk
    return sizes([pk])[pk]


def _kind(kind: str, criteria: Any) -> str:
    kind = str(kind).lower()
    if kind not in Segment.Kind.values:
        raise refuse("kind", 'kind is "static" or "dynamic".')
    if kind == Segment.Kind.STATIC and criteria is not None:
        raise refuse("criteria", 'A static segment takes no criteria. Leave them out, or make it "dynamic".')
    if kind == Segment.Kind.DYNAMIC and criteria is None:
        raise refuse("criteria", 'A dynamic segment needs criteria. {"type": "EVERYONE"} takes everyone.')
    return kind


def _name(name: str) -> str:
    name = str(name).strip()
    if not name or len(name) > 120:
        raise refuse("name", "Give the segment a name of 1 to 120 characters.")
    return name


def _give_rule(segment: Segment, read: Criteria) -> None:
    """Give a segment its rule, its depth and its uses; circles are refused."""
    below = dependencies.below(read.reads)
    dependencies.refuse_circle(segment.slug, below)
    segment.rule = rule_of(read)
    segment.depth = dependencies.depth_above(below)
    if segment.pk:
        dependencies.deepen(segment)
    set_uses(f"segment:{segment.slug}", dependencies.uses(read.reads))


def _start_reading(segment: Segment, read: Criteria) -> None:
    set_reads(_reader(segment), 1, read.reads)


def _reader(segment: Segment) -> str:
    return f"segment:{segment.pk}"


def _tell(segment: Segment) -> None:
    topics = ["segments", f"segment:{segment.pk}"]
    transaction.on_commit(lambda: doorbell.poke(topics))


__all__ = [
    "add_members",
    "archive_segment",
    "cancel_evaluation",
    "change_segment",
    "create_segment",
    "delete_segment",
    "duplicate_segment",
    "freeze_segment",
    "growth",
    "mute_segment",
    "refresh_segment",
    "remove_members",
    "size_of",
    "sizes",
    "unarchive_segment",
]
