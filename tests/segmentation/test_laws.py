"""The laws of the language, over generated documents and three hundred generated people."""

import json
import os
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contacts.models import Contact
from segmentation.catalogue import Catalogue, load_catalogue
from segmentation.compiler import Rule, matching_set, q
from segmentation.criteria import Criteria, parse, reread, words
from segmentation.matching import who
from segmentation.measures import Scene
from segmentation.rules import rule_of
from tests.segmentation.documents import groups
from tests.segmentation.oracle import Person, matches
from tests.segmentation.people import AT, WORLD, settle

EXAMPLES = int(os.environ.get("TRIBUTARY_DOCUMENTS", "150"))
pytestmark = pytest.mark.django_db
lawful = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)


@pytest.fixture
def people(db: None) -> list[Person]:
    return settle()


def found(criteria: Criteria, catalogue: Catalogue, among: list[int] | None = None) -> set[int]:
    answer = q(criteria, at=AT, catalogue=catalogue, among=among)
    rows = list(Contact.objects.filter(answer).values_list("pk", flat=True))
    assert len(rows) == len(set(rows)), "nobody appears twice"
    return set(rows)


def test_set_scoped_and_shared_forms_and_the_oracle_agree(people: list[Person]) -> None:
    catalogue = load_catalogue()
    some = [person.id for person in people[::3]]

    @lawful
    @given(document=groups)
    def law(document: dict[str, Any]) -> None:
        criteria = parse(document, catalogue)
        wanted = {person.id for person in people if matches(person, document, AT, WORLD)}
        assert found(criteria, catalogue) == wanted
        assert found(criteria, catalogue, some) == wanted & set(some)
        rule = rule_of(criteria)
        assert who([rule], some, AT)[rule.pk] == wanted & set(some)

    law()


def test_many_rules_in_one_look_answer_as_each_alone(people: list[Person]) -> None:
    catalogue = load_catalogue()
    everyone = [person.id for person in people]

    @settings(lawful, max_examples=max(EXAMPLES // 30, 5))
    @given(documents=st.lists(groups, min_size=8, max_size=12))
    def law(documents: list[dict[str, Any]]) -> None:
        rules = {rule_of(parse(one, catalogue)): one for one in documents}
        answers = who(list(rules), everyone, AT)
        for rule, document in rules.items():
            assert answers[rule.pk] == {one.id for one in people if matches(one, document, AT, WORLD)}

    law()


def test_negate_is_the_complement_and_groups_are_intersection_and_union(people: list[Person]) -> None:
    catalogue = load_catalogue()
    alive = {person.id for person in people if person.alive}

    @settings(lawful, max_examples=EXAMPLES // 3)
    @given(one=groups, other=groups)
    def law(one: dict[str, Any], other: dict[str, Any]) -> None:
        a, b = (found(parse(document, catalogue), catalogue) for document in (one, other))
        turned = {**one, "negate": not one.get("negate", False)}
        assert found(parse(turned, catalogue), catalogue) == alive - a
        for operator, wanted in (("AND", a & b), ("OR", a | b)):
            joined = {"operator": operator, "conditions": [one, other]}
            assert found(parse(joined, catalogue), catalogue) == wanted

    law()


def test_a_document_is_kept_as_written_and_building_runs_no_query(people: list[Person]) -> None:
    catalogue = load_catalogue()

    @settings(lawful, max_examples=EXAMPLES // 3)
    @given(document=groups)
    def law(document: dict[str, Any]) -> None:
        read = reread(json.loads(json.dumps(parse(document, catalogue).document)))
        assert read.document == document
        with CaptureQueriesContext(connection) as queries:
            str(Contact.objects.filter(q(read, at=AT, catalogue=catalogue)).query)
            assert read.reads == reread(document).reads
            words(read)
        assert not queries.captured_queries

    law()


def test_words_differ_for_documents_that_differ(people: list[Person]) -> None:
    catalogue = load_catalogue()
    said: dict[str, dict[str, Any]] = {}

    @lawful
    @given(document=groups)
    def law(document: dict[str, Any]) -> None:
        meaning = explicit(document)
        assert said.setdefault(words(parse(document, catalogue)), meaning) == meaning

    law()


DEFAULTS = {"negate": False, "occurrence": "any", "membership": "now", "topic": "", "state": "active"}


def explicit(value: Any) -> Any:
    """Leave out what says only what is meant anyway, and write every number and aggregate one way."""
    if isinstance(value, dict):
        kept = {key: explicit(one) for key, one in value.items() if DEFAULTS.get(key) != one or key not in DEFAULTS}
        if kept.get("type") == "EVENT":
            kept.setdefault("aggregate", {"function": "count", "operator": ">=", "value": "1"})
        return kept
    if isinstance(value, list):
        return [explicit(one) for one in value]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


HOSTILE_TEXT = [
    "x' OR 1=1--",
    "%s",
    "%(a)s",
    '"',
    "a__b",
    "_connector",
    "gt",
    "\\",
    "é",
    "0",
    "",
    "{x}",
    "$$",
    ";",
    "--",
    "/*",
]


def test_hostile_names_and_values_never_reach_the_text_of_the_sql() -> None:
    catalogue = Catalogue()
    scene = Scene(at=AT, catalogue=catalogue)

    def text(name: str, value: str) -> str:
        document = {
            "operator": "AND",
            "conditions": [
                {"type": "PROPERTY", "propertyName": f"customProperties.{name}", "operator": "=", "value": value},
                {
                    "type": "PROPERTY",
                    "propertyName": f"customProperties.{name}",
                    "operator": "contains",
                    "value": value,
                },
                {"type": "PROPERTY", "propertyName": f"customProperties.{name}", "operator": "in", "value": [value]},
                {
                    "type": "EVENT",
                    "eventName": value,
                    "aggregate": {"function": "distinct", "propertyName": name or "x", "operator": ">", "value": 1},
                    "where": {"propertyName": name or "x", "operator": "!=", "value": value},
                },
                {"type": "SAMPLE", "percent": 5, "salt": value},
            ],
        }
        return matching_set(parse(document, catalogue), scene).text

    plain = text("plan", "pro")
    everyone = st.one_of(
        st.sampled_from(HOSTILE_TEXT),
        st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20),
    )

    @lawful
    @given(name=everyone.map(lambda one: one.replace(".", "").replace("[]", "")), value=everyone)
    def law(name: str, value: str) -> None:
        assert text(name, value or "x") == plain

    law()


def test_a_rule_is_a_condition_wherever_the_contact_stands(people: list[Person]) -> None:
    catalogue = load_catalogue()
    criteria = parse({"type": "PROPERTY", "propertyName": "country", "operator": "=", "value": "US"}, catalogue)
    inner = Contact.objects.filter(q(criteria, at=AT, catalogue=catalogue)).values("pk")
    assert set(Contact.objects.filter(pk__in=inner).values_list("pk", flat=True)) == found(criteria, catalogue)
    assert Rule(criteria.root, Scene(at=AT, catalogue=catalogue)).conditional
