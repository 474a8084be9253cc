"""The words that every kind of condition says its comparisons and values with."""

from typing import Any

from contacts.labels import speaking
from contacts.properties import in_a_sentence


def shown(found: Any) -> str:
    """Show a value that was found to people."""
    return "no value" if found is None or found == "" else quote(found)


def quote(value: Any) -> str:
    """Show a value in a sentence so that a text never reads as a number."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict) and "trigger" in value:
        return f"the trigger's “{value['trigger']}”"
    if isinstance(value, dict) and isinstance(value.get("node"), str):
        node, _, place = value["node"].partition(".")
        return f"“{place}” of the answer at “{node}”"
    if isinstance(value, list | tuple):
        return f"[{', '.join(quote(one) for one in value)}]"
    return f"“{value}”" if isinstance(value, str) else str(value)


def comparison_words(name: str, operator: str, value: Any, case: bool | None) -> str:
    """Say a comparison in English."""
    verb = VERBS.get(operator, operator)
    what = "" if value is None else f" {quote(value)}"
    if operator in ("between",) and isinstance(value, list) and len(value) == 2:
        what = f" {quote(value[0])} and {quote(value[1])}"
    minding = "" if case is None else (" (minding case)" if case else " (whatever the case)")
    return f"{in_a_sentence(name)} {verb}{what}{minding}"


VERBS = {
    "=": "is",
    "!=": "is not",
    ">": "is more than",
    ">=": "is at least",
    "<": "is less than",
    "<=": "is at most",
    "contains": "contains",
    "not_contains": "does not contain",
    "starts_with": "starts with",
    "ends_with": "ends with",
    "in": "is one of",
    "not_in": "is none of",
    "matches": "matches",
    "between": "is between",
    "is_null": "has no value",
    "is_not_null": "has a value",
    "before": "is before",
    "after": "is after",
    "on": "is on",
    "in_last": "is in the last",
    "not_in_last": "is not in the last",
    "in_next": "is in the next",
    "anniversary_in_next": "has its anniversary in the next",
    "anniversary_in_last": "had its anniversary in the last",
    "contains_any": "contains any of",
    "contains_all": "contains all of",
    "contains_none": "contains none of",
}


def joined(operator: str, parts: list[str]) -> str:
    """Join the words of a group; of one part only those who are no people hear which kind of group it is."""
    if len(parts) == 1:
        return parts[0] if speaking() else f"{'all' if operator == 'AND' else 'any'} of: {parts[0]}"
    return f" {operator.lower()} ".join(parts)


def number_words(found: Any) -> str:
    """Show a number that was measured: 1,234.5."""
    if found is None:
        return "no value"
    return f"{found:,}" if isinstance(found, int) else f"{round(found, 6):,.12g}"


NEEDED = {
    ">=": "at least {}",
    "=": "exactly {}",
    "<=": "at most {}",
    ">": "more than {}",
    "<": "fewer than {}",
    "!=": "anything but {}",
}


def needed(operator: str, value: Any) -> str:
    """Say what a number would have to be."""
    if operator == "between":
        return f"{number_words(value[0])} to {number_words(value[1])}"
    return NEEDED[operator].format(number_words(value))
