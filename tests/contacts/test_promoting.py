"""The value of an event name's events: whatever is chosen, and whoever comes meanwhile, sums are right."""

import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from contacts import declaring, ingest, learning, promoting, working
from contacts.ingest import take
from contacts.invariants import CHECKS
from contacts.models import Event, EventName
from contacts.storing import run
from tests.contacts.conftest import NOON, SERVER, tell, track
from tests.contacts.test_hazards import at_once
from workspace.audit import HOUSE
from workspace.models import Job
from workspace.problems import Refused

BOUGHT = "Order Completed"


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    connection.close()


def values() -> list[Decimal | None]:
    return list(Event.objects.order_by("id").values_list("value", flat=True))


def choose(promoted: str) -> EventName:
    return declaring.change_event_name(EventName.objects.get(name=BOUGHT), actor=HOUSE, value_property=promoted)


def through() -> None:
    """Work until nothing waits: the job waits for every transaction on the server, those of other tests too."""
    until = time.monotonic() + 240
    working.work()
    while Job.objects.filter(status__in=working.STANDING).exists() and time.monotonic() < until:
        time.sleep(0.05)
        working.work()


def right() -> None:
    """Nothing stands in the value column that criteria would misread."""
    assert run(CHECKS["the value of an event is its name's value property"]) == []


@pytest.mark.django_db(transaction=True)
def test_the_value_of_old_events_is_rewritten_before_criteria_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promoting, "CHUNK", 2)
    tell(*[track("ann", BOUGHT, revenue=10 * n, total=n) for n in range(5)], track("ann", BOUGHT, revenue=7, total="x"))
    assert values()[1] == 10
    chosen = choose("total")
    assert (chosen.value_property, chosen.promoting) == ("", "total"), "criteria read the documents meanwhile"
    tell(track("bo", BOUGHT, revenue=3, total=4))
    assert values()[-1] == 4
    through()
    assert values() == [0, 1, 2, 3, 4, None, 4]
    name = EventName.objects.get()
    assert (name.value_property, name.promoting) == ("total", "")
    job = Job.objects.get()
    assert (job.status, job.done, job.total) == ("done", 7, 6)
    right()


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_read_the_old_choice_is_waited_for() -> None:
    tell(track("ann", BOUGHT, revenue=10, total=1))
    read, go_on = threading.Event(), threading.Event()
    standing = ingest.resolve

    def slowly(*args: Any, **rest: Any) -> Any:
        read.set()
        assert go_on.wait(10)
        return standing(*args, **rest)

    def bring() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ingest, "resolve", slowly)
            assert take([track("ann", BOUGHT, revenue=20, total=2)], source=SERVER, received_at=NOON) == [None]

    def change() -> None:
        assert read.wait(10)
        choose("total")
        working.work()
        held = EventName.objects.get()
        assert (held.value_property, held.promoting) == ("", "total"), "it did not wait for the open batch"
        go_on.set()

    at_once(bring, change)
    assert values() == [10, 20], "the batch went by what it had read"
    through()
    assert values() == [1, 2]
    assert EventName.objects.get().value_property == "total"
    right()


@pytest.mark.django_db(transaction=True)
def test_two_batches_at_once_with_other_numbers_agree_on_one_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both read that nothing is known, and then both write: forty times, new names and names known without a number."""
    gate = threading.Barrier(2)
    standing = learning.learn_names

    def together(items: Any, at: Any, asked: Any = None) -> Any:
        asked = asked or learning.ask_names(items)
        rows = asked.rows()
        monkeypatch.setattr(asked, "rows", lambda: rows)
        gate.wait(10)
        return standing(items, at, asked)

    for round_ in range(20):
        name = f"Bought {round_}"
        if round_ % 2:
            tell(track("ann", name, sku="x"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ingest, "learn_names", together)
            at_once(
                lambda name=name: take([track("ann", name, total=1, sku="a")], source=SERVER, received_at=NOON),
                lambda name=name: take([track("bo", name, revenue=50, n=2)], source=SERVER, received_at=NOON),
            )
        assert EventName.objects.get(name=name).value_property in ("total", "revenue")
        right()


@pytest.mark.django_db
def test_a_choice_of_none_is_not_learned_over() -> None:
    tell(track("ann", BOUGHT, revenue=10))
    choose("")
    tell(track("ann", BOUGHT, revenue=20))
    assert (EventName.objects.get().value_property, values()) == ("", [10, None])
    choose("revenue")
    through()
    assert (EventName.objects.get().value_property, values()) == ("revenue", [10, 20])
    right()


@pytest.mark.django_db
def test_a_second_choice_takes_the_place_of_the_first() -> None:
    tell(track("ann", BOUGHT, revenue=10, total=1))
    choose("total")
    choose("revenue")
    through()
    assert EventName.objects.get().value_property == "revenue"
    assert sorted(Job.objects.values_list("status", flat=True)) == ["cancelled", "done"]
    right()


@pytest.mark.django_db
def test_only_a_number_that_arrived_can_be_the_value() -> None:
    tell(track("ann", BOUGHT, revenue=10, sku="x"))
    for wrong in ("sku", "nothing"):
        with pytest.raises(Refused, match="Choose one of revenue"), transaction.atomic():
            choose(wrong)
