"""Which stored dates come into or go out of a relative comparison while time passes from one instant to another."""

from datetime import datetime, timedelta

from contacts.models import AttributeType as T
from segmentation.comparisons import interval, local_day
from segmentation.operators import Asked
from segmentation.readings import Reading
from segmentation.sql import FALSE, Sql, sql
from segmentation.times import a_day_may_turn, swept

RELATIVE = ("in_last", "in_next", "anniversary_in_last", "anniversary_in_next")


def moves(asked: Asked) -> bool:
    """Tell whether time alone can change the answer of a comparison."""
    return asked.operator in RELATIVE


def crossed(reading: Reading, asked: Asked, since: datetime, until: datetime) -> Sql:
    """Render a condition that holds at least for the values whose answer changed on the way from `since` to `until`."""
    if asked.type == T.DATETIME and not asked.operator.startswith("anniversary"):
        return _instants(reading.instant, asked, since, until)
    if not a_day_may_turn(since, until):
        return FALSE
    if asked.operator.startswith("anniversary"):
        return _anniversaries(reading, asked, since, until)
    return _days(reading.day, asked, local_day(since, reading.zone), local_day(until, reading.zone))


def _instants(instant: Sql, asked: Asked, since: datetime, until: datetime) -> Sql:
    low, high = swept(asked.value, since, until, ahead=asked.operator == "in_next")
    return sql(
        "(({x} > {low}::timestamptz AND {x} <= {high}::timestamptz) OR ({x} > {since}::timestamptz AND {x} <= {until}::timestamptz))",
        x=instant,
        low=low,
        high=high,
        since=since,
        until=until,
    )


def _days(day: Sql, asked: Asked, since: Sql, until: Sql) -> Sql:
    sign = "-" if asked.operator.endswith("in_last") else "+"
    return sql(
        f"(({{d}} > ({{since}} {sign} {{step}}::interval)::date AND {{d}} <= ({{until}} {sign} {{step}}::interval)::date)"
        " OR ({d} > {since} AND {d} <= {until}))",
        d=day,
        since=since,
        until=until,
        step=interval(asked.value),
    )


def _anniversaries(reading: Reading, asked: Asked, since: datetime, until: datetime) -> Sql:
    if until - since > timedelta(days=180):
        return sql("{day} IS NOT NULL", day=reading.day)
    return sql(
        "EXISTS (SELECT 1 FROM (SELECT {day} AS day, {since} AS since, {until} AS until) v, generate_series(-1, 1) AS k,"
        " LATERAL (SELECT (v.day + make_interval(years => (extract(year FROM v.until) - extract(year FROM v.day))::int + k))::date AS day) a"
        " WHERE {crossed})",
        day=reading.day,
        since=local_day(since, reading.zone),
        until=local_day(until, reading.zone),
        crossed=_days(Sql("a.day"), asked, Sql("v.since"), Sql("v.until")),
    )
