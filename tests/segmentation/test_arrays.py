"""Filters across arrays: one element must satisfy a whole group."""

from typing import Any

import pytest

from contacts.models import Contact
from segmentation.catalogue import load_catalogue
from segmentation.compiler import q
from segmentation.criteria import parse
from tests.factories import JANUARY, did, person
from workspace import clock

pytestmark = pytest.mark.django_db


def is_(path: str, operator: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"propertyName": path, "operator": operator, "value": value, **more}


def group(operator: str, *conditions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"operator": operator, "conditions": list(conditions), **more}


DEAR = is_("products[].price", ">", 50)
SHOES = is_("products[].sku", "=", "shoes")
HATS = is_("products[].sku", "=", "hats")


def bought(where: dict[str, Any]) -> set[str]:
    catalogue = load_catalogue()
    document = {"type": "EVENT", "eventName": "Order Completed", "where": where}
    found = Contact.objects.filter(q(parse(document, catalogue), at=JANUARY, catalogue=catalogue))
    return set(found.values_list("first_name", flat=True))


@pytest.mark.parametrize(
    ("where", "who"),
    [
        (group("AND", DEAR, SHOES), {"Anna"}),
        (group("AND", DEAR, group("OR", SHOES, HATS)), {"Anna", "Cleo"}),
        (group("AND", DEAR, {**SHOES, "negate": True}), {"Cleo"}),
        (group("AND", SHOES, is_("gift", "=", True)), {"Ben"}),
        (group("OR", DEAR, SHOES), {"Anna", "Ben", "Cleo"}),
        (group("AND", DEAR, SHOES, negate=True), {"Ben", "Cleo", "Dora"}),
        (is_("tags[]", "=", "sale"), {"Dora"}),
    ],
)
def test_one_element_satisfies_the_whole_group(where: dict[str, Any], who: set[str]) -> None:
    with clock.at(JANUARY):
        orders: dict[str, dict[str, Any]] = {
            "Anna": {"products": [{"sku": "shoes", "price": 90}]},
            "Ben": {"products": [{"sku": "shoes", "price": 20}, {"sku": "socks", "price": 60}], "gift": True},
            "Cleo": {"products": [{"sku": "hats", "price": 60}, None, 5]},
            "Dora": {"products": "shoes", "tags": ["sale", 5]},
        }
        for name, properties in orders.items():
            did(person(name), "Order Completed", **properties)
    assert bought(where) == who
