"""What every kind of node gives: fields, ports, questions, a decision; nothing else knows about kinds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flows.nodes.effects import Effect
from workspace.durations import Duration
from workspace.problems import Fault

HERE = "node:@here"  # since the contact came to the node that asks; put in place when its question is read
Group = Literal["trigger", "action", "rule"]
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Port:
    """A way out of a node."""

    name: str
    label: str = ""


NEXT = Port("next", "Next")


class Scene(NamedTuple):
    """All that a decision may know: values, no doors to anywhere."""

    at: datetime
    contact_id: int
    enrollment_id: int
    flow: str
    node: str
    visit: int
    waiting: bool = False
    holds: frozenset[str] = frozenset()  # the names of this node's questions that are answered yes
    context: Mapping[str, Any] = MappingProxyType({})
    message: str = ""  # what became of the message this node waits for
    answer: Any = None  # what the other program answered to that message
    unsettled: str = ""  # the key of the enrollment's newest message that has not settled yet, where the kind asks
    values: Mapping[str, Any] = MappingProxyType({})  # of the contact: those that the kind wants
    zones: Mapping[str, str] = MappingProxyType(
        {}
    )  # contact: its own, else the flow's, else the house's; flow; "": usual
    until: datetime | None = None  # what it waits for at the latest; None while waiting: to be reckoned anew
    woken: str = ""  # the fact by which it was put here or woken
    turn: datetime | None = None  # when it is let through, at a node that lets only so many through
    promoted: str = ""  # the branch of a test that everybody takes by now


class Go(NamedTuple):
    """Leave by a port, doing this on the way; `answer` is kept for later nodes as answers.<node>."""

    port: str = "next"
    effects: tuple[Effect, ...] = ()
    saw: Mapping[str, Any] = MappingProxyType({})
    answer: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """Wait here until an instant, a fact, or a person."""

    until: datetime | None = None
    clock: Literal["none", "elapsed", "wall"] = "none"
    wake_on: str = ""
    parked: str = ""
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """The journey ends here, by the author's wish."""

    reason: str
    saw: Mapping[str, Any] = field(default_factory=dict)
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Fail:
    """What the node asked for has failed for good: its failure policy says what becomes of the journey."""

    reason: str


Decision = Go | Stay | End | Fail


class NodeSettings(BaseModel):
    """What the author sets on a node; an unfinished draft has empty ones, unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


class StepSettings(NodeSettings):
    """What can be set on every action and every rule; `setting` declares the rest."""

    on_failure: Literal["", "skip", "exit", "hold"] = Field(
        "",
        title="When it fails",
        description="After five tries within a day. A message is waited for only when something is chosen here.",
        json_schema_extra={
            "widget": "choice",
            "choices": {
                "": "Try again, then end as failed",
                "skip": "Try again, then skip it and go on",
                "exit": "Try again, then leave the flow",
                "hold": "Try again, then hold for a person",
            },
        },
    )
    personalisation_key: str = Field(
        "",
        title="Personalisation key",
        description="A word that websites read for whoever stands here.",
        max_length=120,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$|^$",
        json_schema_extra={"widget": "text"},
    )


SettingsT = TypeVar("SettingsT", bound=NodeSettings)


def setting(default: Any, title: str, widget: str = "text", about: str = "", **more: Any) -> Any:
    """Declare a setting: its words, the widget of the panel (text, area, duration, criteria, …), and beside what it is shown."""
    make = "default_factory" if callable(default) else "default"
    extra: dict[str, Any] = {"widget": widget}
    extra |= {name: more.pop(name) for name in ("choices", "channel", "shown_when") if name in more}
    return Field(**{make: default}, title=title, description=about, json_schema_extra=extra, **more)


@dataclass(frozen=True, kw_only=True)
class TemplateFacts:
    """What a node must know of a template to be checked."""

    channel: str
    published: bool
    transactional: bool = False
    topic: str = ""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The names that a node's settings may use, as one value."""

    criteria: Any = None  # the catalogue that segmentation.criteria.parse takes
    slug: str = ""  # of the flow itself
    at: datetime | None = None  # now, where it matters that a date is over
    segments: Mapping[str, str] = field(default_factory=dict)  # slug → static or dynamic
    lists: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    senders: frozenset[str] = frozenset()
    templates: Mapping[str, TemplateFacts] = field(default_factory=dict)
    flows: Mapping[str, str] = field(default_factory=dict)  # slug → status
    destinations: Mapping[str, str] = field(default_factory=dict)  # slug → webhook or csv
    staff: frozenset[int] = frozenset()  # who can be written to


class Node(Generic[SettingsT]):
    """One kind of node: a class with its settings; never instantiated."""

    kind: ClassVar[str]
    group: ClassVar[Group]
    label: ClassVar[str]
    icon: ClassVar[str]
    description: ClassVar[str]
    Settings: ClassVar[type[NodeSettings]] = NodeSettings
    example: ClassVar[Document] = {}
    is_wait: ClassVar[bool] = False  # a loop through it is no hurry
    speaks: ClassVar[bool] = False  # exit conditions are asked again just before it
    awaits_message: ClassVar[bool] = False  # the shell says in the scene what became of its message
    comes_last: ClassVar[bool] = False  # the shell says in the scene which earlier message has not settled yet
    is_answered: ClassVar[bool] = False  # what another program says to it is known further on, as answers.<node>
    heeds: ClassVar[bool] = False  # who waits here is looked at again when a fact changes that it asks or wants
    is_goal: ClassVar[bool] = False  # who comes to meet it further up jumps here, or leaves
    is_test: ClassVar[bool] = False  # its branches are compared
    is_note: ClassVar[bool] = False  # nobody comes here

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> SettingsT:
        """Read settings as stored; raises pydantic's ValidationError."""
        return cls.Settings.model_validate(dict(raw))  # type: ignore[return-value]

    @classmethod
    def ports(cls, settings: SettingsT) -> Sequence[Port]:
        """Return the ways out, in the order shown."""
        return (NEXT,)

    @classmethod
    def asks(cls, settings: SettingsT) -> Mapping[str, Document]:
        """Return the questions it asks of a contact: name → criteria."""
        return {}

    @classmethod
    def asked_at(cls, settings: SettingsT, name: str) -> str:
        """Return the path of a question's criteria in the settings."""
        return name

    @classmethod
    def wants(cls, settings: SettingsT) -> Sequence[str]:
        """Return the values of the contact that it wants to see, by property name."""
        return ()

    @classmethod
    def limit(cls, settings: SettingsT) -> tuple[int, int] | None:
        """Return how many it lets through within how many seconds, where it does."""
        return None

    @classmethod
    def waits(cls, settings: SettingsT, port: str) -> bool:
        """Tell whether everybody who leaves by this port has waited here: a loop through it is no hurry."""
        return cls.is_wait

    @classmethod
    def decide(cls, settings: SettingsT, scene: Scene) -> Decision:
        """Say what next."""
        return Go()

    @classmethod
    def awaits(cls, settings: SettingsT) -> bool:
        """Tell whether, as it is set, somebody may wait here for what becomes of a message."""
        return cls.awaits_message or cls.comes_last

    @classmethod
    def words(cls, settings: SettingsT) -> str:
        """Say in English what it does as it is set."""
        return cls.label

    @classmethod
    def faults(cls, settings: SettingsT, near: Surroundings) -> list[tuple[str, str]]:
        """Return (setting, sentence) for all that keeps it from running; criteria of `asks` are checked elsewhere."""
        return []

    @classmethod
    def uses(cls, settings: SettingsT) -> list[str]:
        """Return what it uses, as kind:slug."""
        return []


AnyNode = type[Node[Any]]


def setting_faults(error: ValidationError, prefix: str = "settings") -> list[Fault]:
    """Translate pydantic's findings to sentences with paths."""
    return [Fault(_path(prefix, one["loc"]), _sentence(one)) for one in error.errors(include_url=False)]


def _path(prefix: str, loc: Sequence[str | int]) -> str:
    path = prefix
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def _sentence(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "There is no such setting here; remove it."
    if error["type"] == "missing":
        return "This is needed."
    message: str = error["msg"].removeprefix("Value error, ")
    return message if message.endswith((".", "?")) else f"{message}."


def check_duration(value: str) -> str:
    """Return a duration as written when it can be read (or is empty); raise ValueError with a sentence otherwise."""
    if value:
        Duration.parse(value)
    return value


def duration_words(value: str) -> str:
    """Say a duration in English."""
    return Duration.parse(value).words() if value else "…"
