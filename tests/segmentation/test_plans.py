"""Plans: no rule looks through all events where a range of an index would do."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import name_id
from segmentation import evaluation
from segmentation.catalogue import load_catalogue
from segmentation.compiler import matching_set
from segmentation.criteria import leaves, parse
from segmentation.measures import Scene
from segmentation.sql import Sql, sql
from tests.factories import did, person, segment
from workspace import clock

pytestmark = pytest.mark.django_db
ORDER = {"type": "EVENT", "eventName": "Order"}
LATELY = {"last": "30d"}
PRICE = {"operator": "AND", "conditions": [{"propertyName": "price", "operator": ">", "value": 50}]}
IN_A_WINDOW = {
    "did lately": {**ORDER, "window": LATELY},
    "did not lately": {**ORDER, "window": LATELY, "aggregate": {"function": "count", "operator": "=", "value": 0}},
    "excluded": {**ORDER, "window": LATELY, "negate": True},
    "often, dear": {**ORDER, "window": LATELY, "where": PRICE, "aggregate": {"operator": ">=", "value": 3}},
    "spent": {
        **ORDER,
        "window": {"last": "90d"},
        "aggregate": {"function": "sum", "propertyName": "price", "operator": ">", "value": 9},
    },
    "different days": {**ORDER, "window": LATELY, "aggregate": {"function": "days", "operator": ">=", "value": 2}},
    "between two days": {**ORDER, "window": {"from": "2020-01-01", "to": "2099-01-31"}},
    "since a day": {**ORDER, "window": {"after": "2020-01-01"}},
    "abandoned": {**ORDER, "window": {"last": "7d"}, "followedBy": {"eventName": "Paid", "negate": True}},
    "things bought": {
        **ORDER,
        "window": {"last": "90d"},
        "aggregate": {"function": "distinct", "propertyName": "sku", "operator": ">=", "value": 2},
    },
    "dearest": {
        **ORDER,
        "window": LATELY,
        "aggregate": {"function": "max", "propertyName": "price", "operator": ">", "value": 9},
    },
    "last lately": {**ORDER, "occurrence": "last", "window": LATELY},
    "last lately, dear": {**ORDER, "occurrence": "last", "window": LATELY, "where": PRICE},
}
UNTIL = {
    "long ago": {**ORDER, "window": {"beforeLast": "60d"}},
    "before a day": {**ORDER, "window": {"before": "2020-02-01"}},
    "first long ago": {**ORDER, "occurrence": "first", "window": {"beforeLast": "60d"}},
    "first long ago, dear": {**ORDER, "occurrence": "first", "window": {"beforeLast": "60d"}, "where": PRICE},
}
EVER = {
    "ever": ORDER,
    "never": {**ORDER, "negate": True},
    "first lately": {**ORDER, "occurrence": "first", "window": LATELY},
    "last long ago": {**ORDER, "occurrence": "last", "window": {"beforeLast": "60d"}},
    "either": {"operator": "OR", "conditions": [ORDER, {**ORDER, "eventName": "Paid"}]},
}
EVERY = {**IN_A_WINDOW, **UNTIL, **EVER}


# Three months of three hundred contacts, of a hundred names: enough for the planner to see which way is the shorter.
CROWD = """
INSERT INTO contacts_event (contact_id, name_id, at, occurred_at, received_at, source, message_id, value, properties)
SELECT 1000000 + n %% 300, (%(names)s::bigint[])[1 + n %% 100], at, at, at, 'test', 'crowd' || n, 60, '{"price": 60}'
FROM (SELECT n, tributary_now() - n * interval '6 minutes' AS at FROM generate_series(1, 20000) AS n) x
"""


@pytest.fixture(autouse=True)
def a_planner_that_knows_the_crowd_and_scans_only_when_it_must(db: None) -> None:
    anna = person("Anna")
    names = ["Order", "Paid", *(f"Other {number}" for number in range(98))]
    for name in names[:2]:
        did(anna, name, price=60)
    with connection.cursor() as cursor:
        cursor.execute(CROWD, {"names": [name_id(name) for name in names]})
        cursor.execute("ANALYZE contacts_event")
        cursor.execute("SET LOCAL enable_seqscan = off")


def reads_of_events(statement: Sql) -> Iterator[dict[str, Any]]:
    """Yield the nodes of a plan that read events, where there are any."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tableoid::regclass::text FROM contacts_event")
        filled = {row[0] for row in cursor.fetchall()}
    yield from (node for node in nodes_of(statement) if node.get("Relation Name") in filled)


def nodes_of(statement: Sql) -> Iterator[dict[str, Any]]:
    """Yield the nodes of a plan."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement.text}", statement.params)
        (found,) = cursor.fetchone()
    waiting = [(json.loads(found) if isinstance(found, str) else found)[0]["Plan"]]
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        yield node


def bounds(node: dict[str, Any]) -> str:
    """Say by what a node finds its rows; a bitmap's heap is told by the index below it."""
    below = [one.get("Index Cond", "") for one in node.get("Plans", [])]
    return " ".join([node.get("Index Cond", ""), *below])


def counted_events(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the reads of the events that a rule is about; "b" is what followed, found by the event before it."""
    return [node for node in reads_of_events(everybody(document)) if node["Alias"][0] in "ef"]


def everybody(document: dict[str, Any]) -> Sql:
    catalogue = load_catalogue()
    return matching_set(parse(document, catalogue), Scene(at=clock.now(), catalogue=catalogue))


@pytest.mark.parametrize("document", EVERY.values(), ids=EVERY)
def test_a_rule_reads_only_the_events_of_its_name(document: dict[str, Any]) -> None:
    nodes = list(reads_of_events(everybody(document)))
    assert nodes
    assert [node["Node Type"] for node in nodes if "name_id" not in bounds(node)] == []


@pytest.mark.parametrize("document", IN_A_WINDOW.values(), ids=IN_A_WINDOW)
def test_a_rule_with_a_window_reads_only_the_events_inside_it(document: dict[str, Any]) -> None:
    of_the_window = counted_events(document)
    assert of_the_window
    assert [bounds(node) for node in of_the_window if "at >" not in bounds(node)] == []


@pytest.mark.parametrize("document", UNTIL.values(), ids=UNTIL)
def test_a_rule_about_long_ago_reads_nothing_newer(document: dict[str, Any]) -> None:
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM contacts_event GROUP BY 1 HAVING min(at) > %s",
            [now - timedelta(days=50)],
        )
        newer = {row[0] for row in cursor.fetchall()}
    found = counted_events(document)
    assert found
    assert [bounds(node) for node in found if "at <" not in bounds(node) or node["Relation Name"] in newer] == []


RANGES = {**IN_A_WINDOW, **UNTIL}


@pytest.mark.parametrize("document", RANGES.values(), ids=RANGES)
def test_the_planner_takes_the_range_of_the_index_by_itself(document: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = on")
        cursor.execute("SET LOCAL random_page_cost = 1.1")  # as ours is started, and whoever has an SSD sets it
    nodes = list(reads_of_events(everybody(document)))
    assert nodes
    assert [node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"] == []


@pytest.mark.parametrize("document", IN_A_WINDOW.values(), ids=IN_A_WINDOW)
def test_the_clock_passes_over_the_edges_of_a_window_alone(document: dict[str, Any]) -> None:
    catalogue, now = load_catalogue(), clock.now()
    scene = Scene(at=now, catalogue=catalogue)
    for leaf in leaves(parse(document, catalogue).root):
        for edge in leaf.edges(scene, now - timedelta(minutes=1), now):
            nodes = list(reads_of_events(edge))
            assert [bounds(node) for node in nodes if "name_id" not in bounds(node) or "at >" not in bounds(node)] == []


def test_looking_at_one_contact_reads_that_contact_s_events_alone() -> None:
    catalogue, ben = load_catalogue(), person("Ben")
    scene = Scene(at=clock.now(), catalogue=catalogue, among=sql("{ids}::bigint[]", ids=[ben.pk]))
    for document in EVERY.values():
        nodes = list(reads_of_events(matching_set(parse(document, catalogue), scene)))
        mine = [
            node for node in nodes if node["Alias"][0] in "ef"
        ]  # "b" is what followed, found by the event before it
        assert [bounds(node) for node in mine if "contact_id" not in bounds(node)] == []


@pytest.fixture
def looks() -> list[str]:
    """Give ten segments that read orders, Ben who has just ordered, and the statements of looking at him."""
    for least in range(10):
        where = {"operator": "AND", "conditions": [{"propertyName": "price", "operator": ">", "value": least}]}
        segment(f"Over {least}", {**ORDER, "where": where, "window": LATELY})
    segment("Elsewhere", {**ORDER, "eventName": "Paid"})
    evaluation.recompute_waiting()
    did(person("Ben"), "Order", price=60)
    with CaptureQueriesContext(connection) as captured:
        assert evaluation.take_changes()
    return [one["sql"] for one in captured]


def test_a_look_reads_the_events_and_memberships_of_its_contacts_alone(looks: list[str]) -> None:
    (look,) = [one for one in looks if one.startswith("WITH looked")]
    found = Sql(look.replace("%", "%%"))
    events = [node for node in reads_of_events(found) if node["Alias"].startswith("e")]
    assert events
    assert [bounds(node) for node in events if "contact_id" not in bounds(node)] == []
    read = [node for node in nodes_of(found) if node["Node Type"] != "ModifyTable"]
    held = [node for node in read if node.get("Relation Name") == "segmentation_membership"]
    assert held
    assert [bounds(node) for node in held if "contact_id" not in bounds(node)] == []
    last = [node for node in read if node.get("Relation Name") == "segmentation_transition"]
    assert last
    assert [bounds(node) for node in last if "contact_id =" not in bounds(node)] == []


def test_many_segments_that_ask_alike_are_one_scan_in_which_that_is_asked_once(looks: list[str]) -> None:
    (look,) = [one for one in looks if one.startswith("WITH looked")]
    assert look.count("FROM contacts_event") == 1
    assert look.count("e.name_id") == 1
    assert look.count("FILTER (WHERE ") - look.count("kind = 'entered'") >= 10


def test_a_look_reads_no_segments_that_its_facts_do_not_touch(looks: list[str]) -> None:
    many = [one for one in looks if "FROM segmentation_segment" in one]
    assert [one for one in many if "ANY(" not in one] == []


def test_a_look_through_all_events_would_be_noticed() -> None:
    careless = sql("SELECT e.contact_id FROM contacts_event e WHERE e.properties ->> 'price' = {price}", price="60")
    assert [node for node in reads_of_events(careless) if "name_id" not in bounds(node)]
