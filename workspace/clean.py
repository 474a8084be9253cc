"""The clean-JSON gate: what may come in as a document at any door, refused with the path of the fault otherwise."""

import json
import math
import re
from typing import Any

import orjson

MAX_DEPTH = 32
MAX_KEYS = 512
MAX_KEY_LENGTH = 128
MAX_NUMBER = 10**15
_NUMBERS = (int, float)
_SURROGATE = re.compile("[\ud800-\udfff]")
_TOO_DEEP = f"The document is nested deeper than {MAX_DEPTH} levels."
_KEY = re.compile(rb'"[ \t\r\n]*:')
_BRACKETS = bytes(one for one in range(256) if one not in b"[]{}")


class Unclean(Exception):
    """A document that cannot be taken in; says where and why, and which HTTP status says so."""

    def __init__(self, message: str, path: str = "", status: int = 400) -> None:
        self.message = message
        self.path = path
        self.status = status
        super().__init__(f"{path}: {message}" if path else message)

    def within(self, key: str | int) -> "Unclean":
        """Return the same fault as seen from the object or list around it."""
        rest = self.path if self.path.startswith("[") or not self.path else f".{self.path}"
        return Unclean(self.message, f"[{key}]{rest}" if isinstance(key, int) else f"{_shown(key)}{rest}", self.status)


class _Twice(dict[str, Any]):
    """An object in which a key stands twice: parsed all the same, so that the check can name its path."""

    key = ""


class _Doubt(Exception):
    """A document that one quick look cannot prove clean."""


def read(raw: bytes, *, limit: int) -> Any:
    """Decode bytes to a clean JSON value; raise Unclean when too large, too deep, ambiguous or unstorable."""
    value, proven = parse(raw, limit=limit)
    return value if proven else check(value)


def parse(raw: bytes, *, limit: int) -> tuple[Any, bool]:
    """Decode bytes to a JSON value; tell whether it is proven clean, or is to be checked, as a whole or item by item."""
    if len(raw) > limit:
        raise Unclean(f"The body is {len(raw):,} bytes; at most {limit:,} are taken.", status=413)
    try:
        return _proven(raw), True
    except (orjson.JSONDecodeError, _Doubt):
        return _decode(raw), False


def _proven(raw: bytes) -> Any:
    """Decode a document that is clean beyond doubt: what holds for the whole text needs no look at each part.

    The decoder takes no half surrogate, no infinity and nothing that is not UTF-8; a NUL can only be written \\u0000;
    and a key that stood twice would be one key short of the colons behind a quote.
    """
    value = orjson.loads(raw)
    if b"\\u0000" in raw or _count_keys(value, 1) != len(_KEY.findall(raw)):
        raise _Doubt
    return value


def _count_keys(value: Any, depth: int) -> int:
    """Count the keys in an object or list and all below; raise _Doubt at what is too much."""
    kind = value.__class__
    if kind is dict:
        return _count_in_object(value, depth)
    if kind is list:
        if depth > MAX_DEPTH:
            raise _Doubt
        return sum([_count_keys(one, depth + 1) for one in value])
    if kind in _NUMBERS and not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise _Doubt
    return 0


def _count_in_object(value: dict[str, Any], depth: int) -> int:
    keys = len(value)
    if depth > MAX_DEPTH or keys > MAX_KEYS:
        raise _Doubt
    for key, item in value.items():
        if len(key) > MAX_KEY_LENGTH:
            raise _Doubt
        if item.__class__ is not str:  # most values of most documents
            keys += _count_keys(item, depth + 1)
    return keys


def _decode(raw: bytes) -> Any:
    """Decode a document that may have faults, so that the check can name them."""
    if not raw.strip():
        raise Unclean("The body is empty; send a JSON document.")
    _refuse_depth(raw)
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_object, parse_int=_integer)
    except UnicodeDecodeError as error:
        raise Unclean(f"The body is not UTF-8 (byte {error.start}).") from error
    except json.JSONDecodeError as error:
        raise Unclean(f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from error
    except RecursionError as error:
        raise Unclean(_TOO_DEEP) from error


def check(value: Any, path: str = "") -> Any:
    """Return the value when PostgreSQL can hold all of it; raise Unclean with the path of the first fault otherwise."""
    try:
        _check(value, 0)
    except Unclean as error:
        joined = error.path if not path or error.path.startswith("[") or not error.path else f".{error.path}"
        raise Unclean(error.message, f"{path}{joined}"[:500], error.status) from None
    return value


def _check(value: Any, depth: int) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, _NUMBERS):
        _check_number(value)
    elif isinstance(value, dict):
        _check_object(value, depth + 1)
    elif isinstance(value, list):
        _check_list(value, depth + 1)


def _check_object(value: dict[str, Any], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Unclean(_TOO_DEEP)
    if len(value) > MAX_KEYS:
        raise Unclean(f"An object has {len(value)} keys; at most {MAX_KEYS} are taken.")
    if isinstance(value, _Twice):
        raise Unclean(f'The key "{_shown(value.key)}" stands twice in one object.')
    for key, item in value.items():
        try:
            if len(key) > MAX_KEY_LENGTH:
                raise Unclean(f"A key is {len(key)} characters long; at most {MAX_KEY_LENGTH} are taken.")
            if not key.isascii() or "\x00" in key:
                _check_text(key)
            if item.__class__ is str and item.isascii() and "\x00" not in item:
                continue  # most values of most documents
            _check(item, depth)
        except Unclean as error:
            raise error.within(key) from None


def _check_list(value: list[Any], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Unclean(_TOO_DEEP)
    for index, item in enumerate(value):
        try:
            _check(item, depth)
        except Unclean as error:
            raise error.within(index) from None


def _check_text(value: str) -> None:
    if "\x00" in value:
        raise Unclean("The text has a NUL character; remove it.")
    if _SURROGATE.search(value):
        raise Unclean("The text has half of a surrogate pair; send whole characters.")


def _check_number(value: float) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise Unclean("The number is not finite; send a number or null.")
    if not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise Unclean("The number is larger than 1e15; send it as text.")


def _shown(key: str) -> str:
    """Return a key as a message may show it."""
    return _SURROGATE.sub("\ufffd", key.replace("\x00", "\\u0000"))[:60]


def _refuse_depth(raw: bytes) -> None:
    """Refuse depth before the decoder meets it, because it recurses: quickly when the brackets alone pair off."""
    marks = raw.translate(None, _BRACKETS)
    for _ in range(MAX_DEPTH):
        marks = marks.replace(b"[]", b"").replace(b"{}", b"")
    if marks:  # deep, broken, or with brackets in its texts
        _count_depth(raw)


def _count_depth(raw: bytes) -> None:
    """Count brackets outside strings."""
    depth = 0
    for part in re.finditer(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', raw):
        mark = part[0]
        if mark in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Unclean(_TOO_DEEP)
        elif mark in b"]}":
            depth -= 1


def _integer(text: str) -> int:
    """Read a whole number; one that is far too large becomes one that is just too large, for the check to name."""
    return int(text) if len(text) <= 17 else MAX_NUMBER * 10


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    keys = [key for key, _ in pairs]
    twice = _Twice(result)
    twice.key = next(key for key in keys if keys.count(key) > 1)
    return twice
