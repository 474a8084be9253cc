"""Which operators each type takes, what their values must be, and which of them are complements of others."""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contacts.models import AttributeType as T
from segmentation.times import WRITE_A_DAY, is_day, read_moment
from workspace.durations import Duration

MAX_IN = 10_000
MAX_TEXT = 5_000
COMPLEMENTS = {
    "!=": "=",
    "not_contains": "contains",
    "not_in": "in",
    "is_not_null": "is_null",
    "not_in_last": "in_last",
    "contains_none": "contains_any",
}
NULLS = ("is_null", "is_not_null")
_TEXT = ("=", "!=", "contains", "not_contains", "starts_with", "ends_with", "in", "not_in", "matches")
_NUMBER = ("=", "!=", ">", ">=", "<", "<=", "between", "in", "not_in")
_RELATIVE = ("in_last", "not_in_last", "in_next", "anniversary_in_next", "anniversary_in_last")
_DATE = ("before", "after", "on", "between", *_RELATIVE, "=", "!=", ">", ">=", "<", "<=")
_LIST = ("contains_any", "contains_all", "contains_none", "contains")
OPERATORS: dict[str, tuple[str, ...]] = {
    T.TEXT: _TEXT,
    T.NUMBER: _NUMBER,
    T.BOOLEAN: ("=", "!="),
    T.DATE: _DATE,
    T.DATETIME: _DATE,
    T.LIST: _LIST,
}
EVERY_OPERATOR = tuple(dict.fromkeys((*NULLS, *_TEXT, *_NUMBER, *_DATE, *_LIST)))


@dataclass(frozen=True, slots=True)
class Asked:
    """A comparison ready to be made: of which type, by which operator, with which value, and whether its complement."""

    type: str
    operator: str
    value: Any
    complement: bool


def ask(operator: str, value: Any, declared: str | None) -> Asked:
    """Make a comparison of what was written; raise ValueError with a sentence when it does not fit the type."""
    if operator not in EVERY_OPERATOR:
        raise ValueError(f'There is no operator "{operator[:40]}". Use one of {", ".join(EVERY_OPERATOR)}.')
    if operator in NULLS:
        if value is not None:
            raise ValueError(f"{operator} takes no value; leave it out.")
        return Asked(declared or T.TEXT, "is_null", None, operator != "is_null")
    if value is None:
        raise ValueError(f'{operator} needs a value. To ask for no value use "is_null".')
    kind = declared or implied_type(operator, value)
    if operator not in OPERATORS[kind]:
        raise ValueError(f"{operator} does not fit a {kind}. It takes {', '.join((*OPERATORS[kind], *NULLS))}.")
    return Asked(kind, COMPLEMENTS.get(operator, operator), _READ[kind](operator, value), operator in COMPLEMENTS)


def implied_type(operator: str, value: Any) -> str:
    """Return the type of a property nobody declared: the one its operator and value speak of."""
    if operator in ("contains_any", "contains_all", "contains_none"):
        return T.LIST
    if operator in ("in_last", "not_in_last", "in_next", "before", "after", "on"):
        return T.DATETIME
    if operator in ("anniversary_in_next", "anniversary_in_last"):
        return T.DATE
    first = value[0] if isinstance(value, list) and value else value
    if isinstance(first, bool):
        return T.BOOLEAN
    if isinstance(first, int | float):
        return T.NUMBER
    if operator in (">", ">=", "<", "<=", "between"):
        return T.DATETIME if isinstance(first, str) else T.NUMBER
    return T.TEXT


def read_number(value: Any) -> Decimal:
    """Read a finite number; raise ValueError with a sentence otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 10**15:
        raise ValueError(f"Write a number of at most 15 digits, not {_shown(value)}.")
    return Decimal(str(value))


def _shown(value: Any) -> str:
    return {"str": "a text", "bool": "true or false", "list": "a list", "dict": "an object"}.get(
        type(value).__name__, "this"
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"Write a text in quotes, not {_shown(value)}.")
    if not value:
        raise ValueError('The text is empty. To ask for no value use "is_null".')
    if len(value) > MAX_TEXT:
        raise ValueError(f"The text has {len(value)} characters; at most {MAX_TEXT} are taken.")
    return value


def _many(value: Any, read: Any) -> tuple[Any, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("Write a list with at least one value.")
    if len(value) > MAX_IN:
        raise ValueError(
            f"The list has {len(value):,} values; at most {MAX_IN:,} are taken. Use a list of contacts instead."
        )
    return tuple(read(item) for item in value)


def _pair(value: Any, read: Any) -> tuple[Any, Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("between takes [low, high], both included.")
    low, high = read(value[0]), read(value[1])
    if type(low) is not type(high):
        raise ValueError("Both ends of between must be days, or both instants.")
    if low > high:
        raise ValueError("between takes [low, high]: the first is larger than the second.")
    return low, high


def _read_text(operator: str, value: Any) -> Any:
    if operator in ("in", "not_in"):
        return _many(value, _text)
    return check_pattern(_text(value)) if operator == "matches" else _text(value)


def check_pattern(pattern: str) -> str:
    """Return a regular expression that may be tried; raise ValueError when it is long or of a costly kind."""
    if len(pattern) > 200:
        raise ValueError("A regular expression of more than 200 characters is not taken.")
    if any(mark in pattern for mark in ("(?=", "(?!", "(?<")) or pattern.startswith("***"):
        raise ValueError("Look-around and directors (***) are not taken in a regular expression.")
    escaped = False
    for mark in pattern:
        if escaped and mark in "123456789":
            raise ValueError("Back-references are not taken in a regular expression.")
        escaped = mark == "\\" and not escaped
    return pattern


def _read_number(operator: str, value: Any) -> Any:
    if operator in ("in", "not_in"):
        return _many(value, read_number)
    return _pair(value, read_number) if operator == "between" else read_number(value)


def _read_boolean(operator: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"Write true or false, not {_shown(value)}.")
    return value


def _read_datetime(operator: str, value: Any) -> Any:
    if operator in _RELATIVE:
        duration = Duration.parse(value)
        if operator.startswith("anniversary"):
            _refuse_short(duration)
            if duration.longest.days > 366:
                raise ValueError("Anniversaries come every year: use at most 1y.")
        return duration
    if operator == "between":
        return _pair(value, read_moment)
    moment = read_moment(value)
    if operator == "on" and not is_day(moment):
        raise ValueError(f"on takes a day. {WRITE_A_DAY}")
    return moment


def _read_date(operator: str, value: Any) -> Any:
    read = _read_datetime(operator, value)
    if isinstance(read, Duration):
        _refuse_short(read)
    elif not all(is_day(one) for one in (read if isinstance(read, tuple) else (read,))):
        raise ValueError(f"This is a date, without a time of day. {WRITE_A_DAY}")
    return read


def _refuse_short(duration: Duration) -> None:
    if duration.unit in ("s", "m", "h"):
        raise ValueError('Dates are compared by whole days: use a duration such as "7d", "4w", "1mo" or "1y".')


def _scalar(value: Any) -> Any:
    if isinstance(value, bool | str):
        return value
    return read_number(value)


def _read_list(operator: str, value: Any) -> tuple[Any, ...]:
    return (_scalar(value),) if operator == "contains" else _many(value, _scalar)


_READ: dict[str, Any] = {
    T.TEXT: _read_text,
    T.NUMBER: _read_number,
    T.BOOLEAN: _read_boolean,
    T.DATE: _read_date,
    T.DATETIME: _read_datetime,
    T.LIST: _read_list,
}
