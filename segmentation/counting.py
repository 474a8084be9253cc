"""From a Counted measure to SQL: whom it picks, and how the number that was measured is compared."""

from decimal import Decimal
from typing import Any

from segmentation.comparisons import compare_counts, compare_numbers
from segmentation.measures import Counted, Picked, Scene
from segmentation.sql import Sql, both, sql

COUNT = "count(*)"


def holds_at_zero(operator: str, value: Any) -> bool:
    if operator == "between":
        return bool(value[0] <= 0 <= value[1])
    zero = Decimal(0)
    answers = {
        "=": zero == value,
        ">": zero > value,
        ">=": zero >= value,
        "<": zero < value,
        "<=": zero <= value,
    }
    return bool(answers[operator])


def picked(counted: Counted, scene: Scene, *, events: Sql | None = None) -> Picked:
    """Turn an aggregate into the contacts it picks: those for whom it holds or, where nothing satisfies it, fails."""
    table = events or Sql("contacts_event")
    zone = Sql(" JOIN contacts_contact z ON z.id = e.contact_id") if counted.zoned else Sql("")
    where = both(sql("e.name_id = {name}", name=counted.name_id), counted.window, counted.filter)
    select = sql(
        "SELECT e.contact_id FROM {table} e{zone} WHERE {where}{scope}",
        table=table,
        zone=zone,
        where=where,
        scope=scene.scope("e.contact_id"),
    )
    if not counted.exists and not _none_is_asked(counted):
        select = sql("{select} GROUP BY e.contact_id HAVING {holds}", select=select, holds=_having(counted))
    return Picked(select=select, complement=counted.complement != counted.zero)


def _none_is_asked(counted: Counted) -> bool:
    """Tell whether one event is enough to fail: then nothing needs to be counted up."""
    none = (("=", 0), ("<=", 0), ("<", 1))
    return counted.aggregate.text == COUNT and (counted.operator, counted.value) in none


def _having(counted: Counted) -> Sql:
    holds = compared(counted, counted.aggregate)
    return sql("({holds}) IS NOT TRUE", holds=holds) if counted.zero else holds


def compared(counted: Counted, measured: Sql) -> Sql:
    """Compare the number that was measured."""
    number = sql("coalesce({x}, 0)", x=measured) if counted.over_nothing else measured
    if counted.aggregate.text == COUNT:
        return compare_counts(number, counted.operator, counted.value)
    return compare_numbers(number, counted.operator, counted.value)
