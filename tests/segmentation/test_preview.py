"""How many match, before anything is saved: the number, or an estimate that says so."""

import pytest
from django.db import connection

from contacts.models import Contact
from segmentation import estimating, matching
from segmentation.catalogue import load_catalogue
from segmentation.compiler import matching_set
from segmentation.criteria import parse
from segmentation.filling import WORK_MEM
from segmentation.measures import Scene
from segmentation.sight import preview
from tests.factories import person
from workspace import clock

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimating, "LOOKING", 60)


US = {"type": "PROPERTY", "propertyName": "country", "operator": "=", "value": "US"}


def crowd() -> None:
    for number in range(120):
        person(f"Person {number}", country="US" if number % 3 == 0 else "GR")


def timeout() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout')")
        return str(cursor.fetchone()[0])


def test_few_contacts_are_counted_exactly() -> None:
    crowd()
    seen = preview(US, at=clock.now())
    assert (seen["count"], seen["exact"], len(seen["sample"])) == (40, True, 5)


def test_work_that_takes_too_long_is_given_up_and_leaves_the_transaction_as_it_was() -> None:
    usual = timeout()

    def sleep() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")
        return True

    assert estimating.within(0.01, sleep) is None
    assert estimating.within(5, lambda: 7) == 7
    assert timeout() == usual


def test_a_count_that_takes_too_long_is_an_estimate_and_says_so_until_the_exact_number_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd()
    in_time = estimating.within
    monkeypatch.setattr(matching, "SMALL", 0)
    monkeypatch.setattr(
        matching, "within", lambda limit, work: None if limit == matching.QUICK else in_time(limit, work)
    )
    monkeypatch.setattr(estimating, "LOOKS", (60,))
    about = preview(US, at=clock.now())
    assert about["exact"] is False
    assert 10 <= about["count"] <= 90
    assert 0 < len(about["sample"]) <= 5
    assert preview(US, at=clock.now()) == about, "the same contacts are drawn again"
    exact = preview(US, at=clock.now(), exact=True)
    assert (exact["count"], exact["exact"]) == (40, True)


def test_an_estimate_of_nobody_is_nobody() -> None:
    catalogue = load_catalogue()
    assert estimating.estimate(parse(US, catalogue), clock.now(), catalogue, 5) == estimating.Estimate(0, [])


def test_a_rare_match_is_looked_for_again_among_more_and_never_told_as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three in a thousand: the first look may miss them, the second finds them, or says below which number they stay."""
    Contact.objects.bulk_create([Contact(country="US" if number < 3 else "NL") for number in range(1000)])
    catalogue = load_catalogue()
    criteria = parse(US, catalogue)
    monkeypatch.setattr(estimating, "LOOKS", (30, 100_000))
    found = estimating.estimate(criteria, clock.now(), catalogue, 5)
    assert (found.count, len(found.ids), found.fewer_than) == (3, 3, None), "everybody was looked at"
    monkeypatch.setattr(estimating, "LOOKS", (30, 60))
    rare = estimating.estimate(criteria, clock.now(), catalogue, 5)
    assert rare.fewer_than is not None
    assert 3 < rare.fewer_than <= 200
    monkeypatch.setattr(matching, "SMALL", 0)
    in_time = estimating.within
    monkeypatch.setattr(
        matching, "within", lambda limit, work: None if limit == matching.QUICK else in_time(limit, work)
    )
    told = preview(US, at=clock.now())
    assert (told["exact"], told["fewer_than"]) == (False, rare.fewer_than)


@pytest.mark.parametrize(("number", "told"), [(0.2, 1), (149, 150), (151, 200), (1501, 2000), (1000, 1000)])
def test_what_it_stays_below_is_rounded_up(number: float, told: int) -> None:
    assert estimating._rounded_up(number) == told


@pytest.mark.parametrize(("number", "told"), [(0, 0), (7, 7), (12, 12), (1234, 1200), (98_765, 99_000)])
def test_an_estimate_is_told_in_two_digits(number: float, told: int) -> None:
    assert estimating._rounded(number) == told


def test_work_within_a_time_has_room_for_sets_of_everybody() -> None:
    """A set that did not fit would be looked through row by row: an OR over events would never be counted."""

    def room() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('work_mem')")
            return str(cursor.fetchone()[0])

    usual = room()
    assert estimating.within(5, room) == WORK_MEM != usual
    assert room() == usual


def test_two_hundred_conditions_are_planned_without_joining_them_all() -> None:
    """The planner would try joins of so many at length; sets that are looked up cost it nothing."""
    crowd()
    ordered = {"type": "EVENT", "eventName": "Order", "negate": True}
    both = {"operator": "AND", "conditions": [US, *({**ordered, "window": {"last": f"{n}d"}} for n in range(1, 200))]}
    catalogue = load_catalogue()
    statement = matching_set(parse(both, catalogue), Scene(at=clock.now(), catalogue=catalogue))
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement.text}", statement.params)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert " Join" not in plan
    assert preview(both, at=clock.now())["count"] == 40
