"""What becomes of a file that was read and not brought: its rows are as personal as any other."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from contacts import importing, services, working
from contacts.csv_import import read_sheet
from contacts.invariants import CHECKS
from contacts.models import Contact
from contacts.tasks import forget_files
from contacts.waiting_files import FILE, forget, plain
from tests.factories import person
from workspace import clock
from workspace.audit import HOUSE
from workspace.models import Job, Tick

pytestmark = pytest.mark.django_db
PEOPLE = "id,email,phone,plan\nann,Ann@Example.com,,pro\nbo,bo@example.com,,free\n,,+47 (901) 23-456,free\n"


def kept(text: str = PEOPLE) -> Job:
    """Read a file and leave it at its preview."""
    return importing.keep("people.csv", read_sheet(text.encode()), HOUSE)


def lines_of(job: Job) -> list[int]:
    job.refresh_from_db()
    return [line for line, _ in job.request["rows"]]


@pytest.mark.parametrize(
    ("known_by", "left"),
    [
        ({"user_id": "ann"}, [3, 4]),
        ({"email": "ann@example.com"}, [3, 4]),
        ({"phone": "+4790123456"}, [2, 3]),
        ({"user_id": "cy", "email": "cy@example.com"}, [2, 3, 4]),
    ],
)
def test_a_preview_forgets_the_rows_of_a_contact_who_is_erased(known_by: dict[str, str], left: list[int]) -> None:
    job = kept()
    one = services.create_contact(document=_document(known_by), actor=HOUSE)
    receipt = services.erase_contact(contact=one, actor=HOUSE)
    assert lines_of(job) == left
    assert (job.total, receipt["erased"]["import_row"]) == (len(left), 3 - len(left))


def _document(known_by: dict[str, str]) -> dict[str, str]:
    return {{"user_id": "userId"}.get(name, name): value for name, value in known_by.items()}


def test_a_file_half_brought_goes_on_where_it_was_when_rows_leave_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    job = kept("id\n" + "".join(f"u{n}\n" for n in range(5)))
    assert importing.begin(job, ["userId"], into=None, fires=False, actor=HOUSE)
    working._step(job.pk)  # u0 and u1 are in
    for name in ("u1", "u3"):
        one = Contact.objects.filter(user_id=name).first() or person(name, user_id=name)
        services.erase_contact(contact=one, actor=HOUSE)
    job.refresh_from_db()
    assert (job.done, job.total) == (1, 3)
    working.finish(job.pk)
    assert set(Contact.objects.exclude(user_id=None).values_list("user_id", flat=True)) == {"u0", "u2", "u4"}


def test_a_preview_is_begun_with_the_rows_that_are_left() -> None:
    job = kept()
    services.erase_contact(contact=person("Ann", user_id="ann"), actor=HOUSE)
    importing.begin(job, ["userId", "email", "phone", ""], into=None, fires=False, actor=HOUSE)
    assert not Contact.objects.filter(user_id="ann").exists()
    assert Contact.objects.filter(user_id="bo").exists()


@pytest.mark.django_db(transaction=True)
def test_erasing_does_not_wait_for_a_worker_that_brings_the_file_and_its_rows_go_right_after() -> None:
    job, ann = kept(), person("Ann", user_id="ann")
    held, erased = threading.Event(), threading.Event()

    def bring() -> None:
        with transaction.atomic():
            Job.objects.select_for_update().get(pk=job.pk)
            held.set()
            while not erased.wait(0.01):
                if Contact.objects.filter(pk=ann.pk, erased_at__isnull=False).exists():
                    erased.set()
        connection.close()

    worker = threading.Thread(target=bring)
    worker.start()
    held.wait(10)
    services.erase_contact(contact=ann, actor=HOUSE)
    worker.join(10)
    assert erased.is_set()
    assert lines_of(job) == [3, 4]


def test_a_file_nobody_brought_is_dropped_after_a_day_and_the_rows_of_one_that_broke_off() -> None:
    old, broken, brought, young = (kept() for _ in range(4))
    at = clock.now()
    Job.objects.filter(pk=broken.pk).update(kind="import", status=Job.Status.FAILED)
    importing.begin(brought, ["userId", "", "", ""], into=None, fires=False, actor=HOUSE)
    Job.objects.exclude(pk=young.pk).update(created_at=at - timedelta(hours=25))
    assert forget(at) == 2
    assert not Job.objects.filter(pk=old.pk).exists()
    broken.refresh_from_db()
    assert broken.request == {"name": "people.csv"}
    assert Job.objects.filter(pk=brought.pk, status=Job.Status.DONE).exists()
    assert lines_of(young) == [2, 3, 4]


def test_the_hourly_round_forgets_files_and_an_invariant_finds_what_it_missed(settings: Any) -> None:
    assert settings.CELERY_BEAT_SCHEDULE["forget_files"]["task"] == "contacts.tasks.forget_files"
    job = kept()
    Job.objects.filter(pk=job.pk).update(created_at=clock.now() - timedelta(days=2))
    assert missed() == [(job.pk,)]
    forget_files()
    assert missed() == []
    assert not Job.objects.filter(kind=FILE).exists()
    assert Tick.objects.filter(job="forget_files").count() == 1


def missed() -> list[tuple[int]]:
    with connection.cursor() as cursor:
        cursor.execute(CHECKS["no file of contacts waits for days to be brought"])
        return list(cursor.fetchall())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann@Example.com ", "ann@example.com"),
        ("+47 901 23 456", "+4790123456"),
        ("'=1+1", "=1+1"),
        ("a 123456", "A 123456"),
    ],
)
def test_names_are_compared_as_people_write_them(one: str, other: str) -> None:
    assert plain(one) == plain(other)
