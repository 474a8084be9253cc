"""What every trigger gives besides: the facts that start somebody, and its filter."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator

from flows.nodes.base import AnyNode, Document, Node, SettingsT, check_duration, setting
from workspace.zones import is_zone

OptionalDuration = Annotated[str, AfterValidator(check_duration)]
Criteria = dict[str, Any] | None


class Trigger(Node[SettingsT]):
    """A kind of node that starts journeys."""

    group = "trigger"
    clocked: ClassVar[bool] = False  # time starts somebody, not a fact
    carries: ClassVar[bool] = False  # what started it has values: criteria say {"trigger": …}, messages {{ event.… }}

    @classmethod
    def facts(cls, settings: SettingsT) -> frozenset[str]:
        """Return the facts whose Changes may start somebody."""
        return frozenset()

    @classmethod
    def again(cls, settings: SettingsT) -> str:
        """Return after how long it starts the same contact again by its own meaning; empty: only where re-entry is allowed."""
        return ""

    @classmethod
    def asks(cls, settings: SettingsT) -> Mapping[str, Document]:
        """Ask the filter."""
        found = getattr(settings, "filter", None)
        return {"filter": found} if found else {}


AnyTrigger = type[Trigger[Any]]


def trigger_of(node: AnyNode | None) -> AnyTrigger:
    """Return a kind that is known to be a trigger's as one."""
    assert node is not None
    assert issubclass(node, Trigger)
    return node


def only_who_match() -> Any:
    """Declare the filter: asked at the moment of entry, after all facts of the batch are stored."""
    return setting(None, "Only contacts who match", "criteria")


def check_zone(value: str) -> str:
    """Return the name of a time zone as written when there is one (or none is named)."""
    if value and not is_zone(value):
        raise ValueError("There is no such time zone; write one like Europe/Amsterdam.")
    return value


Zone = Annotated[str, AfterValidator(check_zone)]
