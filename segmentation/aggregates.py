"""How events are counted up and what may come after them, as criteria write it."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from segmentation.filters import Comparison, Filter
from segmentation.filters import Group as FilterGroup
from segmentation.operators import ask
from segmentation.wording import comparison_words, joined, quote
from workspace.durations import Duration
from workspace.problems import Fault

STRICT = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, strict=True)
Function = Literal["count", "sum", "avg", "min", "max", "distinct", "days"]
OF_A_PROPERTY = ("sum", "avg", "min", "max", "distinct")
OVER_NOTHING_ZERO = ("count", "sum", "distinct", "days")


class Aggregate(BaseModel):
    """How the events are counted up, and what the number is compared with."""

    model_config = STRICT

    function: Function = "count"
    property_name: str | None = Field(None, alias="propertyName", min_length=1, max_length=300)
    operator: Literal["=", "!=", ">", ">=", "<", "<=", "between"] = ">="
    value: Any = 1

    def faults(self, path: str) -> Iterator[Fault]:
        """Yield what is wrong with it."""
        if (self.function in OF_A_PROPERTY) != (self.property_name is not None):
            needs = "needs the propertyName it is of" if self.function in OF_A_PROPERTY else "takes no propertyName"
            yield Fault(f"{path}.propertyName", f"{self.function} {needs}.")
        elif self.property_name and "[]" in self.property_name:
            yield Fault(f"{path}.propertyName", "An aggregate is of a property outside arrays.")
        try:
            ask(self.operator, self.value, "number")
        except ValueError as error:
            yield Fault(f"{path}.value", str(error))

    def words(self) -> str:
        """Say it in English."""
        of = f" of {self.property_name}" if self.property_name else ""
        return f"{self.function}{of} {comparison_words('', self.operator, self.value, None).strip()}"


class FollowedBy(BaseModel):
    """Another event that came (or did not come) after."""

    model_config = STRICT

    event_name: str = Field(alias="eventName", min_length=1, max_length=200)
    where: Filter | None = None
    within: str | None = None
    negate: StrictBool = False
    same_property: str | None = Field(None, alias="sameProperty", min_length=1, max_length=300)

    @property
    def step(self) -> Duration | None:
        """Return how soon after."""
        return Duration.parse(self.within) if self.within else None

    def words(self) -> str:
        """Say it in English."""
        which = f" where {filter_words(self.where)}" if self.where else ""
        same = f" with the same {self.same_property}" if self.same_property else ""
        soon = f" within {self.step.words()}" if self.step else ""
        return f"{'not ' if self.negate else ''}followed by {quote(self.event_name)}{same}{which}{soon}"


def filter_words(one: FilterGroup | Comparison) -> str:
    """Say a filter in English."""
    if isinstance(one, Comparison):
        said = comparison_words(one.property_name, one.operator, one.value, one.case_sensitive)
    else:
        said = f"({joined(one.operator, [filter_words(inner) for inner in one.conditions])})"
    return f"not {said}" if one.negate else said
