"""The panel's form of a node, made from what its kind declares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from flows.nodes.base import AnyNode
from workspace.problems import Fault

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
