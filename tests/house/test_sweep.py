"""Every address of the API's own document, with what nobody should send: each is answered with a reason, below 500."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from rest_framework.test import APIClient

from flows.services import create_flow
from messaging.services import create_template
from tests.factories import did, person, put_on, segment
from workspace.audit import HOUSE

pytestmark = pytest.mark.django_db

Operation = tuple[str, str, dict[str, Any]]
REFS = [
    "1",
    "vip",
    "user:ana",
    "con_1",
    "email:ana@example.com",
    "99999999999999999999",
    "x" * 300,
    "%00",
    "%F0%9F%92%A9",
    "-1",
    "..;",
]
BODIES: list[Any] = [
    None, [], "x", 0, {}, {"x": 1}, {"name": None}, {"name": ["a"], "slug": {}}, {"name": "x" * 10_000, "slug": "A b"},
    {"name": "a", "slug": "preview", "channel": "fax", "kind": 7, "criteria": [], "draft": 1, "settings": "x"},
    {"criteria": {"operator": "AND", "conditions": [{"type": "PROPERTY"}, None, 5]}, "name": "b", "kind": "dynamic"},
    {"contacts": ["user:ana", "user:" + "y" * 400, "con_99999999999999999999", "", None]}, {"contacts": "user:ana"},
    {"draft": {"nodes": [{"id": 1}, None], "edges": {}}, "name": "c"}, {"settings": {"entry": 7, "reentry": []}},
    {"template": "hello", "to": "user:ana", "data": {"a": [1]}}, {"address": "\u0000", "reason": "x", "channel": "email"},
]  # fmt: skip
QUERIES = [
    "cursor=x",
    "limit=-1",
    "limit=99999999999999999999",
    "q=%00",
    "contact=user:%00",
    "at=tomorrow",
    "nonsense=1",
]
SKIPPED = ("/api/v1/schema/", "/api/v1/docs/")


def document() -> dict[str, Any]:
    """Return the document that describes the API."""
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call] # drf-spectacular ships no types for these
    return made


def operations() -> Iterator[Operation]:
    """Yield (path, method, operation)."""
    for path, methods in document()["paths"].items():
        if path not in SKIPPED:
            yield from ((path, method, one) for method, one in methods.items() if method != "parameters")


EVERY = sorted(operations(), key=lambda one: one[:2])


@pytest.fixture
def program(manage_key: str) -> APIClient:
    """A program that may do everything, in a house with a little of everything."""
    ana = person("Ana", user_id="ana", email="ana@example.com")
    did(ana, "Order Completed", revenue=12)
    put_on("vip", ana)
    segment("VIP", {"type": "EVERYONE"}, slug="vip")
    create_flow(name="VIP", slug="vip", actor=HOUSE)
    create_template(name="VIP", slug="vip", channel="email", subject="Hi", body="<p>Hi</p>", actor=HOUSE)
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {manage_key}")
    return client


def test_the_document_is_valid_openapi_and_names_every_operation() -> None:
    made = document()
    validate_schema(made)  # type: ignore[no-untyped-call] # as above
    ids = [one["operationId"] for _, _, one in EVERY]
    assert len(ids) == len(set(ids)) > 60
    assert all(one.get("description") for _, _, one in EVERY)


def test_nothing_that_is_sent_is_answered_with_500(program: APIClient) -> None:
    wrong = [
        fault
        for operation in EVERY
        for url, sent, answer in hostile(program, operation)
        if (fault := told(answer, url, sent))
    ]
    assert not wrong, "\n".join(wrong)


def hostile(program: APIClient, operation: Operation) -> Iterator[tuple[str, Any, Any]]:
    """Yield (address, what was sent, answer) of every hostile call to one operation, each undone afterwards."""
    path, method, _ = operation
    names = [part for part in path.split("/") if part.startswith("{")]
    for ref in REFS if names else ["1"]:
        url = "/".join(ref if part in names else part for part in path.split("/"))
        sent = BODIES if ref in ("vip", "user:ana") or not names else BODIES[:2]
        for body in sent if method in ("post", "put", "patch") else [None]:
            with undone():
                yield url, body, program.generic(method.upper(), url, json.dumps(body), content_type="application/json")
    for query in QUERIES if method == "get" else []:
        url = "/".join("vip" if part in names else part for part in path.split("/"))
        yield url, query, program.get(f"{url}?{query}")


@contextmanager
def undone() -> Iterator[None]:
    """Take back what is done within."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def told(answer: Any, url: str, sent: Any) -> str:
    """Return what is wrong with an answer: a fault of ours, or a refusal that gives no reason as a problem."""
    if answer.status_code < 400:
        return ""
    if answer.status_code >= 500 or answer["Content-Type"] != "application/problem+json":
        return f"{answer.status_code} {url} {str(sent)[:80]} {answer.content[:200]!r}"
    problem = answer.json()
    return "" if problem["status"] == answer.status_code and problem["detail"] else f"{url} {str(sent)[:80]} {problem}"


def test_strangers_and_other_methods_are_told_so(program: APIClient) -> None:
    wrong = []
    for path in sorted({path for path, _, _ in EVERY}):
        url = "/".join("vip" if part.startswith("{") else part for part in path.split("/"))
        for method in ("get", "post", "put", "patch", "delete"):
            answer = APIClient(raise_request_exception=False).generic(method.upper(), url)
            wrong.append(
                told(answer, url, method) or ("" if answer.status_code in (401, 403, 405) else f"{url} is open")
            )
        other = program.generic("PROPFIND", url)
        wrong.append(told(other, url, "PROPFIND") or ("" if other.status_code == 405 else f"{url} {other.status_code}"))
    assert not [one for one in wrong if one], "\n".join(one for one in wrong if one)
