"""What many do at once, and what a crash leaves: real threads, real processes, a real database."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from contacts.changes import READS_LOCK, note, read_facts, set_reads
from contacts.ingest import take
from contacts.models import Activity, Address, Change, Contact, Event, EventName, Identity, Read, Receipt
from tests.contacts.conftest import NOON, SERVER, identify, tell, track

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _short_waits() -> Iterator[None]:
    yield
    connection.close()


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run works in threads that start together, each with its own connection, and return what they return."""
    gate = threading.Barrier(len(works))

    def one(work: Callable[[], Any]) -> Any:
        try:
            gate.wait()
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(one, work) for work in works]]


def test_fifty_parallel_upserts_by_different_names_make_one_contact() -> None:
    ways: list[dict[str, Any]] = [
        {"type": "identify", "userId": "ann", "traits": {"email": "ann@example.com"}},
        {"type": "identify", "userId": "ann", "anonymousId": "cookie", "traits": {"plan": "pro"}},
        {"type": "track", "userId": "ann", "event": "Order Completed"},
        {"type": "track", "userId": "ann", "anonymousId": "cookie", "event": "Product Viewed"},
        {"type": "identify", "anonymousId": "cookie", "userId": "ann", "traits": {"city": "Rome"}},
    ]
    for round_ in range(5):
        answers = at_once(*[lambda way=way: take([way], source=SERVER, received_at=NOON) for way in ways * 2])
        assert answers == [[None]] * 10, round_
    ann = Contact.objects.get(merged_into=None)
    assert (ann.user_id, ann.email, ann.city, ann.attributes) == ("ann", "ann@example.com", "Rome", {"plan": "pro"})
    assert Identity.objects.count() == 2
    assert Event.objects.exclude(contact=ann).count() == 0


def test_parallel_files_with_the_same_emails_make_each_contact_once() -> None:
    people = [{"type": "identify", "traits": {"email": f"p{n}@example.com", "n": n}} for n in range(40)]

    def bring() -> Any:
        mixed = random.sample(people, len(people))
        return take(mixed, source=SERVER, received_at=NOON)

    assert at_once(*[bring] * 6) == [[None] * 40] * 6
    assert Contact.objects.count() == 40


def test_a_visitor_who_goes_on_while_being_joined_loses_nothing() -> None:
    for round_ in range(8):
        tell({"type": "track", "anonymousId": f"a{round_}", "event": "Product Viewed"}, identify(f"u{round_}"))
        join = {"type": "identify", "anonymousId": f"a{round_}", "userId": f"u{round_}"}
        view = {"type": "track", "anonymousId": f"a{round_}", "event": "Product Viewed"}
        works = [lambda one=one: take([one], source=SERVER, received_at=NOON) for one in [join, view, view, join, view]]
        assert at_once(*works) == [[None]] * 5
        winner = Contact.objects.get(user_id=f"u{round_}", merged_into=None)
        assert Event.objects.filter(contact=winner).count() == 4
    assert Event.objects.filter(contact__merged_into__isnull=False).count() == 0


def test_crossing_batches_of_the_same_contacts_all_come_in() -> None:
    tell(*[identify(f"u{n}") for n in range(50)])

    def batch() -> Any:
        names = random.sample(range(50), 50)
        return take(
            [item for n in names for item in (identify(f"u{n}", n=n), track(f"u{n}", "A"))],
            source=SERVER,
            received_at=NOON,
        )

    assert at_once(*[batch] * 6) == [[None] * 100] * 6
    assert Event.objects.count() == 300


def test_one_message_id_sent_by_many_at_once_is_stored_once() -> None:
    item = {**track("ann", "Order Completed"), "messageId": "m1"}
    assert at_once(*[lambda: take([item], source=SERVER, received_at=NOON)] * 10) == [[None]] * 10
    assert Event.objects.count() == 1


def test_a_fact_is_either_in_the_readers_first_look_or_has_a_change() -> None:
    """The saver writes its reads and then looks at everything; the ingest runs against it, forty times over."""
    for round_ in range(40):
        name = f"Race {round_}"
        seen: list[int] = []

        def save(name: str = name, seen: list[int] = seen, reader: str = f"rule:{round_}") -> None:
            with transaction.atomic():
                set_reads(reader, 1, [f"event:{name}"])
            seen.append(Event.objects.filter(name__name=name).count())

        at_once(save, lambda name=name: take([track("ann", name)], source=SERVER, received_at=NOON))
        changes = Change.objects.filter(fact=f"event:{name}").count()
        assert seen[0] + changes >= 1, f"the fact of round {round_} was lost"


def test_whoever_begins_to_read_waits_for_whoever_is_writing() -> None:
    written, saved = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            assert read_facts(["event:X"]) == {}
            written.set()
            assert not saved.wait(0.5), "the reader did not wait"

    def save() -> None:
        assert written.wait(5)
        set_reads("rule:1", 1, ["event:X"])
        saved.set()

    at_once(write, save)
    assert READS_LOCK
    assert Read.objects.count() == 1
    with transaction.atomic():
        assert read_facts(["event:X", "event:Y"]) == {"event:X": 1}
    assert note([]) == 0


CRASHING = """
import django; django.setup()
from django.db import connection
from datetime import UTC, datetime
from contacts.ingest import Source, take
take([{"type": "identify", "userId": "ann", "messageId": "m1", "traits": {"email": "a@example.com", "plan": "x"}},
      {"type": "track", "userId": "ann", "event": "Order Completed", "messageId": "m2"}],
     source=Source("server"), received_at=datetime(2026, 3, 1, tzinfo=UTC))
"""


def test_a_crash_before_the_commit_stores_nothing_and_the_retry_stores_all() -> None:
    settings = connection.settings_dict
    url = (
        f"postgres://{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"
    )
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", CRASHING],
        env={**environment, "CRASH_AT": "before_ingest_commit"},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert rows() == [0] * 7
    tell(
        {**identify("ann", email="a@example.com"), "messageId": "m1"},
        {**track("ann", "Order Completed"), "messageId": "m2"},
    )
    assert rows() == [1, 1, 1, 2, 1, 1, 1]


def rows() -> list[int]:
    """Count what a batch writes."""
    return [model.objects.count() for model in (Contact, Identity, Event, Receipt, EventName, Address, Activity)]
