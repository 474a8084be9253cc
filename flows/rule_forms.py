"""How the settings of rules are shown in the panel and read back: numbers, weekdays, shares, steps of the flow."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import QueryDict

from flows.wall_clock import DAY_NAMES
from workspace.problems import Fault

TRIGGERED = re.compile(r"^\{\{\s*event\.([\w.-]{1,128})\s*\}\}$")

OPTIONS: Mapping[str, Sequence[tuple[str, str]]] = {"weekdays": [(day, name[:3]) for day, name in DAY_NAMES.items()]}


def shown_where(where: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return a filter with what comes of the trigger's event written as a person writes it."""
    if not where:
        return where
    return {**where, "conditions": [_shown_condition(one) for one in where.get("conditions", ())]}


def _shown_condition(condition: Any) -> Any:
    value = condition.get("value") if isinstance(condition, dict) else None
    if isinstance(value, dict) and value.keys() == {"trigger"}:
        return {**condition, "value": f"{{{{ event.{value['trigger']} }}}}"}
    return condition


def triggered(text: str) -> dict[str, str] | None:
    """Read "{{ event.orderId }}" as what the trigger's event carried; None for anything else."""
    found = TRIGGERED.match(text.strip())
    return {"trigger": found[1]} if found else None


def _number(post: QueryDict, name: str, choices: Any, faults: list[Fault]) -> Any:
    text = post.get(f"s.{name}", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 16:
        return int(text)
    faults.append(Fault(name, "Write a whole number."))
    return 0


def _weekdays(post: QueryDict, name: str, choices: Any, faults: list[Fault]) -> list[str]:
    return [one for one in DAY_NAMES if one in post.getlist(f"s.{name}")]


def _shares(post: QueryDict, name: str, choices: Any, faults: list[Fault]) -> list[dict[str, Any]]:
    columns = [post.getlist(f"s.{name}.{part}") for part in ("port", "label", "weight")]
    found = []
    for at, (port, label, weight) in enumerate(zip(*columns, strict=False)):
        if not (weight.strip().isascii() and weight.strip().isdigit() and len(weight) < 8):
            faults.append(Fault(f"{name}[{at}].weight", "A weight is a whole number."))
            weight = "1"
        found.append({"port": port, "label": label.replace("\x00", "").strip(), "weight": int(weight)})
    return found


READERS = {"number": _number, "weekdays": _weekdays, "shares": _shares}
