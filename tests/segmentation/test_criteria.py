"""What a document may say: every fault has its path and one sentence that says how to mend it."""

import json
from typing import Any

import pytest
from django.test import Client
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from segmentation.catalogue import Catalogue
from segmentation.conditions import KINDS
from segmentation.criteria import json_schema, parse
from workspace.problems import Refused

pytestmark = pytest.mark.django_db
KNOWN = Catalogue(
    declared={"age": "number", "born": "date", "tags": "list", "plan": "text"},
    attributes={"age": "number", "plan": "text"},
    events={"Order Completed": {}},
    lists=frozenset({"staff"}),
    segment_ids={"vip": 1},
)


def about(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    asked = {"type": "PROPERTY", "propertyName": name, "operator": operator, **more}
    return asked if value is None else {**asked, "value": value}


def event(**more: Any) -> dict[str, Any]:
    return {"type": "EVENT", "eventName": "Order Completed", **more}


def nested(depth: int) -> dict[str, Any]:
    document: dict[str, Any] = {"type": "EVERYONE"}
    for _ in range(depth):
        document = {"operator": "AND", "conditions": [document]}
    return document


FAULTY: list[tuple[Any, str, str]] = [
    ({"operator": "AND", "conditions": []}, "conditions[0].conditions", "empty group never means everyone"),
    ({"operator": "XOR", "conditions": [{"type": "EVERYONE"}]}, "conditions[0].operator", '"AND" or "OR"'),
    ({}, "conditions[0].operator", '"AND" or "OR"'),
    ([], "conditions[0]", "Write a group"),
    ({"type": "PERSONA"}, "conditions[0].type", "no such condition"),
    ({"type": ["EVENT"]}, "conditions[0].type", "no such condition"),
    ({"type": "EVERYONE", "filter": 1}, "conditions[0].filter", "take it out"),
    ({"type": "EVERYONE", "negate": "yes"}, "conditions[0].negate", "boolean"),
    (about("_connector", "=", "x"), "conditions[0].propertyName", "no standard property"),
    (about("password", "=", "x"), "conditions[0].propertyName", "no standard property"),
    (about("customProperties.plan", "gt", "x"), "conditions[0].operator", "no operator"),
    (about("customProperties.age", "contains", "x"), "conditions[0].operator", "does not fit a number"),
    (about("customProperties.age", ">", "5"), "conditions[0].value", "Write a number"),
    (about("customProperties.age", ">", True), "conditions[0].value", "Write a number"),
    (about("customProperties.age", "between", [5, 1]), "conditions[0].value", "first is larger"),
    (about("customProperties.age", "in", []), "conditions[0].value", "at least one value"),
    (about("customProperties.age", "in", [1] * 10_001), "conditions[0].value", "at most 10,000"),
    (about("customProperties.plan", "="), "conditions[0].value", "needs a value"),
    (about("customProperties.plan", "=", ""), "conditions[0].value", "is_null"),
    (about("customProperties.plan", "is_null", "x"), "conditions[0].value", "takes no value"),
    (about("customProperties.plan", "matches", "(a"), "conditions[0].value", "PostgreSQL does not take"),
    (about("customProperties.plan", "matches", r"(a)\1"), "conditions[0].value", "Back-references"),
    (about("customProperties.plan", "matches", "(?=a)"), "conditions[0].value", "Look-around"),
    (about("customProperties.plan", "matches", "a" * 201), "conditions[0].value", "200 characters"),
    (about("customProperties.age", "=", 5, caseSensitive=True), "conditions[0].caseSensitive", "leave it out"),
    (about("customProperties.born", "on", "2026-02-30"), "conditions[0].value", "not in the calendar"),
    (about("customProperties.born", "after", "2026-01-01T00:00:00Z"), "conditions[0].value", "without a time of day"),
    (about("customProperties.born", "in_last", "5 days"), "conditions[0].value", "whole number and a unit"),
    (about("customProperties.born", "in_last", "24h"), "conditions[0].value", "whole days"),
    (about("createdAt", "after", "yesterday"), "conditions[0].value", "Write a day"),
    (about("createdAt", "after", "2026-01-01T00:00:00"), "conditions[0].value", "with Z or an offset"),
    (about("emailSubscribed", "=", "true"), "conditions[0].value", "true or false"),
    ({"type": "LIST", "list": "nobody"}, "conditions[0].list", "no list"),
    ({"type": "SEGMENT", "segment": "nobody"}, "conditions[0].segment", "no segment"),
    ({"type": "SEGMENT", "segment": "vip", "window": {"last": "1d"}}, "conditions[0].window", "entered"),
    ({"type": "SAMPLE", "percent": 0}, "conditions[0].percent", "above 0"),
    (event(window={"last": "30d", "after": "2026-01-01"}), "conditions[0].window", "Write one window"),
    (event(window={"last": "-1d"}), "conditions[0].window.last", "whole number and a unit"),
    (event(window={"from": "2026-02-01", "to": "2026-01-01"}), "conditions[0].window", "ends before it begins"),
    (event(aggregate={"function": "median", "operator": ">", "value": 1}), "conditions[0].aggregate.function", "count"),
    (event(aggregate={"function": "sum"}), "conditions[0].aggregate.propertyName", "needs the propertyName"),
    (event(aggregate={"function": "count", "value": "3"}), "conditions[0].aggregate.value", "Write a number"),
    (event(where={"operator": "AND", "conditions": []}), "conditions[0].where.conditions", "at least 1"),
    (
        event(where={"operator": "AND", "conditions": [{"propertyName": "price", "operator": ">", "value": "x"}]}),
        "conditions[0].where.conditions[0].value",
        "Write a day",
    ),
    (
        event(where={"propertyName": "a[].b[].c", "operator": "is_null"}),
        "conditions[0].where.propertyName",
        "one array",
    ),
    (
        event(window={"last": "1d"}, followedBy={"eventName": "X", "within": "2d", "negate": True}),
        "conditions[0].followedBy.within",
        "shorter than the window",
    ),
    (event(eventName=5), "conditions[0].eventName", "string"),
    (event(eventName="a\x00"), "conditions[0].eventName", "NUL"),
]


@pytest.mark.parametrize(("condition", "path", "says"), FAULTY, ids=lambda value: str(value)[:60])
def test_a_faulty_condition_is_refused_with_its_path(condition: Any, path: str, says: str) -> None:
    with pytest.raises(Refused) as refused:
        parse({"operator": "AND", "conditions": [condition]}, KNOWN)
    fault = refused.value.faults[0]
    assert fault.path == path
    assert says in fault.message
    assert refused.value.status == 400


def test_every_fault_of_a_document_is_named_at_once() -> None:
    document = {"operator": "AND", "conditions": [about("nope", "=", 1), {"type": "LIST", "list": "nobody"}]}
    with pytest.raises(Refused) as refused:
        parse(document, KNOWN)
    assert [fault.path for fault in refused.value.faults] == ["conditions[0].propertyName", "conditions[1].list"]


def test_eight_levels_are_taken_and_nine_are_not() -> None:
    parse(nested(8), KNOWN)
    with pytest.raises(Refused, match="more than 8 deep"):
        parse(nested(9), KNOWN)


def test_two_hundred_conditions_are_taken_and_one_more_is_not() -> None:
    group = {"operator": "OR", "conditions": [{"type": "EVERYONE"}] * 200}
    parse(group, KNOWN)
    with pytest.raises(Refused, match="at most 200"):
        parse({"operator": "AND", "conditions": [group, {"type": "EVERYONE"}]}, KNOWN)


def test_a_document_that_is_no_document_is_refused() -> None:
    for document in (
        None,
        5,
        "x",
        [],
        True,
        {"operator": "AND", "conditions": 5},
        {"operator": "AND", "conditions": None},
    ):
        with pytest.raises(Refused):
            parse(document, KNOWN)


def test_names_nobody_has_seen_are_taken_with_a_warning() -> None:
    document = {
        "operator": "AND",
        "conditions": [about("customProperties.unseen", "=", "x"), {"type": "EVENT", "eventName": "Never"}],
    }
    read = parse(document, KNOWN)
    assert [fault.path for fault in read.warnings] == ["conditions[0].propertyName", "conditions[1].eventName"]
    assert parse(about("customProperties.plan", "=", "x"), KNOWN).warnings == []


@pytest.mark.parametrize(
    ("document", "reads"),
    [
        (about("customProperties.group.name", "=", "x"), {"attribute:customProperties.group"}),
        (about("country", "=", "x"), {"attribute:country"}),
        (about("country", "!=", "x"), {"attribute:country", "contact"}),
        (about("emailSubscribed", "=", True), {"consent:email"}),
        (event(), {"event:Order Completed"}),
        (event(aggregate={"operator": "=", "value": 0}), {"event:Order Completed", "contact"}),
        (event(aggregate={"operator": "!=", "value": 0}), {"event:Order Completed"}),
        ({"type": "SEGMENT", "segment": "vip"}, {"segment:vip"}),
        ({"type": "EVERYONE"}, {"contact"}),
        ({"type": "EVERYONE", "negate": True}, set()),
        ({"operator": "AND", "conditions": [event(), {"type": "EVERYONE"}]}, {"event:Order Completed"}),
        ({"operator": "AND", "negate": True, "conditions": [event()]}, {"event:Order Completed", "contact"}),
        (about("createdAt", "in_last", "7d"), {"attribute:createdAt", "attribute:timezone", "contact"}),
    ],
)
def test_a_rule_knows_what_it_reads_and_new_contacts_when_one_without_data_would_match(
    document: dict[str, Any], reads: set[str]
) -> None:
    assert set(parse(document, KNOWN).reads) == reads


def test_only_what_moves_with_time_reads_the_clock() -> None:
    assert parse(event(window={"last": "1d"}), KNOWN).clock
    assert parse(about("createdAt", "not_in_last", "1d"), KNOWN).clock
    assert not parse(event(window={"after": "2026-01-01"}), KNOWN).clock


def test_the_schema_is_published_and_takes_the_examples_of_every_kind(read_key: str) -> None:
    answer = Client(headers={"Authorization": f"Bearer {read_key}"}).get("/api/v1/criteria/schema/")
    assert answer.status_code == 200, answer.content
    schema = answer.json()
    assert "FLOW" in schema["$defs"]
    check = Draft202012Validator(schema)
    for kind, condition in KINDS.items():
        assert condition.example["type"] == kind
        check.validate({"operator": "AND", "conditions": [condition.example]})
        assert list(check.iter_errors({"operator": "AND", "conditions": [{**condition.example, "surprise": 1}]}))


def test_the_schema_names_every_kind_and_can_be_written_as_json() -> None:
    schema = json_schema()
    assert {"GROUP", "PROPERTY", "EVENT", "SEGMENT", "LIST", "EVERYONE"} <= schema["$defs"].keys()
    assert json.loads(json.dumps(schema)) == schema
