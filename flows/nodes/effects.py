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


Effect = Say | UpdateContact | ChangeList | ChangeSegment
