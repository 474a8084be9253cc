"""What a scenario is: a criteria document with parameters that a person fills in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from segmentation.scenarios.blocks import Document
from workspace.durations import Duration
from workspace.problems import Fault, Refused
from workspace.purchases import PurchaseMapping

Kind = Literal["duration", "count", "amount", "choice"]
MOST = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One thing to fill in; an empty optional one leaves its condition out."""

    name: str
    label: str
    kind: Kind
    default: str
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    optional: bool = False
    quantile: Callable[[PurchaseMapping, str, Mapping[str, Any]], Document] | None = None  # what a quantile is of

    @property
    def by_share(self) -> bool:
        """Tell whether it may be said as a share of the workspace's own contacts ("top 20%")."""
        return self.quantile is not None

    def read(self, said: object) -> Any:
        """Return its value; raise ValueError with a sentence."""
        text = str(self.default if said is None else said).strip()
        if not text and self.optional:
            return None
        return READERS[self.kind](self, text)


def _duration(parameter: Parameter, text: str) -> str:
    Duration.parse(text)
    return text


def _count(parameter: Parameter, text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST:
        raise ValueError("Write a whole number from 1.")
    return int(text)


def _amount(parameter: Parameter, text: str) -> float | int:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or not 0 < value <= MOST:  # over no events a sum is 0: that would be everybody
        raise ValueError("Write an amount above 0, such as 250 or 99.50.")
    return int(value) if value == value.to_integral_value() else float(value)


def _choice(parameter: Parameter, text: str) -> str:
    if text not in dict(parameter.choices):
        raise ValueError(f"Choose one of {', '.join(name for name, _ in parameter.choices)}.")
    return text


READERS: dict[str, Callable[[Parameter, str], Any]] = {
    "duration": _duration,
    "count": _count,
    "amount": _amount,
    "choice": _choice,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A document with parameters: saving it makes an ordinary segment."""

    slug: str
    name: str
    description: str
    parameters: tuple[Parameter, ...]
    build: Callable[[Mapping[str, Any], PurchaseMapping, str], Document]
    goal: str = ""
    color: str = "teal"
    icon: str = "layers"
    reads: tuple[str, ...] = field(default=())  # fields of the purchase mapping that it speaks of

    def document(self, said: Mapping[str, object], mapping: PurchaseMapping, currency: str) -> Document:
        """Return the criteria for these parameters; raise Refused that names the wrong ones."""
        return self.build(read_parameters(self.parameters, said), mapping, currency)


def read_parameters(parameters: tuple[Parameter, ...], said: Mapping[str, object]) -> dict[str, Any]:
    """Return the value of every parameter, defaults where nothing was said."""
    values: dict[str, Any] = {}
    faults = [Fault(name, "There is no such parameter.") for name in said if name not in {p.name for p in parameters}]
    for parameter in parameters:
        try:
            values[parameter.name] = parameter.read(said.get(parameter.name))
        except ValueError as error:
            faults.append(Fault(parameter.name, str(error)))
    if faults:
        raise Refused("Some parameters are not right yet.", faults)
    return values
