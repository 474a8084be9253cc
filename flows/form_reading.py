"""What a person typed into the panel, read back as a node's settings."""

from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import Any

from django.http import QueryDict

from flows import rule_forms
from flows.forms import EVERY, VERBS, Choices, widget_of
from flows.nodes.base import AnyNode
from flows.typed import typed
from workspace import clean
from workspace.problems import Fault

LIMIT = 256 * 1024


def read_settings(
    node: AnyNode, post: QueryDict, choices: Choices, stored: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Fault]]:
    """Return the settings a person sent, with what could not be read at all; criteria never sent stay as stored."""
    faults: list[Fault] = []
    raw: dict[str, Any] = {}
    for name in node.Settings.model_fields:
        widget = widget_of(node, name)
        raw[name] = READERS.get(widget, _text)(post, name, choices, faults)
        if widget == "criteria" and f"s.{name}" not in post:
            raw[name] = stored.get(name)
        elif widget == "branches" and f"s.{name}.criteria" not in post:
            raw[name] = _relabelled(post, name, stored.get(name) or [])
    return {name: value for name, value in raw.items() if value or name not in EVERY}, faults


def _relabelled(post: QueryDict, name: str, stored: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the branches as stored, named as was typed: the builders had not come yet, so nothing else was sent."""
    labels = dict(zip(post.getlist(f"s.{name}.port"), post.getlist(f"s.{name}.label"), strict=False))
    return [
        {**one, "label": labels.get(one["port"], one.get("label", "")).strip()}
        for one in stored
        if one["port"] in labels
    ]


Reader = Callable[[QueryDict, str, Choices, list[Fault]], Any]


def _text(post: QueryDict, name: str, choices: Choices, faults: list[Fault]) -> Any:
    text = post.get(f"s.{name}", "")
    try:
        return clean.check(text.replace("\r\n", "\n"))
    except clean.Unclean as error:
        faults.append(Fault(name, error.message))
        return ""


def _switch(post: QueryDict, name: str, choices: Choices, faults: list[Fault]) -> bool:
    return bool(post.get(f"s.{name}"))


def _duration(post: QueryDict, name: str, choices: Choices, faults: list[Fault]) -> str:
    return duration_text(post.get(f"s.{name}.count", ""), post.get(f"s.{name}.unit", "d"))


def duration_text(count: str, unit: str) -> str:
    """Put a number and a unit together as a duration; empty when no number was typed."""
    count = count.strip().lstrip("0")
    return f"{count}{unit}" if count else ""


def _criteria(post: QueryDict, name: str, choices: Choices, faults: list[Fault]) -> Any:
    return read_criteria(post.get(f"s.{name}", ""), name, faults)


def read_criteria(text: str, path: str, faults: list[Fault]) -> dict[str, Any] | None:
    """Read the document a criteria builder posts; "" is none."""
    if not text.strip():
        return None
    try:
        document = clean.read(text.encode("utf-8", "surrogatepass"), limit=LIMIT)
    except clean.Unclean as error:
        faults.append(Fault(path, error.message))
        return None
    if isinstance(document, dict):
        return document
    faults.append(Fault(path, "Criteria are one object."))
    return None


def _where(post: QueryDict, name: str, choices: Choices, faults: list[Fault]) -> Any:
    known = choices.properties.get(post.get("s.event_name", "").strip(), {})
    columns = [post.getlist(f"s.{name}.{part}") for part in ("property", "operator", "value")]
    conditions = []
    for prop, operator, value in zip(*columns, strict=False):
        if not prop.strip():
            continue
        condition: dict[str, Any] = {"propertyName": prop.strip(), "operator": operator}
        if operator not in ("is_null", "is_not_null"):
            plain = typed(value, known.get(prop.strip()), number=operator in (">", ">=", "<", "<="))
            condition["value"] = rule_forms.triggered(value) or plain
        conditions.append(condition)
    joined = "OR" if post.get(f"s.{name}.joined") == "OR" else "AND"
    return {"operator": joined, "conditions": conditions} if conditions else None


def _branches(post: QueryDict, name: str, choices: Choices, faults: list[Fault]) -> Any:
    columns = [post.getlist(f"s.{name}.{part}") for part in ("port", "label", "criteria")]
    return [
        {"port": port, "label": label.strip(), "criteria": read_criteria(text, f"{name}[{at}].criteria", faults)}
        for at, (port, label, text) in enumerate(zip(*columns, strict=False))
    ]


def _changes(post: QueryDict, name: str, choices: Choices, faults: list[Fault]) -> Any:
    columns = [_column(post, name, part) for part in ("attribute", "verb", "source", "value")]
    changes = []
    for at, (attribute, verb, source, text) in enumerate(zip_longest(*columns, fillvalue="")):
        attribute = _property(attribute.strip(), choices)
        if not attribute:
            continue
        if verb not in dict(VERBS):
            faults.append(Fault(f"{name}[{at}]", "Choose set, clear, increase or append."))
            continue
        kind = choices.attributes.get(attribute)
        constant = typed(text, kind, number=verb == "increment")
        value: Any = True if verb == "clear" else {source: text.strip()} if source in REFERENCES else constant
        changes.append({"attribute": attribute, verb: value})
    return changes


REFERENCES = ("trigger", "answer")


def _column(post: QueryDict, name: str, part: str) -> list[str]:
    """Return one part of all rows, without what cannot be stored."""
    return [text.encode("utf-8", "ignore").decode() for text in post.getlist(f"s.{name}.{part}")]


def _properties(post: QueryDict, name: str, choices: Choices, faults: list[Fault]) -> Any:
    known = choices.properties.get(post.get("s.event", "").strip(), {})
    columns = [_column(post, name, part) for part in ("name", "source", "value")]
    rows = [(prop.strip(), source, text) for prop, source, text in zip_longest(*columns, fillvalue="") if prop.strip()]
    return [
        {"name": prop, "value": {source: text.strip()} if source in REFERENCES else _typed(text, known.get(prop))}
        for prop, source, text in rows
    ]


def _typed(text: str, kind: str | None) -> Any:
    return typed(text, kind, number=kind is None)


def _staff(post: QueryDict, name: str, choices: Choices, faults: list[Fault]) -> list[int]:
    return [int(one) for one in post.getlist(f"s.{name}") if one.isascii() and one.isdigit() and len(one) < 10]


def _property(name: str, choices: Choices) -> str:
    """Take "plan" for customProperties.plan unless it is a standard property."""
    known = not name or name in choices.attributes or name.startswith("customProperties.") or name in STANDARD_NAMES
    return name if known else f"customProperties.{name}"


STANDARD_NAMES = {"email", "phone", "firstName", "lastName", "country", "city", "language", "timezone"} | {
    "createdAt", "lastSeenAt", "emailSubscribed", "smsSubscribed", "whatsappSubscribed", "userId",
}  # fmt: skip


def _pairs(post: QueryDict, name: str, choices: Choices, faults: list[Fault]) -> dict[str, str]:
    pairs = zip(post.getlist(f"s.{name}.name"), post.getlist(f"s.{name}.value"), strict=False)
    return {key.strip(): value.strip() for key, value in pairs if key.strip()}


def _attribute(post: QueryDict, name: str, choices: Choices, faults: list[Fault]) -> str:
    return _property(str(_text(post, name, choices, faults)).strip(), choices)


def _value(post: QueryDict, name: str, choices: Choices, faults: list[Fault]) -> Any:
    """Read a value as the type of the attribute chosen beside it; empty is none."""
    kind = choices.attributes.get(_property(post.get("s.attribute", "").strip(), choices))
    text = str(_text(post, name, choices, faults)).strip()
    return typed(text, kind) if text else None


def _repeat(post: QueryDict, name: str, choices: Choices, faults: list[Fault]) -> str:
    preset = post.get(f"s.{name}.preset", "")
    return post.get(f"s.{name}.rule", "").strip() if preset == "custom" else preset


READERS: dict[str, Reader] = {
    "attribute": _attribute,
    "value": _value,
    "repeat": _repeat,
    **rule_forms.READERS,
    "switch": _switch,
    "duration": _duration,
    "criteria": _criteria,
    "where": _where,
    "branches": _branches,
    "changes": _changes,
    "properties": _properties,
    "staff": _staff,
    "pairs": _pairs,
    "places": _pairs,
}
