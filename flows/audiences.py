"""Many contacts taken in at once, as a job: members at activation, the audience of a schedule, a segment by hand.

A job goes on by small transactions, each with the contacts after its cursor: a crash costs one, whoever was decided about
is never asked twice, and cancelling is heeded between two of them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from flows import activation, asking, locks
from flows.enrolling import BACKLOG, Candidate, enrol
from flows.ledger import Counts
from flows.models import Flow
from flows.plans import Plan, plans_of
from flows.rows import select
from segmentation.models import Segment
from workspace import clock, doorbell
from workspace.audit import Actor, record
from workspace.crash import crashpoint
from workspace.models import Job
from workspace.problems import refuse

MEMBERS = "flows.enrol_members"
STANDING = (Job.Status.WAITING, Job.Status.RUNNING)
CHUNK = 2000
_HOLD = "SELECT id FROM contacts_contact WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"


def begin(
    flow: Flow,
    kind: str,
    source: str,
    until: datetime,
    *,
    segment: str = "",
    rule: int | None = None,
    context: Mapping[str, Any] | None = None,
    actor_id: int | None = None,
) -> Job:
    """Note that the members of a segment at this instant, or who matches a rule, are to be taken in."""
    request = {
        "flow": flow.pk,
        "kind": kind,
        "source": source,
        "until": until.isoformat(),
        "segment": segment,
        "rule": rule,
        "context": dict(context or {}),
        "cursor": 0,
    }
    job = Job.objects.create(kind=MEMBERS, request=request, total=_total(segment), actor_id=actor_id)
    doorbell.ring_on_commit("attend")
    return job


def _total(segment: str) -> int:
    """Return about how many are to be looked at."""
    if not segment:
        count: int = select(
            "SELECT count(*) FROM contacts_contact WHERE erased_at IS NULL AND merged_into_id IS NULL", []
        )[0][0]
        return count
    sql = """SELECT count(*) FROM segmentation_membership m JOIN segmentation_segment s ON s.id = m.segment_id
             WHERE s.slug = %s"""
    members: int = select(sql, [segment])[0][0]
    return members


_MEMBERS = """
SELECT m.contact_id FROM segmentation_membership m JOIN segmentation_segment s ON s.id = m.segment_id
WHERE s.slug = %s AND m.contact_id > %s AND m.since <= %s ORDER BY m.contact_id LIMIT %s
"""
_EVERYBODY = """
SELECT id FROM contacts_contact WHERE id > %s AND created_at <= %s AND erased_at IS NULL AND merged_into_id IS NULL
ORDER BY id LIMIT %s
"""


def take(limit: int = CHUNK) -> int:
    """Take in the next contacts of one job, and return how many were looked at."""
    with transaction.atomic():
        job = _next_job()
        if job is None:
            return 0
        locks.share([job.request["flow"]])
        flow = Flow.objects.get(pk=job.request["flow"])
        if job.cancel_requested or flow.status != Flow.Status.RUNNING or flow.version_id is None:
            _close(job, Job.Status.CANCELLED)
            return 0
        looked = _look(job.request, limit)
        chosen = _chosen(job.request, looked)
        select(_HOLD, [chosen])
        _enrol(plans_of([flow.version_id])[flow.version_id], job.request, chosen)
        job.done += len(looked)
        job.request = {**job.request, "cursor": looked[-1] if looked else job.request["cursor"]}
        job.seen_at = clock.now()
        _close(job, Job.Status.RUNNING if len(looked) == limit else Job.Status.DONE)
        crashpoint("before_entry_commit")
    crashpoint("after_entry_commit")
    doorbell.poke([f"job:{job.pk}"])
    return len(looked)


def _next_job() -> Job | None:
    """Return work that is not through, unless its flow is paused or has not begun yet."""
    early = Q(starts__gt=activation.instant_text(clock.now()))
    resting = Flow.objects.annotate(starts=KeyTextTransform("starts_at", "version__settings"))
    paused = list(resting.filter(Q(status=Flow.Status.PAUSED) | early).values_list("pk", flat=True))
    waiting = Job.objects.filter(kind=MEMBERS, status__in=STANDING).exclude(request__flow__in=paused)
    return waiting.select_for_update(skip_locked=True).order_by("id").first()


def _look(request: Mapping[str, Any], limit: int) -> list[int]:
    if request.get("segment"):
        rows = select(_MEMBERS, [request["segment"], request["cursor"], request["until"], limit])
    else:
        rows = select(_EVERYBODY, [request["cursor"], request["until"], limit])
    return [row[0] for row in rows]


def _chosen(request: Mapping[str, Any], looked: Sequence[int]) -> list[int]:
    rule = request.get("rule")
    return list(looked) if rule is None else sorted(asking.who_of({rule: looked}, clock.now())[rule])


def _enrol(plan: Plan, request: Mapping[str, Any], contacts: Sequence[int]) -> None:
    at, counts = clock.now(), Counts()
    kind, source, context = request.get("kind", "activation"), request["source"], request.get("context", {})
    enrol([Candidate(plan, one, kind, source, at, lane=BACKLOG, context=context) for one in contacts], at, counts)
    counts.write(at)


def _close(job: Job, status: str) -> None:
    job.status = status
    job.ended_at = None if status == Job.Status.RUNNING else clock.now()
    job.save()


def enrol_segment(flow: Flow, *, segment: str, actor: Actor, kind: str = "manual") -> Job:
    """Enrol the members of a segment by hand, as a job; each is judged as one enrolled alone would be."""
    if flow.version_id is None or flow.status != Flow.Status.RUNNING:
        raise refuse("", f"“{flow.name}” takes nobody in: it is {Flow.Status(flow.status).label.lower()}.", 409)
    if not Segment.objects.filter(slug=segment, archived_at=None).exists():
        raise refuse("segment", f"There is no segment “{segment[:63]}”.")
    with transaction.atomic():
        job = begin(flow, kind, uuid4().hex, clock.now(), segment=segment, actor_id=actor.user_id)
        record(actor, "flow.segment_enrolled", flow.ref, segment=segment, job=job.pk)
    return job


def jobs_of(flow: Flow, limit: int = 20) -> QuerySet[Job]:
    """Return the newest of a flow's jobs."""
    return Job.objects.filter(kind=MEMBERS, request__flow=flow.pk).order_by("-id")[:limit]


def cancel(job: Job) -> None:
    """Stop taking in; who is in stays in."""
    with transaction.atomic():
        held = Job.objects.select_for_update().get(pk=job.pk)
        if held.kind != MEMBERS or held.status not in STANDING:
            raise refuse("", "This has ended already; there is nothing to cancel.", 409)
        held.cancel_requested = True
        if held.status == Job.Status.WAITING:
            held.status, held.ended_at = Job.Status.CANCELLED, clock.now()
        held.save()
    doorbell.ring("attend")
