"""The panel's form of a node, made from what its kind declares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from contacts.properties import LABELS, in_a_sentence, is_custom
from flows import rule_forms
from flows.nodes.base import AnyNode
from flows.nodes.values import source_of
from workspace.problems import Fault
from workspace.zones import ZONES

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
FIRST = ("when", "template", "title")  # read before the others: "contact enters … the segment …"
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
    "or_still_in_after",
    "timezone",
    "delivery_id",
    "phone",
    "zone",
    "confidence",
}
EVERY = ("on_failure", "personalisation_key")  # what every step has, at the end
MORE |= {*EVERY, "sender_name", "opt_out", "link", "again"}
SOURCES = [("", "Value"), ("trigger", "From the event"), ("answer", "From an answer")]
REPEATS = [
    ("", "Never: only once"),
    ("FREQ=DAILY", "Every day"),
    ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "Every weekday"),
    ("FREQ=WEEKLY", "Every week on that day"),
    ("FREQ=MONTHLY", "Every month on that day"),
    ("FREQ=MONTHLY;BYMONTHDAY=-1", "Every month on its last day"),
    ("FREQ=YEARLY", "Every year on that day"),
    ("custom", "By a rule of my own"),
]
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
    nodes: Sequence[Option] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)  # property name → type
    properties: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # event → property → type
    flows: Sequence[Option] = ()
    texts: Mapping[str, Sequence[Option]] = field(default_factory=dict)  # channel → its templates
    destinations: Sequence[Option] = ()
    staff: Sequence[Option] = ()


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
    sources: Sequence[Option] = ()
    optional: bool = True

    @property
    def id(self) -> str:
        """Return the id of its control."""
        return f"set-{self.name}"

    @property
    def unknown(self) -> bool:
        """Tell whether what is set is not offered: it is not there any more."""
        return isinstance(self.value, str) and bool(self.value) and self.value not in {one for one, _ in self.options}

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
    settings.sort(key=lambda one: FIRST.index(one.name) if one.name in FIRST else len(FIRST))
    main = [one for one in settings if one.name not in MORE]
    more = [one for one in settings if one.name in MORE]
    return NodeForm(main, sorted(more, key=lambda one: one.name in EVERY))


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
    if widget in ("changes", "properties"):
        setting.sources = SOURCES
    if name in SHOWN_WHEN:
        setting.shown_when = "=".join(SHOWN_WHEN[name])
    if isinstance(declared.json_schema_extra, dict) and "shown_when" in declared.json_schema_extra:
        setting.shown_when = str(declared.json_schema_extra["shown_when"])
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
    if widget == "where":
        return rule_forms.shown_where(value)
    if widget == "changes":
        return [_change_parts(one) for one in value or [{}]]
    if widget == "properties":
        return [{"name": one.get("name", ""), **_source_parts(one.get("value", ""))} for one in value]
    if widget == "staff":
        return [str(one) for one in value]
    if widget in ("pairs", "places"):
        return list(dict(value).items())
    if widget == "attribute":
        return str(value or "").removeprefix("customProperties.")
    if widget == "value" and isinstance(value, bool):
        return str(value).lower()
    if widget == "repeat":
        return {"preset": value if value in dict(REPEATS) else "custom", "rule": value}
    return value


def duration_parts(text: str) -> dict[str, str]:
    """Take a duration apart for its two controls."""
    count = "".join(one for one in text if one.isdigit())
    return {"count": count, "unit": text[len(count) :] or "d"} if text else {}


def _dates(choices: Choices) -> Sequence[Option]:
    """Offer the attributes that are dates of each contact's own, and when a contact was made."""
    own = [(one, in_a_sentence(one)) for one, kind in choices.attributes.items() if kind in ("date", "datetime")]
    return [(one, label) for one, label in own if is_custom(one)] + [("createdAt", LABELS["createdAt"])]


def _change_parts(change: Mapping[str, Any]) -> dict[str, Any]:
    verb = next((one for one, _ in VERBS if one in change), "set")
    value = change.get(verb, "")
    attribute = str(change.get("attribute", "")).removeprefix("customProperties.")
    return {"attribute": attribute, "verb": verb, **_source_parts("" if verb == "clear" else value)}


def _source_parts(value: Any) -> dict[str, str]:
    """Take a value apart for its two controls: where it comes from, and itself or the path there."""
    source, path = source_of(value)
    return {"source": source, "value": path if source else _plain(value)}


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _templates(extra: Any, choices: Choices) -> Sequence[Option]:
    channel = extra.get("channel", "") if isinstance(extra, dict) else ""
    return choices.texts.get(channel, ()) if channel else choices.templates


def _options(widget: str, annotation: Any, extra: Any, choices: Choices) -> Sequence[Option]:
    offered: dict[str, Sequence[Option]] = {
        "segment": choices.segments,
        "static_segment": choices.static_segments,
        "list": choices.lists,
        "template": _templates(extra, choices),
        "destination": choices.destinations,
        "staff": choices.staff,
        "sender": choices.senders,
        "topic": choices.topics,
        "duration": UNITS,
        "changes": VERBS,
        "where": WHERE_OPERATORS,
        "event": [(one, one) for one in choices.events],
        "flow": choices.flows,
        "repeat": REPEATS,
        "zone": [(one, one) for one in ZONES],
        "attribute": [(one, one.removeprefix("customProperties.")) for one in choices.attributes],
        "date_attribute": _dates(choices),
        "node": choices.nodes,
        **rule_forms.OPTIONS,
    }
    if widget != "choice":
        return offered.get(widget, ())
    named = extra.get("choices") if isinstance(extra, dict) else None
    words = dict(named) if isinstance(named, (dict, list, tuple)) and named else WORDS
    values = get_args(annotation) if get_origin(annotation) is Literal else tuple(words)
    return [(one, str(words.get(one, one))) for one in values]
