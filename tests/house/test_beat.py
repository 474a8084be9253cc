"""The beat table."""

import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from config.beat import KeptSchedule
from config.celery import app

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_entry_that_was_retimed_in_the_admin_stays_so_when_beat_starts_again() -> None:
    KeptSchedule(app=app).setup_schedule()
    entry = PeriodicTask.objects.get(name="reap")
    entry.interval, _ = IntervalSchedule.objects.get_or_create(every=90, period="seconds")
    entry.save()
    KeptSchedule(app=app).setup_schedule()
    entry.refresh_from_db()
    assert entry.interval is not None
    assert entry.interval.every == 90


def test_beat_starts_with_every_entry_of_the_settings() -> None:
    KeptSchedule(app=app).setup_schedule()
    assert set(app.conf.beat_schedule) <= set(PeriodicTask.objects.values_list("name", flat=True))
