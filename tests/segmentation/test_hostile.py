"""Whatever is sent as criteria: refused with a path, or meant as written; never an error, never other SQL, never everybody."""

import copy
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.models import Contact
from segmentation.catalogue import load_catalogue
from segmentation.compiler import matching_set, q
from segmentation.criteria import parse, words
from segmentation.measures import Scene
from tests.segmentation.documents import groups
from tests.segmentation.oracle import matches
from tests.segmentation.people import AT, WORLD, settle
from tests.segmentation.test_laws import lawful
from workspace.problems import Refused

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("TRIBUTARY_HOSTILE", "200"))
MARK = "zq9"
NASTY: list[Any] = [
    f"{MARK}' OR 1=1--", f"{MARK}%s", f"{MARK}%(a)s", f'{MARK}"', f"{MARK}__gt", "_connector", f"{MARK}\\", f"{MARK}{{x}}",
    f"{MARK}$$;--", f"{MARK}\x00", "\ud800", f"{MARK}\u202e", f"{MARK}\x1b[0m", "gt", "a__b", "", " ", f"{MARK}" * 2000,
    None, True, False, 0, -1, 10**400, 1e308, float("nan"), float("inf"), [], {}, [[]], [None], {"$gt": ""},
    {"trigger": f"{MARK}"}, {"since": "entry"}, {"type": "EVERYONE"}, {"operator": "OR", "conditions": []}, "99999999y", "1y",
    [f"{MARK}"] * 20_000, "0001-01-01", "9999-12-31", "2999-12-31T23:59:59Z",
]  # fmt: skip
TEXTS = ("value", "eventName", "propertyName", "salt")
KEYS = [
    "type",
    "operator",
    "conditions",
    "negate",
    "value",
    "propertyName",
    "window",
    "where",
    "aggregate",
    MARK,
    "__class__",
]


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every (container, key) of a document."""
    keys = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in list(keys):
        yield node, key
        yield from places(node[key])


def spoil(document: dict[str, Any], seed: int) -> Any:
    """Put something nasty in one to three places of a document."""
    rng, spoilt = random.Random(seed), copy.deepcopy(document)
    texts = [(c, k) for c, k in places({"": spoilt}) if k in TEXTS and isinstance(c[k], str)]
    if texts and rng.random() < 0.6:  # where any text is taken
        for container, key in texts:
            before = "customProperties." if str(container[key]).startswith("customProperties.") else ""
            container[key] = before + rng.choice([one for one in NASTY if isinstance(one, str) and len(one) < 30])
        return spoilt
    for _ in range(rng.choice([1, 1, 2, 3])):
        container, key = rng.choice(list(places({"": spoilt})))
        way = rng.random()
        if way < 0.7:
            container[key] = copy.deepcopy(rng.choice(NASTY))
        elif way < 0.85 and isinstance(container, dict):
            container[rng.choice(KEYS)] = copy.deepcopy(rng.choice(NASTY))
        else:
            del container[key]
    return spoilt


hostile = st.builds(spoil, groups, st.integers(0, 10**9))


def test_hostile_documents_are_refused_or_mean_what_they_say() -> None:
    people = settle(count=60)
    alive = {person.id for person in people if person.alive}
    catalogue, taken, refused = load_catalogue(), 0, 0

    @settings(lawful, max_examples=EXAMPLES)
    @given(document=hostile)
    def law(document: Any) -> None:
        nonlocal taken, refused
        try:
            criteria = parse(document, catalogue)
        except Refused:
            refused += 1
            return
        taken += 1
        rendered = matching_set(criteria, Scene(at=AT, catalogue=catalogue))
        assert MARK not in rendered.text
        assert rendered.text.count("%s") == len(rendered.params)
        assert words(criteria)
        with transaction.atomic():
            found = set(Contact.objects.filter(q(criteria, at=AT, catalogue=catalogue)).values_list("pk", flat=True))
        wanted = {person.id for person in people if matches(person, document, AT, WORLD)}
        assert found == wanted, "nobody, and never everybody, by accident"
        assert found <= alive

    law()
    assert refused > EXAMPLES / 4, "most of them are faulty"
    assert taken > EXAMPLES / 20


def test_hostile_documents_through_the_api_are_answered_and_never_an_error(manage_key: str) -> None:
    client = Client(raise_request_exception=True, headers={"Authorization": f"Bearer {manage_key}"})
    settle(count=5)

    @settings(lawful, max_examples=EXAMPLES // 10)
    @given(document=hostile)
    def law(document: Any) -> None:
        try:
            answer = client.post("/api/v1/segments/preview/", {"criteria": document}, "application/json")
        except (UnicodeEncodeError, ValueError):  # what JSON itself cannot hold is not even sent
            return
        assert answer.status_code in (200, 400, 413), answer.content
        if answer.status_code != 200:
            assert answer.json()["detail"]

    law()


@pytest.mark.parametrize(
    "pattern",
    ["((((a{1,255}){1,255}){1,255}){1,255})", "(a|a?)+" * 29, "[", "a**", "(?i", "\\", "x{256}", "(?=a)", r"(a)\1"],
)
def test_a_regular_expression_that_explodes_or_is_none_is_refused_on_saving(pattern: str) -> None:
    asked = {"type": "PROPERTY", "propertyName": "country", "operator": "matches", "value": pattern}
    with pytest.raises(Refused) as refused:
        parse(asked, load_catalogue())
    assert refused.value.faults[0].path == "value"


def test_ten_thousand_values_are_taken_and_travel_as_one_parameter() -> None:
    settle(count=20)
    many = [f"v{number}" for number in range(9_999)] + ["US"]
    criteria = parse({"type": "PROPERTY", "propertyName": "country", "operator": "in", "value": many}, load_catalogue())
    rendered = matching_set(criteria, Scene(at=AT, catalogue=load_catalogue()))
    assert len(rendered.params) < 5
    found = Contact.objects.filter(q(criteria, at=AT, catalogue=load_catalogue()))
    assert set(found.values_list("country", flat=True)) == {"US"}
