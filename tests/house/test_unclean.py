"""Bytes that are no clean document, before every door of the API that takes one: refused with a reason, by the gate, and nothing stored."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.factories import person
from tests.house.filling import fill
from tests.house.test_sweep import EVERY, told, undone

pytestmark = pytest.mark.django_db

UNCLEAN = {
    "NUL": b'{"name": "a\\u0000b"}',
    "a lone surrogate": b'{"name": "\\ud83d"}',
    "a lone surrogate in a key": b'{"\\udc00": 1}',
    "NaN": b'{"name": NaN}',
    "infinity": b'{"limit": -Infinity}',
    "an endless number": b'{"limit": ' + b"9" * 5_000 + b"}",
    "a key twice": b'{"name": "a", "name": "b"}',
    "depth": b"[" * 5_000 + b"]" * 5_000,
    "depth within": b'{"criteria": ' * 200 + b"1" + b"}" * 200,
    "half a document": b'{"name": "a"',
    "two documents": b'{"name": "a"}{"name": "b"}',
    "other bytes": b"\xff\xfe\x00{\x00}",
    "Latin letters": '{"name": "é"}'.encode("latin-1"),
}
HUGE = b'{"name": "' + b"x" * (13 * 1024 * 1024) + b'"}'
WRONG = [b"", b"null", b"[]", b"7", b'"x"', b"{}", b'{"nonsense": [[1]]}', b'[{"name": 1}]']


@pytest.fixture
def program(manage_key: str) -> APIClient:
    """A program that may do everything, in a house with one of each."""
    fill(1)
    person("Ana", user_id="ana")
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {manage_key}")
    return client


def taking(program: APIClient) -> list[tuple[str, str, bool]]:
    """Return (method, address of something that exists, whether a document is asked for) of every door that changes."""
    known: dict[str, str] = {}
    found = []
    for path, method, operation in EVERY:
        if method in ("post", "put", "patch"):
            found.append((method.upper(), at_something(program, path, known), "requestBody" in operation))
    return found


def at_something(program: APIClient, path: str, known: dict[str, str]) -> str:
    """Return the path with what its list tells first in place of each name."""
    parts = path.split("/")
    for place, part in enumerate(parts):
        if part.startswith("{"):
            many = "/".join(parts[:place]) + "/"
            if many not in known:
                known[many] = first_of(program, many)
            parts[place] = known[many]
    return "/".join(parts)


def first_of(program: APIClient, many: str) -> str:
    """Return how the first thing of a list is called in addresses."""
    answer = program.get(many)
    things: Any = answer.json() if answer.status_code == 200 else {}
    first = next(iter(things.get("results", things) if isinstance(things, dict) else things), {})
    return str(first.get("slug") or first.get("id") or first.get("name") or "x") if isinstance(first, dict) else "x"


def call(program: APIClient, method: str, url: str, raw: bytes) -> Any:
    """Send bytes and take back what they did."""
    with undone():
        return program.generic(method, url, raw, content_type="application/json")


def test_every_kind_of_thing_is_there_to_be_asked_for(program: APIClient) -> None:
    known: dict[str, str] = {}
    for path, _, _ in EVERY:
        at_something(program, path, known)
    alone = {many for many, name in known.items() if name == "x"}
    # Scenarios, templates and states are known by names; nothing is done to many here, and no flow has a test.
    by_name = {"/api/v1/segments/scenarios/", "/api/v1/flows/templates/", "/v1/state/", "/api/v1/state/"}
    nothing = {f"/api/v1/flows/flow-0/{what}/" for what in ("enrollments/jobs", "tests")}
    assert alone <= by_name | nothing | {"/api/v1/enrollments/at-once/"}, alone


def test_what_is_no_clean_document_is_refused_at_every_door_that_takes_one(program: APIClient) -> None:
    wrong = []
    for method, url, takes in taking(program):
        for name, raw in UNCLEAN.items():
            answer = call(program, method, url, raw)
            if answer.status_code < 400 and takes:
                wrong.append(f"{method} {url} took {name}: {answer.status_code}")
            wrong.append(told(answer, f"{method} {url}", name))
    assert not [one for one in wrong if one], "\n".join(one for one in wrong if one)


def test_what_is_clean_but_means_nothing_is_answered_below_500(program: APIClient) -> None:
    wrong = [
        fault
        for method, url, _ in taking(program)
        for raw in WRONG
        if (fault := told(call(program, method, url, raw), f"{method} {url}", raw))
    ]
    assert not wrong, "\n".join(wrong)


def test_what_is_far_too_large_is_refused_by_its_size(program: APIClient) -> None:
    answers = {f"{method} {url}": call(program, method, url, HUGE) for method, url, takes in taking(program) if takes}
    # 409: a segment by criteria has no members to be added, whatever was sent
    assert {answer.status_code for answer in answers.values()} <= {409, 413}, {
        name: answer.status_code for name, answer in answers.items() if answer.status_code not in (409, 413)
    }
    assert not [fault for name, answer in answers.items() if (fault := told(answer, name, "13 MB"))]
