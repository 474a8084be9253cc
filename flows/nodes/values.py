"""Values that an author writes as constants, or takes from the event that began the journey or from an earlier answer."""

from collections.abc import Mapping
from typing import Any

from flows.nodes.base import Surroundings

TRIGGER, ANSWER = "trigger", "answer"
NOTHING = object()  # there is no such value: nothing is said of it


def source_of(value: Any) -> tuple[str, str]:
    """Return where a value comes from and the path there; ("", "") for a constant."""
    if isinstance(value, dict) and len(value) == 1:
        source, path = next(iter(value.items()))
        if source in (TRIGGER, ANSWER) and isinstance(path, str):
            return source, path
    return "", ""


def resolved(value: Any, context: Mapping[str, Any]) -> Any:
    """Return a value as this journey has it: NOTHING where the event or the answer carries none."""
    source, path = source_of(value)
    if not source:
        return value
    held = context.get("trigger", {}).get("event", {}) if source == TRIGGER else context.get("answers", {})
    for part in path.split("."):
        held = held.get(part) if isinstance(held, dict) else held[int(part)] if _within(held, part) else None
    return NOTHING if held is None else held


def _within(held: Any, part: str) -> bool:
    return isinstance(held, list) and part.isascii() and part.isdigit() and int(part[:9]) < len(held)


def value_words(value: Any) -> str:
    """Say a value in English."""
    source, path = source_of(value)
    if source == TRIGGER:
        return f"{path or '…'} of the event"
    if source == ANSWER:
        return f"{path or '…'} of an answer"
    return str(value).lower() if isinstance(value, bool) else str(value)


def value_fault(value: Any, near: Surroundings) -> str:
    """Return what is wrong with where a value comes from, or ""."""
    source, path = source_of(value)
    flow = getattr(near.criteria, "flow", None)
    if not source:
        return ""
    if not path.strip():
        return "Name the property to take, such as orderId." if source == TRIGGER else "Name the step and the property."
    if source == TRIGGER and flow is not None and not flow.event:
        return "This flow is not started by an event, so there is no event to take a value from."
    if source == ANSWER and flow is not None and path.split(".")[0] not in flow.nodes:
        return f"There is no step “{path.split('.')[0][:63]}” that answers; write it as step.body.property."
    return ""
