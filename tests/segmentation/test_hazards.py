"""Hazards of working at the same time, provoked with real threads and real transactions."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from contacts.models import Change, Contact
from segmentation import evaluation, filling, looking, services
from segmentation.models import Evaluation, Owed, Segment, Transition
from tests import factories
from tests.factories import did, members, person, segment
from tests.segmentation.histories import check_log
from workspace.audit import HOUSE

pytestmark = pytest.mark.django_db(transaction=True)
US = {"type": "PROPERTY", "propertyName": "country", "operator": "=", "value": "US"}


class Aside(threading.Thread):
    """Something done beside the test, on a connection of its own; its result or its failure comes out of done()."""

    def __init__(self, do: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self.do = do
        self.result: Any = None
        self.failure: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self.do()
        except BaseException as failure:
            self.failure = failure
        finally:
            connection.close()

    def done(self) -> Any:
        self.join(30)
        assert not self.is_alive(), "it hangs"
        if self.failure:
            raise self.failure
        return self.result


@contextmanager
def stopped_at(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Have the first call of a function stop when it has done its work, until it is told to go on."""
    here, go_on = threading.Event(), threading.Event()
    original = getattr(module, name)

    def stop(*args: Any, **kwargs: Any) -> Any:
        answer = original(*args, **kwargs)
        if not here.is_set():
            here.set()
            assert go_on.wait(30)
        return answer

    monkeypatch.setattr(module, name, stop)
    try:
        yield here, go_on
    finally:
        go_on.set()


def settle() -> None:
    evaluation.recompute_waiting()
    while evaluation.take_changes():
        pass


def test_two_batches_that_want_the_same_contact_write_one_transition(monkeypatch: pytest.MonkeyPatch) -> None:
    made = segment("Buyers", {"type": "EVENT", "eventName": "Order"})
    settle()
    anna, ben = person("Anna"), person("Ben")
    settle()
    did(anna, "Order")
    with stopped_at(monkeypatch, evaluation, "look") as (here, go_on):
        first = Aside(evaluation.take_changes)
        assert here.wait(30)
        did(anna, "Order")
        did(ben, "Order")
        assert evaluation.take_changes() == 1, "only Ben's: Anna is held by the other batch"
        go_on.set()
        first.done()
    settle()
    assert members(made) == {"Anna", "Ben"}
    assert Transition.objects.count() == 2
    check_log()


def test_a_change_that_commits_while_a_full_evaluation_reads_the_old_snapshot_is_owed_and_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = segment("Americans", US)
    settle()
    anna = person("Anna")
    settle()
    with stopped_at(monkeypatch, filling, "_write") as (here, go_on):
        full = Aside(lambda: evaluation.recompute(made.pk))
        assert here.wait(30)
        factories.change(anna, country="US")
        evaluation.take_changes()
        assert Owed.objects.filter(segment=made, contact=anna).exists()
        assert not Change.objects.filter(stage=1).exists()
        go_on.set()
        full.done()
    assert members(made) == set(), "the snapshot was too old"
    settle()
    assert members(made) == {"Anna"}
    assert not Owed.objects.exists()
    check_log()


def test_criteria_saved_during_an_evaluation_leave_it_to_its_rule_and_ask_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = segment("Place", US)
    person("Anna", country="US")
    person("Ben", country="GR")
    with stopped_at(monkeypatch, filling, "_write") as (here, go_on):
        full = Aside(evaluation.recompute_waiting)
        assert here.wait(30)
        services.change_segment(made, criteria={**US, "value": "GR"}, actor=HOUSE)
        go_on.set()
        full.done()
    assert Segment.objects.get(pk=made.pk).evaluated_at is None
    settle()
    assert members(made) == {"Ben"}
    rules = Transition.objects.filter(segment=made).order_by("pk").values_list("contact__first_name", "kind", "rule")
    old, new = sorted({rule for _, _, rule in rules})
    assert {("Anna", "entered", old), ("Anna", "exited", new), ("Ben", "entered", new)} == set(rules)
    check_log()


def test_a_batch_that_began_before_a_clock_pass_does_not_undo_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made = segment("Buyers", {"type": "EVENT", "eventName": "Order", "window": {"last": "30d"}})
    settle()
    anna = person("Anna")
    did(anna, "Order")
    with stopped_at(monkeypatch, looking, "_rows") as (here, go_on):
        batch = Aside(evaluation.take_changes)
        assert here.wait(30)
        passing = Aside(evaluation.pass_time)
        passing.done()
        go_on.set()
        batch.done()
    settle()
    evaluation.pass_time()
    assert members(made) == {"Anna"}
    check_log()


def test_a_full_evaluation_waits_for_the_batch_that_shares_its_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    made = segment("Americans", US)
    settle()
    anna = person("Anna")
    factories.change(anna, country="US")
    with stopped_at(monkeypatch, evaluation, "look") as (here, go_on):
        batch = Aside(evaluation.take_changes)
        assert here.wait(30)
        full = Aside(lambda: evaluation.recompute(made.pk))
        full.join(0.3)
        assert full.is_alive()
        go_on.set()
        batch.done()
        full.done()
    assert members(made) == {"Anna"}
    assert Transition.objects.count() == 1


def test_a_running_evaluation_shows_its_progress_and_can_be_cancelled_without_a_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = segment("Americans", US)
    for number in range(6):
        person(f"Person {number}", country="US")
    monkeypatch.setattr(filling, "FEW", 0)
    monkeypatch.setattr(filling, "PART", 4)
    with stopped_at(monkeypatch, filling, "_write") as (here, go_on):
        full = Aside(evaluation.recompute_waiting)
        assert here.wait(30)
        running = Evaluation.objects.get(segment=made)
        assert (running.status, running.total, running.seen_at is not None) == ("running", 6, True)
        services.cancel_evaluation(made, actor=HOUSE)
        go_on.set()
        full.done()
    running.refresh_from_db()
    assert running.status == "cancelled"
    assert members(made) == set()
    assert not Transition.objects.exists()
    assert Segment.objects.get(pk=made.pk).evaluated_at is None
    evaluation.recompute(made.pk)
    assert len(members(made)) == 6
    check_log()


def test_an_evaluation_whose_worker_died_is_settled_and_done_again() -> None:
    made = segment("Americans", US)
    person("Anna", country="US")
    Evaluation.objects.update(seen_at="2026-01-01T00:00:00Z")
    evaluation.recompute_waiting()
    assert set(Evaluation.objects.values_list("status", flat=True)) == {"failed", "done"}
    assert members(made) == {"Anna"}


def test_many_threads_over_one_crowd_come_to_the_truth() -> None:
    made = segment("Americans", US)
    top = segment("Others", {"type": "SEGMENT", "segment": "americans", "negate": True})
    settle()
    people = [person(f"Person {number}") for number in range(30)]

    def live(seed: int) -> None:
        for step in range(12):
            one = people[(seed * 7 + step * 5) % len(people)]
            factories.change(one, country=("US", "GR")[(seed + step) % 2])
            evaluation.take_changes(10)

    threads = [Aside(lambda seed=seed: live(seed)) for seed in range(3)]
    evaluation.recompute(made.pk)
    evaluation.recompute(top.pk)
    for thread in threads:
        thread.done()
    settle()
    truth = set(Contact.objects.filter(country="US").values_list("first_name", flat=True))
    assert members(made) == truth
    assert members(top) == {one.first_name for one in people} - truth
    check_log()
    assert not Owed.objects.exists()
    assert not Change.objects.exists()


def test_static_members_put_in_by_two_people_at_once_enter_once() -> None:
    made = services.create_segment(name="Staff", actor=HOUSE)
    people = [person(f"Person {number}").pk for number in range(20)]
    both = [Aside(lambda: services.add_members(made, people, actor=HOUSE)) for _ in range(2)]
    assert sum(one.done() for one in both) == 20
    check_log()


def test_a_transaction_that_fails_leaves_the_changes_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    made = segment("Americans", US)
    settle()
    factories.change(person("Anna"), country="US")

    def stumble(name: str) -> None:
        raise RuntimeError(name)

    monkeypatch.setattr(evaluation, "crashpoint", stumble)
    with pytest.raises(RuntimeError):
        evaluation.take_changes()
    assert members(made) == set()
    monkeypatch.undo()
    assert not transaction.get_connection().in_atomic_block
    settle()
    assert members(made) == {"Anna"}
    assert Transition.objects.count() == 1
