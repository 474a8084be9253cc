"""The types of values: learned from what arrives, and converted to where a person declared one."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from contacts.instants import is_date, is_datetime, read_instant
from contacts.models import AttributeType

MAX_PATH = 128
MAX_LEVELS = 4
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?\Z")


def type_of_value(value: Any) -> str | None:
    """Return the type a value speaks for, or None for null and objects."""
    if isinstance(value, bool):
        return AttributeType.BOOLEAN.value
    if isinstance(value, int | float):
        return AttributeType.NUMBER.value
    if isinstance(value, list):
        return AttributeType.LIST.value
    if not isinstance(value, str) or not value:
        return None
    if value[:1].isdigit() and value[4:5] == "-":
        if is_date(value):
            return AttributeType.DATE.value
        if is_datetime(value):
            return AttributeType.DATETIME.value
    return AttributeType.TEXT.value


def leaves(attributes: Mapping[str, Any], prefix: str = "", level: int = 1) -> Iterator[tuple[str, str]]:
    """Yield path and type of every value in an object, down to a few levels."""
    for key, value in attributes.items():
        path = f"{prefix}{key}"
        if not key or "." in key or len(path) > MAX_PATH:
            continue
        if isinstance(value, dict):
            if level < MAX_LEVELS:
                yield from leaves(value, f"{path}.", level + 1)
        elif kind := type_of_value(value):
            yield path, kind


def as_type(value: Any, declared: str | None) -> Any:
    """Return a value as its declared type when it reads exactly so; anything else is kept as it came."""
    if not isinstance(value, str) or declared is None:
        return value
    if declared == AttributeType.NUMBER and _NUMBER.match(value):
        return float(value) if "." in value else int(value)
    if declared == AttributeType.BOOLEAN and value in ("true", "false"):
        return value == "true"
    return value


def moment_of(value: Any) -> datetime | None:
    """Return the instant by which a date attribute is found: of a date its midnight in UTC."""
    if isinstance(value, str) and is_date(value):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return read_instant(value)
