"""How a stored value is read as a type: a value of another type reads as NULL, which is no value, never an error."""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from segmentation.sql import FALSE, Sql, sql
from segmentation.times import STORED_DAY, STORED_INSTANT


class Reading:
    """A value that comparisons may be made of; what a kind of value cannot be read as stays NULL."""

    def __init__(self, zone: Sql) -> None:
        self.zone = zone  # of the contact, else of the house

    null = FALSE
    text = number = boolean = instant = day = Sql("NULL")
    folded = False  # text is compared without regard to case unless the criteria say otherwise

    def same(self, value: Any) -> Sql:
        """Compare with one text, number or boolean, exactly."""
        raise NotImplementedError

    def one_of(self, values: Iterable[Any]) -> Sql:
        """Compare with many texts or numbers, exactly."""
        raise NotImplementedError

    def items(self) -> Sql:
        """Give the elements of a list as a jsonb array, empty when it is none."""
        return Sql("'[]'::jsonb")


class Stored(Reading):
    """A value inside a JSON document: an attribute of one's own, or a property of an event."""

    def __init__(self, document: Sql, zone: Sql, *, promoted: Sql | None = None, lenient: bool = True) -> None:
        super().__init__(zone)
        self.document = document
        self.promoted = promoted  # a column that holds exactly the number that stands in the document
        self.lenient = lenient  # whether an instant also counts where a day is asked for

    @property
    def null(self) -> Sql:  # type: ignore[override]
        return sql("({j} IS NULL OR {j} IN ('null'::jsonb, '\"\"'::jsonb))", j=self.document)

    @property
    def text(self) -> Sql:  # type: ignore[override]
        return sql("(CASE WHEN jsonb_typeof({j}) = 'string' THEN nullif({j} #>> '{{}}', '') END)", j=self.document)

    @property
    def number(self) -> Sql:  # type: ignore[override]
        if self.promoted is not None:
            return self.promoted
        return sql("(CASE WHEN jsonb_typeof({j}) = 'number' THEN {j}::numeric END)", j=self.document)

    @property
    def instant(self) -> Sql:  # type: ignore[override]
        return sql("(CASE WHEN {t} ~ {shape} THEN {t}::timestamptz END)", t=self.text, shape=STORED_INSTANT)

    @property
    def day(self) -> Sql:  # type: ignore[override]
        day = sql("WHEN {t} ~ {shape} THEN {t}::date", t=self.text, shape=STORED_DAY)
        if not self.lenient:
            return sql("(CASE {day} END)", day=day)
        instant = sql("({t}::timestamptz AT TIME ZONE {zone})::date", t=self.text, zone=self.zone)
        return sql(
            "(CASE {day} WHEN {t} ~ {shape} THEN {instant} END)",
            day=day,
            t=self.text,
            shape=STORED_INSTANT,
            instant=instant,
        )

    def same(self, value: Any) -> Sql:
        if self.promoted is not None and isinstance(value, Decimal):
            return sql("{n} = {v}::numeric", n=self.promoted, v=value)
        return sql("{j} = {v}::text::jsonb", j=self.document, v=as_json(value))

    def one_of(self, values: Iterable[Any]) -> Sql:
        return sql("{j} = ANY({v}::text[]::jsonb[])", j=self.document, v=[as_json(value) for value in values])

    def items(self) -> Sql:
        return sql("(CASE WHEN jsonb_typeof({j}) = 'array' THEN {j} ELSE '[]'::jsonb END)", j=self.document)


class TextColumn(Reading):
    """A standard property of text, "" when there is none."""

    def __init__(self, column: Sql, zone: Sql, *, folded: bool) -> None:
        super().__init__(zone)
        self.text = column
        self.folded = folded

    @property
    def null(self) -> Sql:  # type: ignore[override]
        return sql("{c} = ''", c=self.text)

    def same(self, value: Any) -> Sql:
        return sql("{c} = {v}::text", c=self.text, v=value)

    def one_of(self, values: Iterable[Any]) -> Sql:
        return sql("{c} = ANY({v}::text[])", c=self.text, v=list(values))


class InstantColumn(Reading):
    """A standard property that is an instant."""

    def __init__(self, column: Sql, zone: Sql) -> None:
        super().__init__(zone)
        self.instant = column

    @property
    def null(self) -> Sql:  # type: ignore[override]
        return sql("{c} IS NULL", c=self.instant)

    @property
    def day(self) -> Sql:  # type: ignore[override]
        return sql("({c} AT TIME ZONE {zone})::date", c=self.instant, zone=self.zone)


def as_json(value: Any) -> str:
    """Write a text, number or boolean as JSON, numbers to the digit."""
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)
