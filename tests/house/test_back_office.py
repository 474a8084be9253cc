"""The back office: every list is quick at a million rows, and what keeps the house going cannot be switched off."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from config.admin import ESSENTIAL
from flows.services import create_flow
from messaging.services import create_template
from segmentation.evaluation import recompute
from tests.factories import did, person, put_on, segment
from workspace import clock
from workspace.audit import HOUSE

pytestmark = pytest.mark.django_db

QUERIES = 10
# Tables that reach millions of rows; a count of all their rows takes seconds.
LONG = (
    "contacts_event contacts_change contacts_contact segmentation_membership segmentation_transition flows_step"
    " messaging_message flows_enrollment contacts_receipt contacts_consent flows_entry"
).split()
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
BEAT = "admin:django_celery_beat_periodictask"


@pytest.fixture
def rows(db: None) -> None:
    """A shop with a little of everything: three people who ordered, a list, a segment, a flow and a template."""
    people = [person(name) for name in ("Anna", "Bo", "Cleo")]
    bought = {"type": "EVENT", "eventName": "Order Completed"}
    for one in people:
        did(one, "Order Completed", revenue=12.5)
    put_on("friends", *people)
    buyers = segment("Buyers", bought)
    recompute(buyers.pk, cause="edited", fires="none")
    create_flow(name="Welcome", actor=HOUSE)
    create_template(name="Hello", slug="hello", channel="email", subject="Hi", body="<p>Hi</p>", actor=HOUSE)


@pytest.mark.parametrize("model", MODELS, ids=[model._meta.label for model in MODELS])
def test_every_list_answers_within_ten_queries_and_counts_no_long_table(
    ada: Client, rows: None, model: type[Model]
) -> None:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    with CaptureQueriesContext(connection) as seen:
        answer = ada.get(url)
    assert answer.status_code == 200
    asked = [query["sql"] for query in seen.captured_queries]
    assert len(asked) <= QUERIES, "\n".join(asked)
    assert not [sql for sql in asked if counts_everything(sql)]


def counts_everything(sql: str) -> bool:
    """Tell whether a statement counts all rows of a long table."""
    return bool(re.search(rf'COUNT\(.*?\)[^()]*FROM "?({"|".join(LONG)})"?\s*$', sql, re.IGNORECASE))


def test_the_measure_itself_knows_a_bare_count() -> None:
    assert counts_everything('SELECT COUNT(*) AS "__count" FROM "contacts_event"')
    assert not counts_everything('SELECT COUNT(*) AS "__count" FROM "workspace_key"')


@pytest.mark.parametrize("model", MODELS, ids=[model._meta.label for model in MODELS])
def test_searching_a_list_for_anything_never_breaks_it(ada: Client, rows: None, model: type[Model]) -> None:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for words in ("anna", "999999999999999999999999", "%_'\"", "a\x00b"):
        assert ada.get(url, {"q": words}).status_code in (200, 302), words


@pytest.fixture
def entry(db: None) -> PeriodicTask:
    """The entry of beat that looks for work every second, rung two seconds ago."""
    every, _ = IntervalSchedule.objects.get_or_create(every=10, period="seconds")
    last = clock.now() - timedelta(seconds=2)
    return PeriodicTask.objects.create(name="attend", task="flows.tasks.attend", interval=every, last_run_at=last)


def test_beat_entries_show_their_last_and_next_run(ada: Client, entry: PeriodicTask) -> None:
    page = ada.get(reverse(f"{BEAT}_changelist")).content.decode()
    assert "Last Run" in page or "Last run" in page
    assert "Next run" in page
    shown = admin.site._registry[PeriodicTask].next_run_at(entry)  # type: ignore[attr-defined]
    assert entry.last_run_at < shown <= entry.last_run_at + timedelta(seconds=11)


def test_a_switched_off_entry_has_no_next_run(entry: PeriodicTask) -> None:
    entry.enabled = False
    assert admin.site._registry[PeriodicTask].next_run_at(entry) is None  # type: ignore[attr-defined]


@pytest.mark.parametrize("action", ["disable_tasks", "toggle_tasks", "delete_selected"])
def test_no_action_switches_off_or_deletes_what_is_essential(ada: Client, entry: PeriodicTask, action: str) -> None:
    ada.post(
        reverse(f"{BEAT}_changelist"), {"action": action, "_selected_action": [entry.pk], "post": "yes"}, follow=True
    )
    assert PeriodicTask.objects.get(name="attend").enabled


def test_an_essential_entry_is_not_deleted_by_its_page_nor_with_its_interval(ada: Client, entry: PeriodicTask) -> None:
    assert ada.post(reverse(f"{BEAT}_delete", args=[entry.pk]), {"post": "yes"}).status_code == 403
    interval = reverse("admin:django_celery_beat_intervalschedule_delete", args=[entry.interval_id])
    assert ada.post(interval, {"post": "yes"}).status_code == 403
    assert PeriodicTask.objects.filter(name="attend").exists()


def test_an_essential_entry_is_retimed_and_nothing_else(ada: Client, entry: PeriodicTask) -> None:
    slow, _ = IntervalSchedule.objects.get_or_create(every=20, period="seconds")
    url = reverse(f"{BEAT}_change", args=[entry.pk])
    assert ada.get(url).status_code == 200
    sent = {"name": "gone", "task": "no.such", "interval": slow.pk, "one_off": "on", "kwargs": '{"x": 1}'}
    answer = ada.post(url, sent)
    assert answer.status_code == 302, answer.content.decode()
    entry.refresh_from_db()
    assert (entry.interval, entry.name, entry.task, entry.enabled) == (slow, "attend", "flows.tasks.attend", True)
    assert (entry.one_off, entry.kwargs) == (False, "{}")


def test_other_entries_can_be_made_switched_off_and_deleted(ada: Client, entry: PeriodicTask) -> None:
    assert ada.get(reverse(f"{BEAT}_add")).status_code == 200
    other = PeriodicTask.objects.create(name="report", task="reports.daily", interval=entry.interval)
    ada.post(reverse(f"{BEAT}_changelist"), {"action": "disable_tasks", "_selected_action": [other.pk, entry.pk]})
    other.refresh_from_db()
    assert not other.enabled
    assert ada.post(reverse(f"{BEAT}_delete", args=[other.pk]), {"post": "yes"}).status_code == 302


def test_the_essential_entries_are_entries_of_the_beat_table(settings: Any) -> None:
    assert set(settings.CELERY_BEAT_SCHEDULE) >= ESSENTIAL
