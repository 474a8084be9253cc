"""Changing the type of an attribute: seen before, done in steps, taken back whole, and its segments right after."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from contacts import declaring, ingest, retyping, working
from contacts.ingest import take
from contacts.models import Attribute, Change, Contact, Converted, Moment
from segmentation import evaluation
from segmentation.models import Membership, Segment, Transition
from segmentation.services import create_segment
from tests.contacts.conftest import NOON, SERVER, identify, tell
from tests.contacts.test_hazards import at_once
from workspace.audit import HOUSE
from workspace.models import Job
from workspace.problems import Refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every change be work in steps of two contacts."""
    monkeypatch.setattr(retyping, "FEW", 0)
    monkeypatch.setattr(retyping, "CHUNK", 2)


def segment(name: str, operator: str, value: Any) -> Segment:
    criteria = {"type": "PROPERTY", "propertyName": "customProperties.seats", "operator": operator, "value": value}
    made = create_segment(name=name, kind="dynamic", criteria=criteria, actor=HOUSE)
    evaluation.recompute_waiting()
    return made


def seats() -> Attribute:
    return Attribute.objects.get(name="seats")


def retype(kind: str) -> Attribute:
    return declaring.change_attribute(seats(), actor=HOUSE, type=kind)


def held() -> list[Any]:
    return [one["seats"] for one in Contact.objects.order_by("pk").values_list("attributes", flat=True)]


def members(one: Segment) -> set[str]:
    return set(Membership.objects.filter(segment=one).values_list("contact__user_id", flat=True))


def five() -> None:
    said = ["3", "12", "many", 7, "12.50"]
    tell(*[identify(who, seats=one) for who, one in zip(("ann", "bo", "cy", "di", "ed"), said, strict=True)])


def test_a_preview_counts_shows_and_judges_and_changes_nothing() -> None:
    five()
    many = segment("Many seats", ">", 10)
    written = segment("Written twelve", "=", "12")
    assert (members(many), members(written)) == (set(), {"bo"})
    seen = retyping.preview(seats(), "number")
    assert (seen.fits, seen.converts, seen.wrong, seen.samples) == (1, 3, 1, ['"many"'])
    assert {one.reader.slug: (one.joins, one.leaves) for one in seen.effects} == {
        "many-seats": (2, 0),
        "written-twelve": (0, 1),
    }
    assert held() == ["3", "12", "many", 7, "12.50"]
    assert retyping.preview(seats(), "list").wrong == 5
    Attribute.objects.update(personal=True)
    assert retyping.preview(seats(), "number").samples == ["•••"]


def test_segments_are_right_after_a_change_and_nothing_fires() -> None:
    five()
    many, written = segment("Many seats", ">", 10), segment("Written twelve", "=", "12")
    assert (retype("number").type, held()) == ("number", [3, 12, "many", 7, 12.5])
    working.work()
    evaluation.recompute_waiting()
    assert (members(many), members(written)) == ({"bo", "ed"}, set())
    moved = Transition.objects.filter(segment=many).values_list("cause", "fires").distinct()
    assert list(moved) == [("edited", False)]
    assert not Converted.objects.exists()
    assert Job.objects.get().status == "done"


def test_many_values_are_converted_in_steps_and_the_type_stands_last(steps: None) -> None:
    five()
    assert (retype("number").type, seats().declared) == ("text", False)
    job = Job.objects.get()
    assert (job.status, job.total) == ("waiting", 5)
    with pytest.raises(Refused, match="being converted"), transaction.atomic():
        retype("boolean")
    working._step(job.pk)
    assert (held()[:3], seats().type) == ([3, 12, "many"], "text")
    tell(identify("fay", seats="99"))
    working.work()
    assert (held(), seats().type) == ([3, 12, "many", 7, 12.5, 99], "number")
    job.refresh_from_db()
    assert (job.status, job.done) == ("done", 5)


def test_a_cancelled_change_puts_back_exactly_what_was_there(steps: None) -> None:
    five()
    retype("number")
    job = Job.objects.get()
    working._step(job.pk)
    working._step(job.pk)
    tell(identify("bo", seats="13"))
    assert declaring.stop_retyping(seats(), actor=HOUSE)
    working.work()
    assert held() == ["3", "13", "many", 7, "12.50"]
    assert (seats().type, seats().declared, Job.objects.get().status) == ("text", False, "cancelled")
    assert not Converted.objects.exists()
    assert not declaring.stop_retyping(seats(), actor=HOUSE)


def test_a_date_gets_its_moments_and_loses_them() -> None:
    said = ["2026-03-01", "2026-03-01T10:00:00+02:00", "2026-02-30", "soon", "2026-03-01T10:00"]
    tell(*[identify(f"u{n}", seats=one) for n, one in enumerate(said)])
    Moment.objects.all().delete()
    retype("datetime")
    found = [one.isoformat() for one in Moment.objects.order_by("contact").values_list("instant", flat=True)]
    assert found == ["2026-03-01T00:00:00+00:00", "2026-03-01T08:00:00+00:00", "2026-03-01T10:00:00+00:00"]
    working.work()
    assert Moment.objects.count() == 3
    retype("text")
    assert not Moment.objects.exists()


def test_an_attribute_in_use_is_not_forgotten() -> None:
    five()
    segment("Many seats", ">", 10)
    with pytest.raises(Exception, match="segment:many-seats"):
        declaring.delete_attribute(seats(), actor=HOUSE)


@pytest.fixture
def closing() -> Iterator[None]:
    yield
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_who_writes_by_the_old_type_meanwhile_is_converted_too(closing: None) -> None:
    five()
    many = segment("Many seats", ">", 10)
    read, go_on = threading.Event(), threading.Event()
    standing = ingest.learn_attributes

    def slowly(said: Any) -> Any:
        types = standing(said)
        read.set()
        assert go_on.wait(10)
        return types

    def bring() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ingest, "learn_attributes", slowly)
            assert take([identify("gil", seats="40")], source=SERVER, received_at=NOON) == [None]

    def change() -> None:
        assert read.wait(10)
        retype("number")
        working.work()
        assert Job.objects.get().status == "running", "it did not wait for the open batch"
        go_on.set()

    at_once(bring, change)
    assert Contact.objects.get(user_id="gil").attributes == {"seats": "40"}
    working.work()
    evaluation.recompute_waiting()
    while evaluation.take_changes():
        pass
    assert Contact.objects.get(user_id="gil").attributes == {"seats": 40}
    assert members(many) == {"bo", "ed", "gil"}
    assert not Change.objects.filter(stage=1).exists()
