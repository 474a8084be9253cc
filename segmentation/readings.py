"""How a stored value is read as a type: a value of another type reads as NULL, which is no value, never an error."""

import json
from collections.abc import Iterable, Sequence
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

    def ordered(self, test: str) -> Sql | None:
        """Compare a number inside a document by a path's test ("$ > 5"); None where the number has a column."""
        return None

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

    def __init__(
        self, root: Sql, keys: Sequence[str], zone: Sql, *, promoted: Sql | None = None, lenient: bool = True
    ) -> None:
        super().__init__(zone)
        self.root = root
        self.keys = keys
        self.document = walk(root, keys)
        self.promoted = promoted  # a column that holds exactly the number that stands in the document
        self.lenient = lenient  # whether an instant also counts where a day is asked for

    @property
    def raw(self) -> Sql:
        """Write the value out, whatever its type; JSON's null and nothing at all are NULL."""
        if not self.keys:
            return sql("({j} #>> '{{}}')", j=self.document)
        return sql("({parent} ->> {key}::text)", parent=walk(self.root, self.keys[:-1]), key=self.keys[-1])

    @property
    def null(self) -> Sql:  # type: ignore[override]
        return sql("(coalesce({raw}, '') = '')", raw=self.raw)

    @property
    def text(self) -> Sql:  # type: ignore[override]
        return sql("(CASE WHEN jsonb_typeof({j}) = 'string' THEN nullif({raw}, '') END)", j=self.document, raw=self.raw)

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
        if isinstance(value, str):
            return self._text_and("{raw} = {v}::text", value, [value])
        return sql("{j} = {v}::text::jsonb", j=self.document, v=as_json(value))

    def one_of(self, values: Iterable[Any]) -> Sql:
        every = list(values)
        if all(isinstance(value, str) for value in every):
            return self._text_and("{raw} = ANY({v}::text[])", every, every)
        return sql("{j} = ANY({v}::text[]::jsonb[])", j=self.document, v=[as_json(value) for value in every])

    def _text_and(self, template: str, value: Any, every: Iterable[str]) -> Sql:
        """Compare what is written out, and look at its type where another type may be written the same."""
        plain = not any(map(_may_be_json, every))
        is_text = sql("({plain}::bool OR jsonb_typeof({j}) = 'string')", plain=plain, j=self.document)
        return sql(f"({template} AND {{is_text}})", raw=self.raw, v=value, is_text=is_text)

    def ordered(self, test: str) -> Sql | None:
        if self.promoted is not None:
            return None
        here = "".join(f".{json.dumps(key, ensure_ascii=False)}" for key in self.keys)
        # The path goes down to the number by itself, twice as fast as taking the value out and casting it.
        return sql("({root} @@ {path}::text::jsonpath)", root=self.root, path=f"strict {test.replace('$', f'${here}')}")

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


def walk(document: Sql, keys: Sequence[str]) -> Sql:
    """Go down a path of keys."""
    for key in keys:
        document = sql("({document} -> {key}::text)", document=document, key=key)
    return document


def _may_be_json(value: str) -> bool:
    """Tell whether another JSON value may be written out like this text, as the number 42 is like "42"."""
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def as_json(value: Any) -> str:
    """Write a text, number or boolean as JSON, numbers to the digit."""
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)
