"""Long work on the catalogue as jobs: small steps, each a transaction of its own, so that a crash costs one step."""

from collections.abc import Callable
from typing import Any

import structlog
from django.db import DatabaseError, OperationalError, transaction

from contacts.storing import run
from workspace import clock, doorbell
from workspace.models import Job
from workspace.problems import Refused

log = structlog.get_logger()

Step = Callable[[Job], bool | None]
STANDING = (Job.Status.WAITING, Job.Status.RUNNING)
_kinds: dict[str, Step] = {}


def register(kind: str, step: Step) -> None:
    """Add a kind of work: `step` does a little of it; True: all is done, None: others have to end first."""
    _kinds[kind] = step


def begin(kind: str, request: dict[str, Any], *, total: int, actor_id: int | None) -> Job:
    """Note work to be done and ring for a worker."""
    job = Job.objects.create(kind=kind, request=request, total=total, actor_id=actor_id)
    doorbell.ring_on_commit("recompute")
    return job


def standing(kind: str, **request: Any) -> Job | None:
    """Return the work of a kind that waits or runs for this."""
    wanted = {f"request__{name}": value for name, value in request.items()}
    return Job.objects.filter(kind=kind, status__in=STANDING, **wanted).order_by("-pk").first()


def work() -> int:
    """Do what waits, as far as it can be done now; return how many steps that took."""
    steps = 0
    for pk in Job.objects.filter(kind__in=_kinds, status__in=STANDING).order_by("pk").values_list("pk", flat=True):
        while _step(pk):
            steps += 1
    return steps


def finish(pk: int) -> None:
    """Do one job now, unless a worker has it."""
    while _step(pk):
        pass


def _step(pk: int) -> bool:
    """Do one step of a job in one transaction; False when there is nothing more to do of it now."""
    try:
        with transaction.atomic():
            job = Job.objects.select_for_update(skip_locked=True).filter(pk=pk, status__in=STANDING).first()
            if job is None:
                return False
            job.status = Job.Status.RUNNING
            done = _kinds[job.kind](job)
            job.seen_at = clock.now()
            if done:
                job.ended_at = job.seen_at
                job.status = Job.Status.CANCELLED if job.cancel_requested else Job.Status.DONE
            job.save()
    except OperationalError:
        log.warning("catalogue.step_again", job=pk)
        return False
    except (Refused, DatabaseError) as error:
        _fail(pk, error)
        return False
    doorbell.poke(["catalogue", f"job:{pk}"])
    return done is False


def _fail(pk: int, error: Exception) -> None:
    log.error("catalogue.failed", job=pk, error=type(error).__name__)
    words = error.detail if isinstance(error, Refused) else "The database refused a step of it."
    Job.objects.filter(pk=pk).update(status=Job.Status.FAILED, error=words, ended_at=clock.now())


def transactions() -> list[str]:
    """Return the transactions of others that are open now: what they read may be older than what was committed."""
    rows = run(
        """SELECT DISTINCT l.virtualtransaction FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
           WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND a.pid <> pg_backend_pid()
               AND a.datname = current_database() AND a.backend_type = 'client backend'"""
    )
    return [row[0] for row in rows]


def others_ended(job: Job) -> bool:
    """Tell whether all transactions that were open when this was first asked of a job have ended."""
    if "open" not in job.request:
        job.request = {**job.request, "open": transactions()}
    elif job.request["open"]:
        left = set(transactions())
        job.request = {**job.request, "open": [one for one in job.request["open"] if one in left]}
    return not job.request["open"]
