"""One verb for many journeys: at once up to a thousand, beyond as a job in chunks, with progress and cancel."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from flows import standstill, tending
from flows.models import Enrollment
from flows.standstill import Wanted
from flows.tending import VERBS, Tended
from workspace import clock, doorbell
from workspace.audit import Actor, record
from workspace.models import Job
from workspace.problems import refuse

KIND = "flows.tend"
STANDING = (Job.Status.WAITING, Job.Status.RUNNING)
AT_ONCE = 1000
MOST_NAMED = 10_000


@dataclass(frozen=True, slots=True)
class Swept:
    """What became of it: done, or a job that does it."""

    tended: Tended | None = None
    job: Job | None = None


def sweep(
    verb: str, *, actor: Actor, to: str = "", ids: Collection[int] | None = None, wanted: Wanted | None = None
) -> Swept:
    """Do a verb to these journeys, or to all that are wanted now; more than a thousand are done as a job."""
    refuse_strange(verb, to)
    at = clock.now()
    if ids is not None and len(ids) > MOST_NAMED:
        raise refuse(
            "enrollments", f"At most {MOST_NAMED:,} journeys can be named; say what they have in common instead."
        )
    chosen = sorted(set(ids)) if ids is not None else standstill.ids(wanted or Wanted("any"), at, AT_ONCE + 1)
    if len(chosen) <= AT_ONCE:
        return Swept(tending.tend(verb, chosen, actor=actor, to=to))
    request: dict[str, Any] = {"verb": verb, "to": to, "cursor": 0, "key": actor.key_id, "ids": chosen}
    total = len(chosen)
    if ids is None:
        asked = wanted or Wanted("any")
        newest = Enrollment.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        request |= {"ids": None, "wanted": asked.as_json(), "until": newest, "at": at.isoformat()}
        total = standstill.count(asked, at, None)
    return Swept(job=_begin(request, total, actor))


def refuse_strange(verb: str, to: str) -> None:
    """Refuse what is no verb, and a place to move to where nobody moves, or none where they do."""
    if verb not in VERBS:
        raise refuse("verb", f"verb is one of {', '.join(VERBS)}.")
    if (verb == "move") != bool(to):
        raise refuse(
            "to", "Name the step to move to." if verb == "move" else "Only those who move have a step to go to."
        )


def _begin(request: Mapping[str, Any], total: int, actor: Actor) -> Job:
    with transaction.atomic():
        job = Job.objects.create(kind=KIND, request=dict(request), total=total, actor_id=actor.user_id)
        record(actor, "enrollments.swept", f"job_{job.pk}", what=request["verb"], to=request["to"], total=total)
        doorbell.ring_on_commit("attend")
    return job


def take(limit: int = AT_ONCE) -> int:
    """Do the next chunk of one job, and return how many were looked at."""
    with transaction.atomic():
        job = (
            Job.objects.select_for_update(skip_locked=True)
            .filter(kind=KIND, status__in=STANDING)
            .order_by("id")
            .first()
        )
        if job is None:
            return 0
        if job.cancel_requested:
            _close(job, Job.Status.CANCELLED)
            return 0
        chosen = _next(job.request, limit)
        asked = job.request
        actor = Actor(user_id=job.actor_id, key_id=asked["key"])
        tended = tending.tend(asked["verb"], chosen, actor=actor, to=asked["to"])
        _add(job, tended, len(chosen))
        job.request = {**asked, "cursor": chosen[-1] if chosen else asked["cursor"]}
        _close(job, Job.Status.RUNNING if len(chosen) == limit else Job.Status.DONE)
    doorbell.poke([f"job:{job.pk}", "flows"])
    return len(chosen)


def _next(request: Mapping[str, Any], limit: int) -> list[int]:
    """Return the next journeys, of those that were there when it was asked for."""
    cursor = request["cursor"]
    if request["ids"] is not None:
        return [pk for pk in request["ids"] if pk > cursor][:limit]
    at = datetime.fromisoformat(request["at"])
    found = standstill.ids(Wanted(**request["wanted"]), at, limit, cursor)
    return [pk for pk in found if pk <= request["until"]]


def _add(job: Job, tended: Tended, looked: int) -> None:
    before = job.result or {"done": 0, "left_out": []}
    left = Counter({one["reason"]: one["count"] for one in before["left_out"]}) + tended.left
    job.result = Tended(before["done"] + tended.done, left).as_json()
    job.done, job.seen_at = job.done + looked, clock.now()


def _close(job: Job, status: str) -> None:
    job.status = status
    job.ended_at = None if status == Job.Status.RUNNING else clock.now()
    job.save()


def cancel(job: Job, *, actor: Actor) -> None:
    """Stop it; what is done stays done."""
    with transaction.atomic():
        held = Job.objects.select_for_update().get(pk=job.pk)
        if held.kind != KIND or held.status not in STANDING:
            raise refuse("", "This has ended already; there is nothing to cancel.", 409)
        held.cancel_requested = True
        if held.status == Job.Status.WAITING:
            held.status, held.ended_at = Job.Status.CANCELLED, clock.now()
        held.save()
        record(actor, "enrollments.sweep_stopped", f"job_{held.pk}")
    doorbell.ring("attend")


def standing() -> list[Job]:
    """Return the jobs that are under way."""
    return list(Job.objects.filter(kind=KIND, status__in=STANDING).order_by("-id")[:20])


def job_out(job: Job) -> dict[str, Any]:
    """Return a job as it goes out."""
    return {
        "id": f"job_{job.pk}",
        "verb": job.request["verb"],
        "status": job.status,
        "done": job.done,
        "total": job.total,
        "result": job.result,
        "created_at": job.created_at,
        "ended_at": job.ended_at,
    }
