"""Why an answer is what it is: what each condition found about one contact, and the events that count."""

import os
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from contacts.models import ConsentNow, Contact
from segmentation.actuals import Actual, actuals
from segmentation.catalogue import load_catalogue
from segmentation.criteria import Group, Node, parse
from tests import factories
from tests.factories import did, person, put_on, say
from tests.segmentation.documents import groups
from tests.segmentation.oracle import matches
from tests.segmentation.people import AT, WORLD, settle
from tests.segmentation.test_laws import lawful
from workspace import clock

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("TRIBUTARY_ACTUALS", "100"))
JANUARY = factories.JANUARY


def of(contact: Contact, *conditions: dict[str, Any]) -> list[Actual]:
    catalogue = load_catalogue()
    document = {"operator": "AND", "conditions": list(conditions)}
    return actuals(parse(document, catalogue), contact.pk, JANUARY, catalogue)


def answer(node: Node, holds: list[bool]) -> bool:
    """Make the tree's answer of its conditions' answers, taken from the front of the list."""
    if not isinstance(node, Group):
        return holds.pop(0)
    parts = [answer(one, holds) for one in node.conditions]
    return (all(parts) if node.operator == "AND" else any(parts)) != node.negate


def test_the_conditions_of_one_contact_add_up_to_the_answer_of_the_whole() -> None:
    people = [one for one in settle() if one.alive]
    catalogue = load_catalogue()
    turn = iter(range(10**9))

    @settings(lawful, max_examples=EXAMPLES)
    @given(document=groups)
    def law(document: dict[str, Any]) -> None:
        criteria = parse(document, catalogue)
        for _ in range(3):
            one = people[next(turn) % len(people)]
            found = actuals(criteria, one.id, AT, catalogue)
            assert answer(criteria.root, [each.holds for each in found]) == matches(one, document, AT, WORLD)
            assert all(each.words for each in found)

    law()


def test_orders_that_count_are_counted_and_named() -> None:
    anna = person("Anna")
    with clock.at(JANUARY):
        old = did(anna, "Order Completed", JANUARY - timedelta(days=40), price=90)
        cheap = did(anna, "Order Completed", JANUARY - timedelta(days=2), price=3)
        orders = [did(anna, "Order Completed", JANUARY - timedelta(days=day), price=80) for day in (1, 9)]
    three = {
        "type": "EVENT",
        "eventName": "Order Completed",
        "aggregate": {"function": "count", "operator": ">=", "value": 3},
        "window": {"last": "30d"},
        "where": {"propertyName": "price", "operator": ">", "value": 50},
    }
    total = {
        "type": "EVENT",
        "eventName": "Order Completed",
        "aggregate": {"function": "sum", "propertyName": "price", "operator": ">", "value": 1000},
    }
    never = {**three, "eventName": "Refunded", "negate": True}
    count, money, refunds = of(anna, three, total, never)
    assert (count.holds, count.found) == (False, 2)
    assert count.words == "2 × “Order Completed” in the last 30 days, at least 3 needed"
    assert [(one.id, one.at) for one in count.events] == [(one.pk, one.at) for one in orders]
    assert (money.found, len(money.events)) == (253, 4)
    assert {old.pk, cheap.pk} < {one.id for one in money.events}
    assert (refunds.holds, refunds.found, refunds.events) == (True, 0, [])


def test_values_are_shown_as_they_stand() -> None:
    anna = person("Anna", country="US")
    say(anna, plan="pro", tags=["a", 5])
    with clock.at(JANUARY):
        put_on("team", anna)
    ConsentNow.objects.create(contact=anna, channel="sms", topic="", status="unsubscribed", at=JANUARY)
    found = of(
        anna,
        {"type": "PROPERTY", "propertyName": "customProperties.plan", "operator": "=", "value": "free"},
        {"type": "PROPERTY", "propertyName": "customProperties.tags", "operator": "contains_any", "value": [5]},
        {"type": "PROPERTY", "propertyName": "country", "operator": "=", "value": "US"},
        {"type": "PROPERTY", "propertyName": "city", "operator": "is_null"},
        {"type": "PROPERTY", "propertyName": "smsSubscribed", "operator": "=", "value": True},
        {"type": "LIST", "list": "team"},
        {"type": "REACHABILITY", "channel": "email"},
    )
    assert [one.holds for one in found] == [False, True, True, True, False, True, False]
    assert [one.words for one in found] == [
        "plan is “pro”",
        "tags is [“a”, 5]",
        "country is “US”",
        "city has no value",
        "is not subscribed to SMS",
        f"on the list “team” since {found[5].found}",
        "email: no address",
    ]
    assert [one.path for one in found] == [f"conditions[{n}]" for n in range(7)]


def test_nobody_has_no_actuals() -> None:
    catalogue = load_catalogue()
    assert actuals(parse({"type": "EVERYONE"}, catalogue), 0, JANUARY, catalogue) == []
