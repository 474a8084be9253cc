"""Twenty shapes of rules: what the compiler makes of each, beside the query that a person would write by hand."""

import time
from datetime import datetime
from typing import Any

from django.db import connection

from bench.measure import Row, alternate
from bench.segments import SQL, prepare
from contacts.models import List, name_id
from segmentation import services
from segmentation.catalogue import load_catalogue
from segmentation.compiler import matching_set
from segmentation.criteria import parse
from segmentation.measures import Scene
from segmentation.models import Segment
from workspace.audit import HOUSE

Document = dict[str, Any]


def attribute(name: str, operator: str, value: Any) -> Document:
    """Compare an attribute."""
    return {"type": "PROPERTY", "propertyName": name, "operator": operator, "value": value}


def event(name: str, **more: Any) -> Document:
    """Count events of a name."""
    return {"type": "EVENT", "eventName": name, **more}


def count(operator: str, value: int) -> Document:
    """Compare how many there are."""
    return {"function": "count", "operator": operator, "value": value}


def of(function: str, of_what: str, value: int) -> Document:
    """Ask that an aggregate of a property is at least so much."""
    return {"function": function, "propertyName": of_what, "operator": ">=", "value": value}


def where(name: str, operator: str, value: Any) -> Document:
    """Filter events by one property."""
    return {"operator": "AND", "conditions": [{"propertyName": name, "operator": operator, "value": value}]}


def group(operator: str, *conditions: Document) -> Document:
    """Join conditions."""
    return {"operator": operator, "conditions": list(conditions)}


LATELY = {"last": "30d"}
US, GB = attribute("country", "=", "US"), attribute("country", "=", "GB")
SHAPES: dict[str, Document] = {
    "country": US,
    "attribute_is": attribute("customProperties.plan", "=", "pro"),
    "attribute_more_than": attribute("customProperties.age", ">", 40),
    "attribute_one_of": attribute("customProperties.plan", "in", ["pro", "enterprise"]),
    "name_contains": attribute("firstName", "contains", "st12"),
    "either": group("OR", attribute("country", "=", "BR"), attribute("customProperties.plan", "=", "enterprise")),
    "ever_bought": event("purchase"),
    "never_bought": event("purchase", negate=True),
    "often_lately": event("purchase", aggregate=count(">=", 3), window=LATELY, where=where("price", ">", 50)),
    "seldom_lately": event("page_view", aggregate=count("=", 0), window=LATELY),
    "event_property": event("add_to_cart", where=where("category", "=", "c3")),
    "sum_in_window": event("purchase", aggregate=of("sum", "price", 500), window={"last": "90d"}),
    "distinct_in_window": event("add_to_cart", aggregate=of("distinct", "sku", 3), window={"last": "90d"}),
    "days_in_window": event("page_view", aggregate={"function": "days", "operator": ">=", "value": 3}, window=LATELY),
    "first_lately": event("purchase", occurrence="first", window=LATELY),
    "last_long_ago": event("page_view", occurrence="last", window={"beforeLast": "60d"}),
    "abandoned": event("add_to_cart", window={"last": "7d"}, followedBy={"eventName": "purchase", "negate": True}),
    "list_not_segment": group(
        "AND", {"type": "LIST", "list": "bench"}, {"type": "SEGMENT", "segment": "bench-x", "negate": True}
    ),
    "share": {"type": "SAMPLE", "percent": 10, "salt": "spring"},
    "nested": group(
        "AND",
        group("OR", US, GB),
        group(
            "OR",
            event("purchase", where=where("price", ">", 150)),
            event("page_view", aggregate=count(">=", 5), window=LATELY),
        ),
        event("add_to_cart", window={"last": "7d"}, negate=True),
    ),
}


def run_shapes(contacts: int, events: int) -> list[Row]:
    """Count whom each shape finds, by us and by hand."""
    at = prepare(contacts, events)
    values = {"at": at, **{name: name_id(name) for name in ("page_view", "add_to_cart", "purchase")}, **groups()}
    return [shape(name, document, at, values) for name, document in SHAPES.items()]


def groups() -> dict[str, int]:
    """Put a third of the contacts on a list and a tenth of them into a segment."""
    Segment.objects.filter(slug="bench-x").delete()
    excluded = services.create_segment(name="Bench X", slug="bench-x", kind="static", actor=HOUSE)
    kept = List.objects.get_or_create(slug="bench", defaults={"name": "Bench"})[0]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM contacts_listmember WHERE list_id = %s", [kept.pk])
        cursor.execute(
            "INSERT INTO contacts_listmember (list_id, contact_id, added_at)"
            " SELECT %s, id, now() FROM contacts_contact WHERE id %% 3 = 0",
            [kept.pk],
        )
        cursor.execute("SELECT id FROM contacts_contact WHERE id % 10 = 0")
        services.add_members(excluded, [row[0] for row in cursor.fetchall()], cause="manual", actor=HOUSE)
        cursor.execute("ANALYZE contacts_listmember, segmentation_membership")
    return {"list": kept.pk, "segment": excluded.pk}


def shape(name: str, document: Document, at: datetime, values: dict[str, Any]) -> Row:
    """Time one of them and check that both found the same people."""
    catalogue = load_catalogue()
    compiled = matching_set(parse(document, catalogue), Scene(at=at, catalogue=catalogue))
    by_hand = (SQL / "shapes" / f"{name}.sql").read_text()
    same_people(compiled.text, compiled.params, by_hand, values)
    best, hand = alternate(
        lambda: counting(compiled.text, compiled.params), lambda: counting(by_hand, values), rounds=5
    )
    ratio = f"{best / hand:.2f} × ({hand * 1000:.0f} ms)"
    return Row(f"shape {name.replace('_', ' ')}", f"{best * 1000:.0f} ms", "<= 1.25 ×", ratio)


def counting(statement: str, values: Any) -> float:
    """Count what a query finds; return the seconds."""
    start = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({statement}) x", values)
    return time.perf_counter() - start


def same_people(ours: str, parameters: Any, by_hand: str, values: dict[str, Any]) -> None:
    """Fail when the two do not find the same people."""
    with connection.cursor() as cursor:
        cursor.execute(ours, parameters)
        mine = sorted(cursor.fetchall())
        cursor.execute(by_hand, values)
        theirs = sorted(cursor.fetchall())
    assert mine == theirs, f"{len(mine)} by us, {len(theirs)} by hand"
