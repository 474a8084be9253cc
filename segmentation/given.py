"""What criteria inside a flow may speak of: since when, what the event that began it carried, what other programs answered.

`{"since": "entry"}` and `{"since": "node:<id>"}` are windows, `{"trigger": "orderId"}` and `{"node": "call.body.tier"}` are
values. They are known of one enrollment at a time; `Condition.given` puts them in place. What is not known is no value, and
so never holds.
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

ENTRY, NODE, TRIGGER, ANSWER = "entry", "node:", "trigger", "node"
SPOKEN = {TRIGGER: "trigger", ANSWER: "answer"}  # a value's key → what criteria with such a value speak of
PLAIN_VALUE = ("is_null", *RELATIVE, "matches", "between")  # operators whose value must stand in the criteria


@dataclass(frozen=True, slots=True)
class Given:
    """What is known of one enrollment."""

    entry: datetime | None = None
    nodes: Mapping[str, datetime] = field(default_factory=dict)  # node → when it was passed last
    trigger: Mapping[str, Any] = field(default_factory=dict)  # the properties of the event that began it
    answers: Mapping[str, Any] = field(default_factory=dict)  # node → what the other program answered there

    def window(self, window: Window | None) -> Window | None:
        """Return a window with its beginning in place; one whose beginning is not known stays, and holds nothing."""
        if window is None or window.since is None:
            return window
        began = self.entry if window.since == ENTRY else self.nodes.get(window.since.removeprefix(NODE))
        return window if began is None else Window(after=began.isoformat())

    def value(self, value: Any) -> Any:
        """Return a value with what the trigger carried, or a node was answered, in place of its name."""
        source = source_of(value)
        if not source:
            return value
        found: Any = self.trigger if source == TRIGGER else self.answers
        for key in value[source].split("."):
            found = _inside(found, key)
        return value if found is None else found


def _inside(found: Any, key: str) -> Any:
    if isinstance(found, Mapping):
        return found.get(key)
    within = isinstance(found, list) and key.isascii() and key.isdigit() and int(key[:9]) < len(found)
    return found[int(key)] if within else None


def source_of(value: Any) -> str:
    """Return where a value is taken from, trigger or node; empty for one that stands in the criteria."""
    if isinstance(value, dict) and len(value) == 1:
        source, path = next(iter(value.items()))
        return source if source in SPOKEN and isinstance(path, str) else ""
    return ""


def source_faults(value: Any, operator: str, catalogue: Catalogue, path: str) -> Iterator[Fault]:
    """Yield what is wrong with a value that is taken from elsewhere, where it stands."""
    source = source_of(value)
    if source == TRIGGER and (catalogue.flow is None or not catalogue.flow.event):
        yield Fault(f"{path}.value", "What the trigger carried is only known in a flow that starts with an event.")
    elif source == ANSWER and value[ANSWER].split(".")[0] not in (catalogue.flow.answers if catalogue.flow else ()):
        yield Fault(
            f"{path}.value",
            'Only webhooks of this flow answer; write {"node": "step.body.property"} with the id of one.',
        )
    elif COMPLEMENTS.get(operator, operator) in PLAIN_VALUE:
        yield Fault(f"{path}.value", f"{operator} takes no value from elsewhere; write the value itself.")


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
