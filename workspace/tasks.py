"""Keeping the house's own tables small."""

from datetime import timedelta

from celery import shared_task

from workspace import clock
from workspace.models import Answer, Tick

TICKS_KEPT = timedelta(days=2)
ANSWERS_KEPT = timedelta(hours=24)


@shared_task
def tidy() -> None:
    """Drop old ticks and answers; running it twice changes nothing more."""
    at = clock.now()
    Tick.objects.filter(at__lt=at - TICKS_KEPT).delete()
    Answer.objects.filter(created_at__lt=at - ANSWERS_KEPT).delete()
