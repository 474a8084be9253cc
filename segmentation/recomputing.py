"""Evaluating a whole segment anew: one transaction that has the segment alone, with its progress told outside it."""

import time
from datetime import timedelta
from typing import Any

import structlog
from django.db import DatabaseError, connection, transaction

from segmentation import filling, locks
from segmentation.filling import Cancelled
from segmentation.models import Evaluation, Segment
from segmentation.rules import Saved, remembered
from segmentation.sizes import sizes
from workspace import clock, doorbell
from workspace.crash import crashpoint

log = structlog.get_logger()

TRY_AGAIN = timedelta(minutes=10)  # after a failure
NIGHT_SECONDS = 200.0  # the nightly proof stops in good time before its task's limit, and goes on the next night
FIRES = ("none", "entries", "exits", "both")


def recompute(
    segment_id: int, cause: str = "repair", fires: str | bool = "none", *, only_waiting: bool = False
) -> Evaluation | None:
    """Evaluate a segment over everybody; a failed or cancelled one changes nothing.

    An evaluation that waits for a worker is taken over, with its cause and with what it may fire.
    """
    begun = time.perf_counter()
    evaluation = take_over(segment_id) or _begin(segment_id, cause, _fires(fires))
    if evaluation is None:
        return None
    try:
        with transaction.atomic():
            _evaluate(evaluation, only_waiting=only_waiting)
            _note(evaluation, Evaluation.Status.DONE, begun)
    except Cancelled:
        end(evaluation, Evaluation.Status.CANCELLED, begun, "Cancelled; the members are as they were.")
    except DatabaseError as error:
        end(evaluation, Evaluation.Status.FAILED, begun, str(error).splitlines()[0])
        log.error("evaluation.failed", segment=segment_id, error=type(error).__name__)
    else:
        _poke(evaluation)
    return evaluation


def _fires(fires: str | bool) -> str:
    return fires if isinstance(fires, str) else ("both" if fires else "none")


def ask(segment: Segment, cause: str, fires: str = "none", *, origin: str = "") -> Evaluation:
    """Note that a segment is to be evaluated and ring for a worker; a later request takes the place of an earlier one."""
    waiting = Evaluation.objects.filter(segment=segment, full=True, status=Evaluation.Status.RUNNING, seen_at=None)
    waiting.update(status=Evaluation.Status.CANCELLED, error="A later request took its place.")
    evaluation = Evaluation.objects.create(
        segment=segment,
        rule_id=segment.rule_id,
        cause=cause,
        full=True,
        status=Evaluation.Status.RUNNING,
        at=clock.now(),
        fires=fires,
        origin=origin,
    )
    doorbell.ring_on_commit("recompute")
    return evaluation


def is_running(segment_id: int) -> bool:
    """Tell whether a segment is being evaluated, or waits for it."""
    return Evaluation.objects.filter(segment_id=segment_id, full=True, status=Evaluation.Status.RUNNING).exists()


def cancel(segment_id: int) -> bool:
    """Ask the evaluation of a segment to stop; False when none runs."""
    running = Evaluation.objects.filter(segment_id=segment_id, full=True, status=Evaluation.Status.RUNNING)
    waiting = running.filter(seen_at=None).update(status=Evaluation.Status.CANCELLED, cancel_requested=True)
    return bool(running.update(cancel_requested=True) + waiting)


def recompute_all(seconds: float = NIGHT_SECONDS) -> list[Evaluation]:
    """Prove that nothing drifted, the longest unproven first; return the evaluations that found something to mend."""
    end = time.monotonic() + seconds
    mended = []
    for pk in (
        Segment.objects.filter(kind=Segment.Kind.DYNAMIC, archived_at=None, evaluated_at__isnull=False)
        .order_by("evaluated_at")
        .values_list("pk", flat=True)
    ):
        evaluation = recompute(pk, "repair")
        if evaluation and (evaluation.entered or evaluation.exited):
            mended.append(evaluation)
            log.warning("evaluation.mended", segment=pk, entered=evaluation.entered, exited=evaluation.exited)
        if time.monotonic() > end:
            break
    return mended


def recompute_waiting() -> int:
    """Evaluate the segments that wait for it, and settle evaluations whose worker is gone; return how many were done."""
    _settle_orphans()
    done = 0
    for pk in _waiting():
        done += recompute(pk, "edited", only_waiting=True) is not None
    return done


def _waiting() -> list[int]:
    """Return segments whose evaluation was asked for, or never came about, those below others first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.id FROM segmentation_segment s LEFT JOIN LATERAL (SELECT e.status, e.at, e.seen_at"
            ' FROM segmentation_evaluation e WHERE e.segment_id = s.id AND e."full" ORDER BY e.id DESC LIMIT 1) e ON true'
            " WHERE s.kind = 'dynamic' AND s.archived_at IS NULL AND ((e.status = 'running' AND e.seen_at IS NULL)"
            " OR (s.evaluated_at IS NULL AND (e.status IS NULL OR (e.status = 'failed' AND e.at < tributary_now() - %s::interval))))"
            " ORDER BY s.depth, s.id",
            [f"{TRY_AGAIN.total_seconds()} seconds"],
        )
        return [row[0] for row in cursor.fetchall()]


def _settle_orphans() -> None:
    """Say of evaluations whose worker died that they failed: nobody has their segment."""
    for evaluation in Evaluation.objects.filter(full=True, status=Evaluation.Status.RUNNING, seen_at__isnull=False):
        with transaction.atomic():
            if locks.try_alone(evaluation.segment_id) and evaluation.copy_at is not None:
                Evaluation.objects.filter(pk=evaluation.pk, status=Evaluation.Status.RUNNING).update(seen_at=None)
            elif locks.try_alone(evaluation.segment_id):
                Evaluation.objects.filter(pk=evaluation.pk, status=Evaluation.Status.RUNNING).update(
                    status=Evaluation.Status.FAILED,
                    error="Its worker ended; the members are as they were.",
                    at=clock.now() - TRY_AGAIN,
                )


# Written out: a look at a small segment costs less than what the ORM makes of these would.
_TAKE = """
UPDATE segmentation_evaluation SET seen_at = tributary_now() WHERE id = (
    SELECT e.id FROM segmentation_evaluation e JOIN segmentation_segment s ON s.id = e.segment_id
    WHERE e.segment_id = %s AND e."full" AND e.status = 'running' AND e.seen_at IS NULL
    AND s.kind = %s AND (s.kind = 'static' OR s.archived_at IS NULL)
    ORDER BY e.id DESC LIMIT 1 FOR UPDATE OF e SKIP LOCKED
) RETURNING *
"""
_BEGIN = """
INSERT INTO segmentation_evaluation (segment_id, rule_id, cause, "full", status, at, seen_at, fires, looks, entered,
    exited, ms, done, total, cancel_requested)
SELECT s.id, s.rule_id, %s, true, 'running', tributary_now(), tributary_now(), %s, 1, 0, 0, 0, 0, 0, false
FROM segmentation_segment s WHERE s.id = %s AND s.kind = 'dynamic' AND s.archived_at IS NULL RETURNING *
"""
_NOTE = """
UPDATE segmentation_evaluation SET status = %s, error = %s, ms = %s, at = %s, size = %s, entered = %s, exited = %s,
    rule_id = %s, done = %s, total = %s, seen_at = %s WHERE id = %s
"""


def take_over(segment_id: int, kind: str = "dynamic") -> Evaluation | None:
    """Take the evaluation of a segment of this kind that waits for a worker, if any."""
    return next(iter(Evaluation.objects.raw(_TAKE, [segment_id, kind])), None)


def _begin(segment_id: int, cause: str, fires: str) -> Evaluation | None:
    """Note that a segment is being evaluated; None when it cannot be."""
    return next(iter(Evaluation.objects.raw(_BEGIN, [cause, fires, segment_id])), None)


def end(evaluation: Evaluation, status: str, begun: float, error: str = "") -> None:
    """Write down what came of an evaluation, and tell open pages."""
    _note(evaluation, status, begun, error)
    _poke(evaluation)


def _note(evaluation: Evaluation, status: str, begun: float, error: str = "") -> None:
    """Write down what came of an evaluation, and how long it took; of one that is done, together with its moves."""
    evaluation.status, evaluation.error = status, error
    evaluation.ms = (time.perf_counter() - begun) * 1000
    if status != Evaluation.Status.DONE:
        evaluation.entered = evaluation.exited = 0
    one = evaluation
    told: list[Any] = [one.status, one.error, one.ms, one.at, one.size, one.entered, one.exited]
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [*told, one.rule_id, one.done, one.total, one.seen_at, one.pk])


def _poke(evaluation: Evaluation) -> None:
    doorbell.poke(["segments", f"segment:{evaluation.segment_id}"])


def _evaluate(evaluation: Evaluation, *, only_waiting: bool) -> None:
    locks.alone(evaluation.segment_id)
    read = ("slug", "clock_at", "evaluated_at", "rule__digest", "rule__document")
    segment = Segment.objects.select_related("rule").only(*read).get(pk=evaluation.segment_id)
    if segment.rule is None or (
        only_waiting and segment.evaluated_at and evaluation.cause == "edited" and _done_since(evaluation)
    ):
        return
    criteria = remembered(Saved(segment.rule.digest, segment.rule.document))
    evaluation.rule = segment.rule
    evaluation.at = max([clock.now(), *([segment.clock_at] if segment.clock_at else [])])
    filling.fill(evaluation, criteria, segment)
    crashpoint("after_recompute")
    Segment.objects.filter(pk=segment.pk, rule=segment.rule).update(evaluated_at=evaluation.at, clock_at=evaluation.at)
    evaluation.size = sizes([segment.pk])[segment.pk]
    if evaluation.entered or evaluation.exited:
        doorbell.ring_on_commit("attend")


def _done_since(evaluation: Evaluation) -> bool:
    """Tell whether another worker did meanwhile what this evaluation was for."""
    return Evaluation.objects.filter(
        segment_id=evaluation.segment_id, full=True, status=Evaluation.Status.DONE, pk__gt=evaluation.pk
    ).exists()
