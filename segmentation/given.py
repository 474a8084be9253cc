"""What criteria inside a flow may speak of: since when, and what the event that began it carried.

`{"since": "entry"}` and `{"since": "node:<id>"}` are windows, `{"trigger": "orderId"}` is a value. They are known of one
enrollment at a time; `Condition.given` puts them in place. What is not known is no value, and so never holds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from segmentation.catalogue import Catalogue
from segmentation.operators import COMPLEMENTS
from segmentation.sweeps import RELATIVE
from segmentation.windows import Window
from workspace.problems import Fault

ENTRY, NODE, TRIGGER = "entry", "node:", "trigger"
PLAIN_VALUE = ("is_null", *RELATIVE, "matches", "between")  # operators whose value must stand in the criteria


@dataclass(frozen=True, slots=True)
class Given:
    """What is known of one enrollment."""

    entry: datetime | None = None
    nodes: Mapping[str, datetime] = field(default_factory=dict)  # node → when it was passed last
    trigger: Mapping[str, Any] = field(default_factory=dict)  # the properties of the event that began it

    def window(self, window: Window | None) -> Window | None:
        """Return a window with its beginning in place; one whose beginning is not known stays, and holds nothing."""
        if window is None or window.since is None:
            return window
        began = self.entry if window.since == ENTRY else self.nodes.get(window.since.removeprefix(NODE))
        return window if began is None else Window(after=began.isoformat())

    def value(self, value: Any) -> Any:
        """Return a value with what the trigger carried in place of its name."""
        if not from_trigger(value):
            return value
        found: Any = self.trigger
        for key in value[TRIGGER].split("."):
            found = found.get(key) if isinstance(found, Mapping) else None
        return value if found is None else found


def from_trigger(value: Any) -> bool:
    """Tell whether a value is one that the trigger's event carries."""
    return isinstance(value, dict) and value.keys() == {TRIGGER} and isinstance(value[TRIGGER], str)


def trigger_faults(operator: str, catalogue: Catalogue, path: str) -> Iterator[Fault]:
    """Yield what is wrong with a value of the trigger's where it stands."""
    if catalogue.flow is None or not catalogue.flow.event:
        yield Fault(f"{path}.value", "What the trigger carried is only known in a flow that starts with an event.")
    elif COMPLEMENTS.get(operator, operator) in PLAIN_VALUE:
        yield Fault(f"{path}.value", f"{operator} takes no value of the trigger; write the value itself.")


def since_faults(window: Window | None, catalogue: Catalogue, path: str) -> Iterator[Fault]:
    """Yield what is wrong with a window that begins somewhere in a flow."""
    if window is None or window.since is None:
        return
    if catalogue.flow is None:
        yield Fault(
            f"{path}.since", 'Entry and nodes are only known in a flow; write {"last": "7d"} or {"after": …} here.'
        )
    elif window.since != ENTRY and window.since.removeprefix(NODE) not in catalogue.flow.nodes:
        yield Fault(f"{path}.since", 'Write "entry", or "node:" and the id of a node of this flow.')
