"""Until when an answer stands: the instants at which it may change by itself, and the one at which it does."""

import os
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from contacts.models import Attribute, Contact
from segmentation.catalogue import load_catalogue
from segmentation.criteria import parse
from segmentation.foresight import HORIZON, MOST, flip, moments
from tests import factories
from tests.factories import did, person, say
from tests.segmentation.documents import conditions
from tests.segmentation.oracle import Person, matches
from tests.segmentation.people import AT, WORLD, settle
from tests.segmentation.test_laws import lawful
from workspace import clock

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("TRIBUTARY_MOMENTS", "150"))
TICK = timedelta(microseconds=1)
JANUARY = factories.JANUARY


def when(document: dict[str, Any], contact: Contact, at: datetime = JANUARY) -> datetime | None:
    catalogue = load_catalogue()
    contact.refresh_from_db()
    return flip(parse(document, catalogue), contact, at, catalogue)


def test_between_two_moments_no_answer_changes() -> None:
    people = settle()
    for one in people:
        one.events = [event for event in one.events if event.at <= AT]  # what is stored is never ahead of now
    catalogue = load_catalogue()
    contacts = Contact.objects.in_bulk([one.id for one in people])
    turn = iter(range(10**9))

    @settings(lawful, max_examples=EXAMPLES)
    @given(document=conditions)
    def law(document: dict[str, Any]) -> None:
        criteria = parse(document, catalogue)
        if not criteria.clock:
            return
        for _ in range(12):
            one = people[next(turn) % len(people)]
            _hold(one, document, moments(criteria, contacts[one.id], AT, catalogue))

    law()


def _hold(one: Person, document: dict[str, Any], found: list[datetime]) -> None:
    before, known = AT, matches(one, document, AT, WORLD)
    end = found[-1] if len(found) == MOST else AT + HORIZON
    for moment in [*found, end]:
        for between in (moment - TICK, before + (moment - before) / 2):
            if before < between < moment:
                assert matches(one, document, between, WORLD) == known, (before, between, moment)
        before, known = moment, matches(one, document, moment, WORLD)


def test_an_order_leaves_the_window_to_the_microsecond() -> None:
    anna = person("Anna")
    with clock.at(JANUARY):
        did(anna, "Order Completed", JANUARY - timedelta(days=5, microseconds=3))
        did(anna, "Order Completed", JANUARY - timedelta(days=2))
    document = {"type": "EVENT", "eventName": "Order Completed", "window": {"last": "30d"}}
    assert when(document, anna) == JANUARY + timedelta(days=28)
    twice = {**document, "aggregate": {"function": "count", "operator": ">=", "value": 2}}
    assert when(twice, anna) == JANUARY + timedelta(days=25) - timedelta(microseconds=3)


def test_a_cart_counts_as_abandoned_when_the_wait_has_run_out_and_no_longer_when_it_is_old() -> None:
    anna = person("Anna")
    with clock.at(JANUARY):
        did(anna, "Product Added")
    cart = {
        "type": "EVENT",
        "eventName": "Product Added",
        "window": {"last": "3d"},
        "followedBy": {"eventName": "Order Completed", "within": "2h", "negate": True},
    }
    assert when(cart, anna) == JANUARY + timedelta(hours=2)
    assert when(cart, anna, JANUARY + timedelta(hours=2)) == JANUARY + timedelta(days=3)


def test_days_turn_at_midnight_where_the_contact_lives() -> None:
    Attribute.objects.create(name="born", type="date", declared=True)
    anna = person("Anna", timezone="Pacific/Auckland")
    say(anna, born="1990-01-20")
    document = {
        "type": "PROPERTY",
        "propertyName": "customProperties.born",
        "operator": "anniversary_in_next",
        "value": "2d",
    }
    assert when(document, anna) == datetime(2026, 1, 17, 11, tzinfo=UTC)  # midnight of the 18th in Auckland
    assert when(document, anna, datetime(2026, 1, 18, tzinfo=UTC)) == datetime(2026, 1, 19, 11, tzinfo=UTC)


def test_a_birthday_on_the_29th_of_february_falls_on_the_28th_in_common_years() -> None:
    Attribute.objects.create(name="born", type="date", declared=True)
    leap = person("Leap")
    say(leap, born=date(2000, 2, 29).isoformat())
    document = {
        "type": "PROPERTY",
        "propertyName": "customProperties.born",
        "operator": "anniversary_in_next",
        "value": "1d",
    }
    assert when(document, leap) == datetime(2026, 2, 27, tzinfo=UTC)


def test_what_the_segment_below_will_do_is_foreseen() -> None:
    anna = person("Anna")
    with clock.at(JANUARY):
        did(anna, "Order Completed", JANUARY - timedelta(days=5))
        factories.segment("Buyers", {"type": "EVENT", "eventName": "Order Completed", "window": {"last": "7d"}})
    assert when({"type": "SEGMENT", "segment": "buyers"}, anna) == JANUARY + timedelta(days=2)
    assert when({"type": "SEGMENT", "segment": "buyers", "negate": True}, anna) == JANUARY + timedelta(days=2)


def test_what_never_turns_by_itself_has_no_moment() -> None:
    anna = person("Anna", country="US")
    assert when({"type": "PROPERTY", "propertyName": "country", "operator": "=", "value": "US"}, anna) is None
    assert when({"type": "EVENT", "eventName": "Order Completed", "window": {"last": "1d"}}, anna) is None
