"""Filters on the properties of events: groups of comparisons whose paths may cross one array."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StrictBool, Tag

from segmentation.comparisons import compare
from segmentation.operators import COMPLEMENTS, ask
from segmentation.readings import Stored
from segmentation.sql import FALSE, TRUE, Sql, join, sql
from workspace.problems import Fault

ARRAY = "[]"


@dataclass(frozen=True)
class Properties:
    """Where the properties stand: the event's SQL name, the zone, and which number has a column of its own."""

    event: str
    zone: Sql
    promoted: str
    at: datetime

    def reading(self, path: str) -> Stored:
        """Read the value at a path outside arrays."""
        promoted = Sql(f"{self.event}.value") if path == self.promoted else None
        return Stored(Sql(f"{self.event}.properties"), path.split("."), self.zone, promoted=promoted)


class Comparison(BaseModel):
    """Compares a property of the event."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, strict=True)

    property_name: str = Field(alias="propertyName", min_length=1, max_length=300)
    operator: str = Field(max_length=30)
    value: Any = None
    case_sensitive: StrictBool | None = Field(None, alias="caseSensitive")
    negate: StrictBool = False

    @property
    def array(self) -> str | None:
        """Return the path of the array that it crosses."""
        before, mark, _ = self.property_name.partition(ARRAY)
        return before if mark else None

    def where(self, properties: Properties, element: Sql | None = None) -> Sql:
        """Render it, inside an element of its array when one is given."""
        try:
            asked = ask(self.operator, self.value, None)
        except ValueError:  # what a trigger carried does not fit, or is not known
            return TRUE if self.operator in COMPLEMENTS else FALSE
        if element is None:
            reading = properties.reading(self.property_name)
        else:
            inner = self.property_name.partition(ARRAY)[2].removeprefix(".")
            reading = Stored(element, inner.split(".") if inner else (), properties.zone)
        answer = compare(reading, asked, properties.at, case=self.case_sensitive)
        return sql("({x}) IS NOT TRUE", x=answer) if asked.complement else answer


class Group(BaseModel):
    """Comparisons and groups of them, joined by AND or OR."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, strict=True)

    operator: Literal["AND", "OR"]
    conditions: list["Filter"] = Field(min_length=1)
    negate: StrictBool = False

    def where(self, properties: Properties) -> Sql:
        """Render it: what crosses the same array, groups too, must hold of one element together."""
        together: dict[str, list[Comparison | Group]] = {}
        parts = []
        for one in self.conditions:
            if (array := crossed_by(one)) is not None:
                together.setdefault(array, []).append(one)
            else:
                parts.append(render(one, properties))
        parts += [_element(path, every, self.operator, properties) for path, every in together.items()]
        return sql("({parts})", parts=join(f" {self.operator} ", parts))


Filter = Annotated[
    Union[Annotated[Group, Tag("group")], Annotated[Comparison, Tag("comparison")]],  # noqa: UP007 - recursive
    Discriminator(
        lambda value: (
            "group"
            if (isinstance(value, Group) or (isinstance(value, dict) and "conditions" in value))
            else "comparison"
        )
    ),
]
Group.model_rebuild()


def crossed_by(one: "Group | Comparison") -> str | None:
    """Return the array that a whole filter crosses; None when it crosses none or several, or something in it is negated."""
    if one.negate:
        return None
    if isinstance(one, Comparison):
        return one.array
    arrays = {crossed_by(inner) for inner in one.conditions}
    return arrays.pop() if len(arrays) == 1 else None


def render(one: "Group | Comparison", properties: Properties) -> Sql:
    """Render a filter with its `negate`."""
    if isinstance(one, Group):
        answer = one.where(properties)
    elif one.array is not None:
        answer = _element(one.array, [one], "AND", properties)
    else:
        answer = one.where(properties)
    return sql("({x}) IS NOT TRUE", x=answer) if one.negate else answer


def _element(path: str, every: Sequence["Comparison | Group"], operator: str, properties: Properties) -> Sql:
    items = properties.reading(path).items()
    holds = join(f" {operator} ", [_of_element(one, properties) for one in every])
    return sql(
        "EXISTS (SELECT 1 FROM jsonb_array_elements({items}) AS i(item) WHERE {holds})", items=items, holds=holds
    )


def _of_element(one: "Group | Comparison", properties: Properties) -> Sql:
    if isinstance(one, Comparison):
        return one.where(properties, Sql("i.item"))
    return sql(
        "({parts})", parts=join(f" {one.operator} ", [_of_element(inner, properties) for inner in one.conditions])
    )


def comparisons(one: "Group | Comparison", path: str) -> Iterator[tuple[Comparison, str]]:
    """Yield every comparison of a filter with its path in the document."""
    if isinstance(one, Comparison):
        yield one, path
        return
    for index, inner in enumerate(one.conditions):
        yield from comparisons(inner, f"{path}.conditions[{index}]")


def values_at(properties: Any, path: str) -> Iterator[Any]:
    """Yield what stands at a path of an event's properties: one value, or one for each element of its array."""
    before, mark, after = path.partition(ARRAY)
    found = properties
    for key in before.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    if not mark:
        yield found
        return
    for element in found if isinstance(found, list) else ():
        inner = after.removeprefix(".")
        yield from values_at(element, inner) if inner else (element,)


def put_in(one: "Group | Comparison", value: Callable[[Any], Any]) -> "Group | Comparison":
    """Return a filter with each of its values replaced."""
    if isinstance(one, Group):
        return one.model_copy(update={"conditions": [put_in(inner, value) for inner in one.conditions]})
    return one.model_copy(update={"value": value(one.value)})


def path_faults(one: Comparison, path: str) -> Iterator[Fault]:
    """Yield what is wrong with the path of a comparison."""
    if one.property_name.count(ARRAY) > 1:
        yield Fault(f"{path}.propertyName", "A path may cross one array, such as products[].price.")
    before, mark, after = one.property_name.partition(ARRAY)
    if mark and (not before or (after and not after.startswith("."))):
        yield Fault(f"{path}.propertyName", "Write a path through an array as products[].price or tags[].")
