"""The quick look at a document: what it proves clean is what the thorough reading takes, value for value."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workspace import clean
from workspace.clean import Unclean

LIMIT = 1_000_000
keys = st.sampled_from(["a", "b", 'q"', ":", '":', "é", "\u2028", "\\", "a b", "x" * 129]) | st.text(max_size=4)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**15) - 2, 10**15 + 2)
    | st.floats()
    | st.sampled_from([0, -0.0, 1e15, -1e15, 1e22, '":', '\\":', "12:30", "\x00", "\ud800", "🎉"])
    | st.text(max_size=8)
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=25
)


def thoroughly(raw: bytes) -> Any:
    """Read as before there was a quick look."""
    return clean.check(clean._decode(raw))


def both(raw: bytes) -> None:
    """Insist that the quick look proves nothing that the thorough reading refuses or reads otherwise."""
    value, proven = clean.parse(raw, limit=LIMIT)
    if proven:
        assert repr(value) == repr(thoroughly(raw))


@settings(max_examples=400, deadline=None)
@given(values, st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t :\r\n ")]), st.booleans())
def test_what_is_proven_clean_reads_the_same_thoroughly(value: Any, marks: tuple[str, str], ascii_only: bool) -> None:
    text = json.dumps(value, separators=marks, ensure_ascii=ascii_only)
    try:
        both(text.encode("utf-8", "surrogatepass"))
    except Unclean:
        return


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='{}[]",:\\u0de8 1.E-na\n', max_size=60).map(str.encode) | st.binary(max_size=40))
def test_odd_bytes_are_never_proven_clean_by_mistake(raw: bytes) -> None:
    try:
        both(raw)
    except Unclean:
        return


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 1, "a": 2}',
        b'{"a" : 1, "a"\n: 2}',
        b'{"a": {"b": 1, "b": 2}, "t": "\\":"}',
        b'{"\\u0061": 1, "a": 2}',
        b'{"a": "\\u0000"}',
        b'{"a": "\\ud800"}',
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": 12345678901234567890}',
        b'{"a": 1000000000000001}',
        b"[" * 33 + b"]" * 33,
        b'{"' + b"k" * 129 + b'": 1}',
        b"{" + b",".join(b'"k%d": 1' % n for n in range(513)) + b"}",
    ],
)
def test_a_document_with_a_fault_is_not_proven(raw: bytes) -> None:
    with pytest.raises(Unclean):
        clean.read(raw, limit=LIMIT)


def test_an_ordinary_batch_is_proven_at_the_first_look() -> None:
    batch = {"batch": [{"type": "track", "userId": "ann", "event": "Paid", "properties": {"at": "12:30", "n": 1.5}}]}
    assert clean.parse(json.dumps(batch).encode(), limit=LIMIT) == (batch, True)
