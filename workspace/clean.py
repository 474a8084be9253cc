"""The clean-JSON gate: what may come in as a document at any door, refused with the path of the fault otherwise."""

import json
import math
import re
from typing import Any, NoReturn

MAX_DEPTH = 32
MAX_KEYS = 512
MAX_KEY_LENGTH = 128
MAX_NUMBER = 10**15
_SURROGATE = re.compile("[\ud800-\udfff]")


class Unclean(Exception):
    """A document that cannot be taken in; says where and why, and which HTTP status says so."""

    def __init__(self, message: str, path: str = "", status: int = 400) -> None:
        self.message = message
        self.path = path
        self.status = status
        super().__init__(f"{path}: {message}" if path else message)


def read(raw: bytes, *, limit: int) -> Any:
    """Decode bytes to a clean JSON value; raise Unclean when too large, too deep, ambiguous or unstorable."""
    if len(raw) > limit:
        raise Unclean(f"The body is {len(raw):,} bytes; at most {limit:,} are taken.", status=413)
    if not raw.strip():
        raise Unclean("The body is empty; send a JSON document.")
    _refuse_depth(raw)
    try:
        value = json.loads(
            raw.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_object, parse_int=_integer
        )
    except UnicodeDecodeError as error:
        raise Unclean(f"The body is not UTF-8 (byte {error.start}).") from error
    except json.JSONDecodeError as error:
        raise Unclean(f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from error
    return check(value)


def check(value: Any, path: str = "") -> Any:
    """Return the value when PostgreSQL can hold all of it; raise Unclean with the path of the first fault otherwise."""
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, float):
        _check_float(value, path)
    elif isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > MAX_NUMBER:
            raise Unclean("The number is larger than 1e15; send it as text.", path)
    elif isinstance(value, dict):
        _check_object(value, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check(item, f"{path}[{index}]")
    return value


def _check_object(value: dict[str, Any], path: str) -> None:
    if path.count(".") + path.count("[") > MAX_DEPTH:
        raise Unclean(f"The document is nested deeper than {MAX_DEPTH} levels.", path)
    if len(value) > MAX_KEYS:
        raise Unclean(f"An object has {len(value)} keys; at most {MAX_KEYS} are taken.", path)
    for key, item in value.items():
        inner = f"{path}.{key}" if path else key
        if len(key) > MAX_KEY_LENGTH:
            raise Unclean(f"A key is {len(key)} characters long; at most {MAX_KEY_LENGTH} are taken.", inner[:200])
        _check_text(key, inner)
        check(item, inner)


def _check_text(value: str, path: str) -> None:
    if "\x00" in value:
        raise Unclean("The text has a NUL character; remove it.", path.replace("\x00", "\\u0000"))
    if _SURROGATE.search(value):
        raise Unclean("The text has half of a surrogate pair; send whole characters.", _SURROGATE.sub("\ufffd", path))


def _check_float(value: float, path: str) -> None:
    if not math.isfinite(value):
        raise Unclean("The number is not finite; send a number or null.", path)
    if abs(value) > MAX_NUMBER:
        raise Unclean("The number is larger than 1e15; send it as text.", path)


def _refuse_depth(raw: bytes) -> None:
    """Count brackets outside strings before the decoder meets them, because it recurses."""
    depth = 0
    for part in re.finditer(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', raw):
        mark = part[0]
        if mark in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Unclean(f"The document is nested deeper than {MAX_DEPTH} levels.")
        elif mark in b"]}":
            depth -= 1


def _refuse_constant(name: str) -> NoReturn:
    raise Unclean(f"{name} is not a JSON number; send a number or null.")


def _integer(text: str) -> int:
    if len(text) > 17:
        raise Unclean("A whole number is larger than 1e15; send it as text.")
    return int(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Unclean(f'The key "{twice[:60]}" stands twice in one object.')
    return result
