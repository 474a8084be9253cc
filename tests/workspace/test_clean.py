"""The clean-JSON gate: what comes through is storable, what does not is refused with its path."""

import contextlib
import json
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workspace import clean
from workspace.clean import Unclean

LIMIT = 1_000_000
texts = st.text(max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("raw", "path", "words"),
    [
        (b'{"a": [1, {"b": NaN}]}', "a[1].b", "not finite"),
        (b'{"a": 1e999}', "a", "not finite"),
        (b'{"a": -Infinity}', "a", "not finite"),
        (b'[{"a": 1, "a": 2}]', "[0]", "stands twice"),
        (b'{"a": "x\\u0000"}', "a", "NUL"),
        (b'{"a": {"b\\u0000": 1}}', "a.b\\u0000", "NUL"),
        (b'{"a": ["\\ud83d"]}', "a[0]", "surrogate"),
        (b'{"n": 12345678901234567890}', "n", "1e15"),
        (b'{"n": ' + b"9" * 5000 + b"}", "n", "1e15"),
        (b'{"n": 1e16}', "n", "1e15"),
        (b'{"' + b"k" * 129 + b'": 1}', "k" * 60, "129 characters"),
        (b"{" + b",".join(b'"k%d": 1' % n for n in range(513)) + b"}", "", "513 keys"),
        (b"", "", "empty"),
        (b"{", "", "not JSON"),
        (b"\xff", "", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "", "not JSON"),
    ],
)
def test_a_fault_is_named_with_its_path(raw: bytes, path: str, words: str) -> None:
    with pytest.raises(Unclean, match=words) as refused:
        clean.read(raw, limit=LIMIT)
    assert refused.value.path == path


@pytest.mark.parametrize("depth", [33, 900, 1_000, 200_000])
def test_depth_is_refused_before_and_after_decoding(depth: int) -> None:
    for raw in (
        b"[" * depth + b"]" * depth,
        b'{"a":' * depth + b"1" + b"}" * depth,
        b'["]",' * depth + b"1" + b',"["]' * depth,
        b"[" * depth,
    ):
        with pytest.raises(Unclean):
            clean.read(raw, limit=10 * LIMIT)


def test_thirty_two_levels_are_taken() -> None:
    assert clean.read(b"[" * 32 + b"]" * 32, limit=LIMIT) is not None
    assert clean.read(b'["[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["]', limit=LIMIT) is not None


def test_a_large_body_is_413() -> None:
    with pytest.raises(Unclean) as refused:
        clean.read(b"x" * 11, limit=10)
    assert refused.value.status == 413


@pytest.mark.django_db
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values)
def test_what_comes_through_can_be_stored_and_comes_back_the_same(value: Any) -> None:
    try:
        taken = clean.read(json.dumps(value).encode(), limit=LIMIT)
    except Unclean:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::jsonb", [json.dumps(taken)])
        row = cursor.fetchone()
    assert row is not None
    assert (json.loads(row[0]) if isinstance(row[0], str) else row[0]) == taken


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0d8 1eNa-', max_size=60).map(str.encode))
def test_any_bytes_are_taken_or_refused_and_nothing_else(raw: bytes) -> None:
    with contextlib.suppress(Unclean):
        clean.read(raw, limit=LIMIT)
