"""What nodes may do to the world: values, performed for a whole batch at once by flows.performing."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Say:
    """Queue one message."""

    channel: str
    content: dict[str, Any] = field(default_factory=dict)
    template: str = ""
    sender: str = ""
    transactional: bool = False  # of own content; a template says it itself
    topic: str = ""


@dataclass(frozen=True, slots=True)
class UpdateContact:
    """Change attributes of the contact."""

    changes: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ChangeList:
    """Put the contact on a list, or take it off."""

    list: str
    add: bool


@dataclass(frozen=True, slots=True)
class ChangeSegment:
    """Put the contact into a static segment, or take it out."""

    segment: str
    add: bool


@dataclass(frozen=True, slots=True)
class SetConsent:
    """Add to the evidence that the contact wants, or does not want, to hear of a topic on a channel."""

    channel: str
    topic: str
    subscribed: bool
    again: bool = False  # also those who unsubscribed


@dataclass(frozen=True, slots=True)
class RecordEvent:
    """Let the contact have done something."""

    event: str
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Export:
    """Tell a destination of the contact."""

    destination: str


@dataclass(frozen=True, slots=True)
class StartFlow:
    """Let the contact enter another flow, by that flow's own rules."""

    flow: str


@dataclass(frozen=True, slots=True)
class LeaveFlow:
    """Take the contact out of another flow."""

    flow: str


@dataclass(frozen=True, slots=True)
class DeleteContact:
    """Erase the contact."""


Effect = (
    Say
    | UpdateContact
    | ChangeList
    | ChangeSegment
    | SetConsent
    | RecordEvent
    | Export
    | StartFlow
    | LeaveFlow
    | DeleteContact
)
