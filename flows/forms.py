"""The panel's form of a node, made from what its kind declares; and what a person typed, read back as settings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from django.http import QueryDict

from flows.nodes.base import AnyNode
from flows.typed import typed
from workspace import clean
from workspace.problems import Fault

LIMIT = 256 * 1024
UNITS = [
    ("m", "minutes"),
    ("h", "hours"),
    ("d", "days"),
    ("w", "weeks"),
    ("mo", "months"),
    ("y", "years"),
    ("s", "seconds"),
]
VERBS = [("set", "Set to"), ("clear", "Clear"), ("increment", "Increase by"), ("append", "Append")]
WHERE_OPERATORS = [
    ("=", "is"), ("!=", "is not"), (">", "is more than"), (">=", "is at least"), ("<", "is less than"), ("<=", "is at most"),
    ("contains", "contains"), ("is_not_null", "has any value"), ("is_null", "has no value"),
]  # fmt: skip
WORDS = {
    "enters": "enters a segment",
    "leaves": "leaves a segment",
    "any": "Every time",
    "first": "Only the first time",
    "again": "Again, after an absence",
}
FIRST = ("when",)  # read before the others: "contact enters … the segment …"
MORE = {
    "preheader",
    "reply_to",
    "campaign",
    "sender",
    "topic",
    "transactional",
    "entry_key",
    "headers",
    "which",
    "after",
}
SHOWN_WHEN = {"after": ("which", "again")}
TALL = {"criteria", "where", "branches", "changes"}

Option = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the selects of a panel offer."""

    segments: Sequence[Option] = ()
    static_segments: Sequence[Option] = ()
    lists: Sequence[Option] = ()
    templates: Sequence[Option] = ()
    senders: Sequence[Option] = ()
    topics: Sequence[Option] = ()
    events: Sequence[str] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)  # property name → type
    properties: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # event → property → type


@dataclass(slots=True)
class Setting:
    """One setting as the panel shows it."""

    name: str
    widget: str
    label: str
    help: str
    value: Any
    options: Sequence[Option] = ()
    errors: list[str] = field(default_factory=list)
    faults: list[dict[str, str]] = field(default_factory=list)
    shown_when: str = ""
    optional: bool = True

    @property
    def id(self) -> str:
        """Return the id of its control."""
        return f"set-{self.name}"

    @property
    def template(self) -> str:
        """Return the template of its widget."""
        return f"flows/settings/{self.widget}.html"


@dataclass(slots=True)
class NodeForm:
    """The settings a person meets at once, and those behind "More settings"."""

    main: list[Setting]
    more: list[Setting]

    @property
    def more_open(self) -> bool:
        """Tell whether something behind "More settings" is set or wrong."""
        return any(one.errors or one.value not in ("", None, False, [], {}, "any") for one in self.more)


def node_form(node: AnyNode, raw: Mapping[str, Any], choices: Choices, faults: Sequence[Fault] = ()) -> NodeForm:
    """Return the panel's form of a node with these settings as stored."""
    raw = {**node.Settings().model_dump(mode="json"), **raw}
    settings = [_setting(node, name, raw, choices, faults) for name in node.Settings.model_fields]
    settings.sort(key=lambda one: one.name not in FIRST)
    main = [one for one in settings if one.name not in MORE]
    return NodeForm(main, [one for one in settings if one.name in MORE])


def _setting(node: AnyNode, name: str, raw: Mapping[str, Any], choices: Choices, faults: Sequence[Fault]) -> Setting:
    declared = node.Settings.model_fields[name]
    widget = widget_of(node, name)
    value = raw[name]
    mine = [one for one in faults if _within(one.path, name)]
    setting = Setting(
        name=name,
        widget=widget,
        label=declared.title or name.replace("_", " ").capitalize(),
        help=declared.description or "",
        value=_shown(widget, value),
        options=_options(widget, declared.annotation, declared.json_schema_extra, choices),
        errors=[one.message for one in mine if widget not in ("branches",) or "." not in one.path],
        faults=[{"path": one.path.removeprefix(f"{name}."), "message": one.message} for one in mine],
    )
    if widget == "branches":
        setting.value = [_branch(at, one, mine) for at, one in enumerate(value)]
    if name in SHOWN_WHEN:
        setting.shown_when = "=".join(SHOWN_WHEN[name])
    return setting


def widget_of(node: AnyNode, name: str) -> str:
    """Return the widget a kind declares for one of its settings."""
    extra = node.Settings.model_fields[name].json_schema_extra
    return str(extra.get("widget", "text")) if isinstance(extra, dict) else "text"


def _within(path: str, name: str) -> bool:
    path = path.removeprefix("settings.")
    return path == name or path.startswith((f"{name}.", f"{name}["))


def _branch(at: int, branch: Mapping[str, Any], faults: Sequence[Fault]) -> dict[str, Any]:
    prefix = f"branches[{at}]"
    mine = [one for one in faults if one.path.removeprefix("settings.").startswith(prefix)]
    return {
        "port": branch.get("port", ""),
        "label": branch.get("label", ""),
        "criteria": branch.get("criteria"),
        "errors": [one.message for one in mine],
    }


def _shown(widget: str, value: Any) -> Any:
    if widget == "duration":
        return duration_parts(str(value or ""))
    if widget == "changes":
        return [_change_parts(one) for one in value or [{}]]
    if widget == "pairs":
        return list(dict(value).items())
    return value


def duration_parts(text: str) -> dict[str, str]:
    """Take a duration apart for its two controls."""
    count = "".join(one for one in text if one.isdigit())
    return {"count": count, "unit": text[len(count) :] or "d"} if text else {}


def _change_parts(change: Mapping[str, Any]) -> dict[str, Any]:
    verb = next((one for one, _ in VERBS if one in change), "set")
    value = change.get(verb, "")
    attribute = str(change.get("attribute", "")).removeprefix("customProperties.")
    return {"attribute": attribute, "verb": verb, "value": "" if verb == "clear" else _plain(value)}


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _options(widget: str, annotation: Any, extra: Any, choices: Choices) -> Sequence[Option]:
    offered: dict[str, Sequence[Option]] = {
        "segment": choices.segments,
        "static_segment": choices.static_segments,
        "list": choices.lists,
        "template": choices.templates,
        "sender": choices.senders,
        "topic": choices.topics,
        "duration": UNITS,
        "changes": VERBS,
        "where": WHERE_OPERATORS,
        "event": [(one, one) for one in choices.events],
    }
    if widget != "choice":
        return offered.get(widget, ())
    named = extra.get("choices") if isinstance(extra, dict) else None
    words = dict(named) if isinstance(named, (dict, list, tuple)) and named else WORDS
    values = get_args(annotation) if get_origin(annotation) is Literal else tuple(words)
    return [(one, str(words.get(one, one))) for one in values]


# Reading ---------------------------------------------------------------------------------------------------------------


def read_settings(node: AnyNode, post: QueryDict, choices: Choices) -> tuple[dict[str, Any], list[Fault]]:
    """Return the settings a person sent, with what could not be read at all."""
    faults: list[Fault] = []
    raw: dict[str, Any] = {}
    for name in node.Settings.model_fields:
        read = READERS.get(widget_of(node, name), _text)
        raw[name] = read(post, name, choices, faults)
    return raw, faults


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
            condition["value"] = typed(value, known.get(prop.strip()), number=operator in (">", ">=", "<", "<="))
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
    columns = [post.getlist(f"s.{name}.{part}") for part in ("attribute", "verb", "value")]
    changes = []
    for at, (attribute, verb, text) in enumerate(zip(*columns, strict=False)):
        attribute = _property(attribute.strip(), choices)
        if not attribute:
            continue
        if verb not in dict(VERBS):
            faults.append(Fault(f"{name}[{at}]", "Choose set, clear, increase or append."))
            continue
        kind = choices.attributes.get(attribute)
        value = True if verb == "clear" else typed(text, kind, number=verb == "increment")
        changes.append({"attribute": attribute, verb: value})
    return changes


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


READERS: dict[str, Reader] = {
    "switch": _switch,
    "duration": _duration,
    "criteria": _criteria,
    "where": _where,
    "branches": _branches,
    "changes": _changes,
    "pairs": _pairs,
}
