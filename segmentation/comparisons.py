"""The closed map from operators to SQL: what is asked of a reading, as fixed text with parameters."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from contacts.models import AttributeType as T
from segmentation.operators import Asked
from segmentation.readings import Reading, as_json
from segmentation.sql import Sql, sql
from segmentation.times import is_day
from workspace.durations import Duration

_ORDER = {"=": "=", ">": ">", ">=": ">=", "<": "<", "<=": "<=", "before": "<", "after": ">", "on": "="}

MOST = 2**62  # what a bigint surely holds


def compare(reading: Reading, asked: Asked, at: datetime, *, case: bool | None = None) -> Sql:
    """Render the positive comparison; NULL counts as no. `case` says whether case matters (None: as the property is)."""
    if asked.operator == "is_null":
        return reading.null
    exact = not reading.folded if case is None else case
    return _BY_TYPE[asked.type](reading, asked.operator, asked.value, at, exact)


def compare_numbers(measured: Sql, operator: str, value: Any) -> Sql:
    """Render the comparison of a number that was measured."""
    if operator == "between":
        return sql("{x} BETWEEN {low}::numeric AND {high}::numeric", x=measured, low=value[0], high=value[1])
    return sql(f"{{x}} {_ORDER[operator]} {{v}}::numeric", x=measured, v=value)


def compare_counts(measured: Sql, operator: str, value: Any) -> Sql:
    """Render the comparison of a whole number; as whole numbers where that is what it is compared with."""
    every = value if operator == "between" else (value,)
    if all(one == one.to_integral_value() and abs(one) < MOST for one in every):
        whole = [int(one) for one in every]
        if operator == "between":
            return sql("{x} BETWEEN {low}::bigint AND {high}::bigint", x=measured, low=whole[0], high=whole[1])
        return sql(f"{{x}} {_ORDER[operator]} {{v}}::bigint", x=measured, v=whole[0])
    return compare_numbers(measured, operator, value)


def _text(reading: Reading, operator: str, value: Any, at: datetime, exact: bool) -> Sql:
    if operator == "matches":
        tilde = "~" if exact else "~*"
        return sql(f"nullif({{x}}, '') {tilde} {{v}}::text", x=reading.text, v=value)
    if operator == "in":
        if exact:
            return reading.one_of(value)
        folded = sql("ARRAY(SELECT lower(v) FROM unnest({v}::text[]) AS v)", v=list(value))
        return sql("lower({x}) = ANY({v})", x=reading.text, v=folded)
    if operator == "=" and exact:
        return reading.same(value)
    x, v = reading.text, sql("{v}::text", v=value)
    if not exact:
        x, v = sql("lower({x})", x=x), sql("lower({v})", v=v)
    return sql(_TEXT[operator], x=x, v=v, raw=reading.text)


_TEXT = {
    "=": "({x} = {v} AND {raw} <> '')",  # the second half lets the partial index on addresses serve
    "contains": "strpos({x}, {v}) > 0",
    "starts_with": "starts_with({x}, {v})",
    "ends_with": "right({x}, length({v})) = {v}",
}


def _number(reading: Reading, operator: str, value: Any, at: datetime, exact: bool) -> Sql:
    if operator == "=":
        return reading.same(value)
    if operator == "in":
        return reading.one_of(value)
    if operator == "between":
        test = f"$ >= {as_json(value[0])} && $ <= {as_json(value[1])}"
    else:
        test = f"$ {_ORDER[operator]} {as_json(value)}"
    return reading.ordered(test) or compare_numbers(reading.number, operator, value)


def _boolean(reading: Reading, operator: str, value: Any, at: datetime, exact: bool) -> Sql:
    return reading.same(value)


def _datetime(reading: Reading, operator: str, value: Any, at: datetime, exact: bool) -> Sql:
    if operator in ("in_last", "in_next"):
        low, high = (value.before(at), at) if operator == "in_last" else (at, value.after(at))
        x = reading.instant
        return sql("({x} > {low}::timestamptz AND {x} <= {high}::timestamptz)", x=x, low=low, high=high)
    return _absolute(reading, operator, value, at)


def _date(reading: Reading, operator: str, value: Any, at: datetime, exact: bool) -> Sql:
    if operator in ("in_last", "in_next"):
        return _between_days(reading.day, operator, value, local_day(at, reading.zone))
    return _absolute(reading, operator, value, at)


def _absolute(reading: Reading, operator: str, value: Any, at: datetime) -> Sql:
    if operator.startswith("anniversary"):
        return _anniversary(reading, operator, value, at)
    low, high = value if operator == "between" else (value, value)
    x, cast = (reading.day, "date") if is_day(low) else (reading.instant, "timestamptz")
    if operator == "between":
        return sql(f"{{x}} BETWEEN {{low}}::{cast} AND {{high}}::{cast}", x=x, low=low, high=high)
    return sql(f"{{x}} {_ORDER[operator]} {{v}}::{cast}", x=x, v=low)


def local_day(at: datetime, zone: Sql) -> Sql:
    """Render the calendar day of an instant in a zone."""
    return sql("({at}::timestamptz AT TIME ZONE {zone})::date", at=at.astimezone(UTC), zone=zone)


def interval(step: Duration) -> str:
    """Write a duration as an interval of PostgreSQL."""
    return f"{step.count} {'months' if step.unit == 'mo' else 'years' if step.unit == 'y' else 'weeks' if step.unit == 'w' else 'days'}"


def _between_days(day: Sql, operator: str, step: Duration, today: Sql) -> Sql:
    """Say that a day is after (today - step) and not after today, or after today and not after (today + step)."""
    template = {
        "in_last": "({d} > ({today} - {step}::interval)::date AND {d} <= {today})",
        "in_next": "({d} > {today} AND {d} <= ({today} + {step}::interval)::date)",
    }[operator]
    return sql(template, d=day, today=today, step=interval(step))


def _anniversary(reading: Reading, operator: str, value: Any, at: datetime) -> Sql:
    """Say that a later year's return of a day is in the range; 29 February falls on 28 February in common years."""
    inside = _between_days(Sql("a.day"), operator.removeprefix("anniversary_"), value, Sql("v.today"))
    return sql(
        "EXISTS (SELECT 1 FROM (SELECT {day} AS day, {today} AS today) v, generate_series(-1, 1) AS k,"
        " LATERAL (SELECT (v.day + make_interval(years => (extract(year FROM v.today) - extract(year FROM v.day))::int + k))::date AS day) a"
        " WHERE a.day > v.day AND {inside})",
        day=reading.day,
        today=local_day(at, reading.zone),
        inside=inside,
    )


def _list(reading: Reading, operator: str, value: Any, at: datetime, exact: bool) -> Sql:
    encoded = [as_json(one) for one in value]
    if operator == "contains_all":
        return sql("{items} @> {every}::text::jsonb", items=reading.items(), every=f"[{', '.join(encoded)}]")
    return sql(
        "EXISTS (SELECT 1 FROM jsonb_array_elements({items}) AS i(item) WHERE i.item = ANY({v}::text[]::jsonb[]))",
        items=reading.items(),
        v=encoded,
    )


_BY_TYPE: dict[str, Callable[[Reading, str, Any, datetime, bool], Sql]] = {
    T.TEXT: _text,
    T.NUMBER: _number,
    T.BOOLEAN: _boolean,
    T.DATETIME: _datetime,
    T.DATE: _date,
    T.LIST: _list,
}
