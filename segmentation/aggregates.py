"""How events are counted up and what may come after them, as criteria write it."""

import re
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from contacts.labels import name_of, speaking
from segmentation.filters import Comparison, Filter
from segmentation.filters import Group as FilterGroup
from segmentation.operators import ask
from segmentation.wording import NEEDED, comparison_words, joined, quote
from workspace.durations import Duration
from workspace.problems import Fault

STRICT = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, strict=True)
Function = Literal["count", "sum", "avg", "min", "max", "distinct", "days"]
OF_A_PROPERTY = ("sum", "avg", "min", "max", "distinct")
MEASURES = {
    "sum": "the sum of",
    "avg": "the average",
    "min": "the smallest",
    "max": "the largest",
    "distinct": "the number of different",
}
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

    @property
    def once(self) -> bool:
        """Tell whether it asks for nothing but that there is one."""
        return (self.function, self.operator, str(self.value)) == ("count", ">=", "1")

    @property
    def never(self) -> bool:
        """Tell whether it asks that there is none."""
        return (self.function, self.operator, str(self.value)) == ("count", "=", "0")

    def of_words(self) -> str:
        """Say what is measured of a property."""
        return f"{MEASURES[self.function]} {self.property_name}"

    def is_words(self) -> str:
        """Say what the measure is compared with."""
        return comparison_words("", self.operator, self.value, None).strip()

    def often_words(self) -> str:
        """Say how often, or on how many days: "at least 4 times"; nothing where once is enough, or never is asked."""
        if self.once or self.never:
            return ""
        between = f"{quote(self.value[0])} to {quote(self.value[1])}" if self.operator == "between" else ""
        what = between or NEEDED[self.operator].format(quote(self.value))
        if self.function == "days":
            return f" on {what} different days"
        return f" {what.removesuffix(' 1')} once" if what.endswith(" 1") and not between else f" {what} times"


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
        which = f" where {filter_words(self.where, self.event_name)}" if self.where else ""
        same = f" with the same {self.same_property}" if self.same_property else ""
        soon = f" within {self.step.words()}" if self.step else ""
        return f"{'not ' if self.negate else ''}followed by {quote(self.event_name)}{same}{which}{soon}"


def filter_words(one: FilterGroup | Comparison, event: str) -> str:
    """Say a filter on the events of a name in English."""
    if isinstance(one, Comparison):
        value = _named(one.property_name, one.value) if MESSAGES.match(event) else one.value
        said = comparison_words(one.property_name, one.operator, value, one.case_sensitive)
    else:
        said = joined(one.operator, [filter_words(inner, event) for inner in one.conditions])
        said = said if speaking() and len(one.conditions) == 1 else f"({said})"
    return f"not {said}" if one.negate else said


MESSAGES = re.compile(r"(Email|SMS|WhatsApp|Push|On-site|Unsubscribed)\b")  # what comes back of our own messages
NAMED = ("template", "flow", "topic")  # properties of theirs that are slugs


def _named(property_name: str, value: Any) -> Any:
    """Call what a property of a message names by slug by its name."""
    if property_name not in NAMED:
        return value
    if isinstance(value, list):
        return [_named(property_name, one) for one in value]
    return name_of(property_name, value) if isinstance(value, str) else value
