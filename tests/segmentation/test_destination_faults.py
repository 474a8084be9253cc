"""Destinations when things break: workers that die, transactions that dawdle, programs that hang."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction

from segmentation import delivering, syncing
from segmentation.evaluation import recompute, take_changes
from segmentation.models import Delivery, Destination, Line, Segment, Transition
from segmentation.services import add_members
from tests.factories import change, ids, members, person, segment
from tests.segmentation.receiving import Receiver, circle, destined, join, leave, listening, work_off
from workspace import clock
from workspace.audit import HOUSE
from workspace.crash import crashpoint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("transactional_db")]
WORKER = "import django; django.setup(); from segmentation import syncing; syncing.turn(3)"


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """Another program that listens."""
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    with listening() as server:
        yield server


def run_worker(crash_at: str = "") -> int:
    """Take a turn in a process of its own, which may be killed on the way."""
    held = connection.settings_dict
    url = f"postgres://{held['USER']}:{held['PASSWORD']}@{held['HOST']}:{held['PORT']}/{held['NAME']}"
    told = {"DATABASE_URL": url, "CRASH_AT": crash_at, "WEBHOOK_ALLOWED_HOSTS": "127.0.0.1"}
    told["DJANGO_SETTINGS_MODULE"] = os.environ.get("DJANGO_SETTINGS_MODULE", "config.settings")
    done = subprocess.run([sys.executable, "-c", WORKER], env={**os.environ, **told}, timeout=120, check=False)
    return done.returncode


def apart(work: Callable[[], Any]) -> threading.Thread:
    """Do something in a thread with a connection of its own."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def look_again() -> None:
    """Serve whoever has something, whether or not a second has passed."""
    Destination.objects.update(due_at=clock.now())
    work_off()


def test_a_transition_with_a_lower_id_that_commits_after_a_higher_one_is_told_too(receiver: Receiver) -> None:
    found = circle()
    held = destined(found, receiver)
    ana, written, let_go = person("Ana"), threading.Event(), threading.Event()

    def dawdle() -> None:
        with transaction.atomic():
            add_members(found, [ana.pk], actor=HOUSE)
            written.set()
            let_go.wait(60)

    thread = apart(dawdle)
    assert written.wait(30)
    (bob,) = join(found, "Bob")
    for _ in range(4):
        look_again()
    higher = Transition.objects.get(contact=bob).pk
    held.refresh_from_db()
    assert receiver.names("entered") == ["Bob"]
    assert held.cursor < higher, "the cursor waits for whoever may still hold a lower id"
    let_go.set()
    thread.join(30)
    assert Transition.objects.get(contact=ana).pk < higher
    for _ in range(120):  # other bases of this server may have transactions of their own under way
        look_again()
        held.refresh_from_db()
        if held.cursor == higher:
            break
        time.sleep(1)
    assert receiver.names("entered") == ["Bob", "Ana"]
    assert held.cursor == higher, "and goes on once nobody does"
    assert delivering.claim(8) == []


def test_what_commits_while_a_destination_is_made_is_told_too(receiver: Receiver) -> None:
    found = circle(person("Old"))
    ana, written, let_go = person("Ana"), threading.Event(), threading.Event()

    def dawdle() -> None:
        with transaction.atomic():
            add_members(found, [ana.pk], actor=HOUSE)
            written.set()
            let_go.wait(60)

    thread = apart(dawdle)
    assert written.wait(30)
    join(found, "Known")
    destined(found, receiver)
    let_go.set()
    thread.join(30)
    look_again()
    assert receiver.names("entered") == ["Ana"]


@pytest.mark.parametrize("point", ["sync_after_gather", "sync_before_call", "sync_before_record"])
def test_a_worker_killed_at_a_point_loses_nothing_and_repeats_only_by_the_same_id(
    receiver: Receiver, point: str
) -> None:
    assert callable(crashpoint)
    found = circle()
    destined(found, receiver, batch_size=2)
    ana, *_ = join(found, "Ana", "Bob", "Cleo")
    leave(found, ana)
    assert run_worker(point) == -9
    assert run_worker() == 0, "the dead one's lease still stands: nobody calls in its place"
    assert len(receiver.heard) == (1 if point == "sync_before_record" else 0)
    Destination.objects.update(lease_until=clock.now())
    assert run_worker() == 0
    told = {key: said["data"] for key, said in receiver.heard}
    assert len(told) == 2
    names = [one["contact"]["firstName"] for data in told.values() for one in data["entered"]]
    assert names == ["Ana", "Bob", "Cleo"]
    assert [len(data["exited"]) for data in told.values()] == [0, 1]
    assert len(receiver.keys()) == (3 if point == "sync_before_record" else 2)
    assert set(Delivery.objects.values_list("status", flat=True)) == {"delivered"}
    assert Line.objects.count() == 4


def test_two_workers_at_once_call_once_and_in_order(receiver: Receiver) -> None:
    found = circle()
    destined(found, receiver, batch_size=1)
    join(found, *(f"P{n}" for n in range(12)))
    threads = [apart(lambda: syncing.turn(3)) for _ in range(3)]
    for thread in threads:
        thread.join(60)
    assert receiver.names("entered") == [f"P{n}" for n in range(12)]
    assert len(set(receiver.keys())) == 12


def test_while_one_program_hangs_evaluation_goes_on_and_others_are_told(receiver: Receiver) -> None:
    vip: Segment = segment("VIP", {"type": "PROPERTY", "propertyName": "country", "operator": "=", "value": "PT"})
    recompute(vip.pk)
    destined(vip, receiver, slug="hangs")
    receiver.wait = threading.Event()
    with listening() as quick:
        destined(vip, quick, slug="quick")
        change(person("Ana"), country="PT")
        take_changes()
        thread = apart(lambda: syncing.turn(2))
        assert receiver.came.wait(30)
        assert quick.came.wait(30), "another destination is told meanwhile"
        change(person("Bob"), country="PT")
        take_changes()
        assert members(vip) == {"Ana", "Bob"}, "evaluation has finished"
        assert thread.is_alive(), "while the call still hangs"
        assert Delivery.objects.get(destination__slug="hangs").status == "calling"
        receiver.wait.set()
        thread.join(60)
    assert Delivery.objects.filter(destination__slug="hangs", status="delivered").exists()


def test_slow_destinations_never_take_all_the_places(receiver: Receiver) -> None:
    for n in range(syncing.AT_ONCE):
        destined(circle(name=f"Slow {n}"), receiver, slug=f"slow-{n}", begin="state")
    Destination.objects.update(slow=True)
    claimed = syncing._claim([])
    assert len(claimed) == syncing.SLOW_AT_ONCE
    assert syncing._claim(claimed) == []
    destined(circle(name="Quick"), receiver, slug="quick", begin="state")
    assert [one.slow for one in syncing._claim(claimed)] == [False]


def test_a_worker_that_was_overtaken_records_nothing(receiver: Receiver) -> None:
    found = circle()
    destined(found, receiver)
    join(found, "Ana")
    (old,) = delivering.claim(1)
    Destination.objects.update(lease_until=clock.now(), due_at=clock.now())
    (new,) = delivering.claim(1)
    syncing.serve(new)
    one = Delivery.objects.get()
    delivering.record(old, one, delivering.Outcome(False, 1, 500, "It answered 500."))
    assert Delivery.objects.get().status == "delivered"
    assert not delivering.renew(old)


def test_ids_of_a_whole_group_are_told_in_batches_of_a_set_size(receiver: Receiver) -> None:
    found = circle()
    destined(found, receiver, batch_size=1000)
    people = [person(f"P{n}") for n in range(50)]
    add_members(found, ids(people), actor=HOUSE)
    assert syncing.turn(2) == 1
    assert [len(said["data"]["entered"]) for _, said in receiver.heard] == [50]
