"""Beat and doorbell: look for work; the rows say what there is."""

from datetime import timedelta

from celery import shared_task

from contacts import working
from segmentation import copying, evaluation, exporting, gathering, syncing
from segmentation.scenarios import reckoning
from workspace import clock, doorbell, ticks

LOG_KEPT = timedelta(days=30)


@shared_task
def pass_time() -> None:
    """Let the clock pass for every segment that reads it, and pick up evaluations whose ring was lost."""
    if ticks.claim("pass_time", 15):
        evaluation.pass_time()
        evaluation.work_off_owed()
        working.work()
        evaluation.recompute_waiting()
        copying.work()
        reckoning.work()


@shared_task
def recompute_all() -> None:
    """Prove that nothing drifted."""
    if ticks.claim("recompute", 86400):
        evaluation.recompute_all()


@shared_task
def recompute_waiting(rung: bool = False) -> None:
    """Evaluate the segments that wait for it."""
    if rung:
        doorbell.answered("recompute")
    if rung or ticks.claim("recompute_waiting", 15):
        working.work()
        evaluation.recompute_waiting()
        copying.work()
        reckoning.work()


@shared_task
def sync(rung: bool = False) -> None:
    """Tell destinations what they have not heard; a queue and a process of its own, so that nobody waits for the slow."""
    if rung:
        doorbell.answered("sync")
    elif not ticks.claim("sync", 1):
        return
    syncing.turn()
    if ticks.claim("tidy_exports", 3600):
        exporting.tidy()
        gathering.forget(clock.now() - LOG_KEPT)
