"""Who would hear of moves before they are made: higher floors register what their flows would do."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from contacts.models import Contact


@dataclass(frozen=True, slots=True)
class Moved:
    """A segment with who would join and leave it, asked for only by a flow that hears of it."""

    segment: str
    joins: QuerySet[Contact]
    leaves: QuerySet[Contact]
    via: str = ""  # its name, where it moves because another one does
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """A flow that hears of entries or exits: what it would do, for how many contacts."""

    flow: str
    name: str
    url: str
    when: str  # enters or leaves
    does: str  # starts or ends
    count: int
    refused: dict[str, int] = field(default_factory=dict)  # why others would not start → how many
    left_out: list[str] = field(default_factory=list)  # what could not be asked before the moves are made
    via: str = ""  # the segment on whose moves it runs, where that is not the edited one itself

    def as_json(self) -> dict[str, Any]:
        """Return the wire form."""
        return asdict(self)


Hearer = Callable[[Sequence[Moved], datetime], list[Heard]]
_hearers: list[Hearer] = []


def register(hearer: Hearer) -> None:
    """Add a hearer: given who would join and who would leave which segments, it says what its flows would do."""
    _hearers.append(hearer)


def heard(moved: Sequence[Moved], at: datetime) -> list[Heard]:
    """Return what the flows would do."""
    return [one for hearer in _hearers for one in hearer(moved, at)]
