"""Static copies of many: work for a worker, told and stopped as an evaluation of the copy is; nobody sees half of one."""

import time
from datetime import datetime

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Sum

from segmentation import filling, history, locks, recomputing
from segmentation.filling import Cancelled
from segmentation.listing import STOPPED
from segmentation.models import Evaluation, Segment, Tally
from workspace import clock, doorbell
from workspace.crash import crashpoint

log = structlog.get_logger()
FEW = 50_000  # so many are copied while the person waits


def begin(source: Segment, copy: Segment, at: datetime | None, *, origin: str) -> int | None:
    """Copy who is in a segment, or was at an instant, into a new static one; None: they are many, and a worker does it."""
    ever = Tally.objects.filter(segment=source).aggregate(n=Sum("entered"))["n"] or 0
    if ever <= FEW:
        return history.copy_members(source, copy, at, origin=origin)
    evaluation = recomputing.ask(copy, "manual", origin=origin)
    evaluation.copy_of, evaluation.copy_at = source, at or clock.now()
    evaluation.save(update_fields=["copy_of", "copy_at"])
    return None


def work() -> int:
    """Make the copies that wait; return how many were done."""
    waiting = Evaluation.objects.filter(
        status=Evaluation.Status.RUNNING, seen_at=None, copy_at__isnull=False, segment__kind=Segment.Kind.STATIC
    )
    return sum(_make(one.segment) for one in waiting.select_related("segment").order_by("pk"))


def _make(copy: Segment) -> bool:
    evaluation = recomputing.take_over(copy.pk, Segment.Kind.STATIC)
    if evaluation is None:
        return False
    begun = time.perf_counter()
    try:
        with transaction.atomic():
            _fill(evaluation, copy)
    except Cancelled:
        recomputing.end(evaluation, Evaluation.Status.CANCELLED, begun, STOPPED)
    except DatabaseError as error:
        recomputing.end(evaluation, Evaluation.Status.FAILED, begun, str(error).splitlines()[0])
        log.error("copy.failed", segment=copy.pk, error=type(error).__name__)
    else:
        recomputing.end(evaluation, Evaluation.Status.DONE, begun)
        history.drop_gone([copy.pk])
    return True


def _fill(evaluation: Evaluation, copy: Segment) -> None:
    """Write the copy part by part in one transaction, so that others see all of it or nothing."""
    locks.alone(copy.pk)
    if evaluation.copy_of is None:
        raise DatabaseError("The segment that was to be copied is not there any more.")
    evaluation.at = clock.now()
    difference = history.copied(evaluation.copy_of, copy, evaluation.copy_at)
    filling.copy(evaluation, difference, copy)
    crashpoint("after_copy")
    evaluation.size = evaluation.entered
    doorbell.ring_on_commit("attend")
