"""The movement between personas as work in progress: asked for by a person, done by a worker, kept until asked again."""

from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from segmentation.catalogue import load_catalogue
from segmentation.scenarios import PERSONAS
from segmentation.scenarios.making import Said, documents_of
from segmentation.scenarios.movement import Movement, month_ends, movement
from workspace import clock, doorbell
from workspace.audit import Actor
from workspace.models import Job
from workspace.problems import Refused

KIND = "personas.movement"
GONE = timedelta(minutes=10)  # a worker that has said nothing for so long is gone
MONTHS = 12


class Cancelled(Exception):
    """Somebody asked to stop."""


@transaction.atomic
def ask(said: Said, *, actor: Actor) -> Job:
    """Ask a worker to reckon the last months with these thresholds; a standing request is answered with itself."""
    standing = current()
    if standing is not None:
        return standing
    documents_of(said, clock.now())
    request = {"thresholds": dict(said)}
    job = Job.objects.create(kind=KIND, total=MONTHS + 1, request=request, actor_id=actor.user_id)
    doorbell.ring_on_commit("recompute")
    return job


def current() -> Job | None:
    """Return the work that waits or runs."""
    return Job.objects.filter(kind=KIND, status__in=[Job.Status.WAITING, Job.Status.RUNNING]).order_by("-pk").first()


def latest() -> Job | None:
    """Return the newest that is done."""
    return Job.objects.filter(kind=KIND, status=Job.Status.DONE).order_by("-pk").first()


def cancel() -> bool:
    """Ask the work to stop; False when there is none."""
    waiting = Job.objects.filter(kind=KIND, status=Job.Status.WAITING)
    stopped = waiting.update(status=Job.Status.CANCELLED, cancel_requested=True, ended_at=clock.now())
    running = Job.objects.filter(kind=KIND, status=Job.Status.RUNNING)
    return bool(stopped + running.update(cancel_requested=True))


def work() -> int:
    """Do what waits, one after another; return how many were done."""
    done = 0
    while (job := _claim()) is not None:
        _do(job)
        done += 1
    return done


@transaction.atomic
def _claim() -> Job | None:
    gone = clock.now() - GONE
    Job.objects.filter(kind=KIND, status=Job.Status.RUNNING, seen_at__lt=gone).update(status=Job.Status.WAITING)
    job = Job.objects.filter(kind=KIND, status=Job.Status.WAITING).select_for_update(skip_locked=True).first()
    if job is not None:
        Job.objects.filter(pk=job.pk).update(status=Job.Status.RUNNING, seen_at=clock.now(), done=0)
    return job


def _do(job: Job) -> None:
    now = clock.now()
    zone = load_catalogue().zone
    try:
        documents = documents_of(job.request["thresholds"], now)
        found = movement(documents, month_ends(now, MONTHS, zone), load_catalogue(), told=lambda done: _told(job, done))
    except Cancelled:
        _end(job, Job.Status.CANCELLED)
    except Refused as refused:
        _end(job, Job.Status.FAILED, error=refused.detail)
    else:
        _end(job, Job.Status.DONE, result=as_json(found))


def _told(job: Job, done: int) -> None:
    Job.objects.filter(pk=job.pk).update(done=done, seen_at=clock.now())
    doorbell.poke(["personas"])
    if Job.objects.filter(pk=job.pk, cancel_requested=True).exists():
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS pg_temp.stood")
        raise Cancelled


def _end(job: Job, status: str, **columns: Any) -> None:
    Job.objects.filter(pk=job.pk).update(status=status, ended_at=clock.now(), **columns)
    doorbell.poke(["personas"])


def as_json(found: Movement) -> dict[str, Any]:
    """Return a movement as it is kept: instants, sizes by slug, and who went from where to where."""
    return {
        "slugs": [one.slug for one in PERSONAS],
        "at": [one.isoformat() for one in found.at],
        "sizes": found.sizes,
        "moved": [[[*pair, people] for pair, people in sorted(one.items())] for one in found.moved],
    }
