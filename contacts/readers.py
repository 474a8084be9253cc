"""Who reads an attribute or event: higher floors say here who names it, what a change would do to them, and mend it."""

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reader:
    """A segment or flow that names something in its criteria."""

    kind: str
    slug: str
    name: str
    url: str = ""

    @property
    def label(self) -> str:
        """Say what it is."""
        return f"{self.kind.capitalize()} {self.name}"

    def as_json(self) -> dict[str, str]:
        """Return the wire form."""
        return {"kind": self.kind, "slug": self.slug, "name": self.name}


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change would do to the members of a segment."""

    reader: Reader
    joins: int
    leaves: int

    def as_json(self) -> dict[str, Any]:
        """Return the wire form."""
        return {**self.reader.as_json(), **{key: asdict(self)[key] for key in ("joins", "leaves")}}


Namer = Callable[[str], list[Reader]]
Judge = Callable[[str, str], list[Effect]]
Mender = Callable[[Collection[str]], int]
_namers: list[Namer] = []
_judges: list[Judge] = []
_menders: list[Mender] = []


def register(*, namer: Namer | None = None, judge: Judge | None = None, mender: Mender | None = None) -> None:
    """Add what a floor knows: who names a fact, what another type of an attribute would do, and how to look anew."""
    _namers.extend([namer] if namer else [])
    _judges.extend([judge] if judge else [])
    _menders.extend([mender] if mender else [])


def readers_of(fact: str) -> list[Reader]:
    """Return who names a fact ("event:Order Completed", "attribute:customProperties.plan")."""
    return [one for namer in _namers for one in namer(fact)]


def effects(attribute: str, kind: str) -> list[Effect]:
    """Return what another type of an attribute would do to whom, values being read as they are now."""
    return [one for judge in _judges for one in judge(attribute, kind)]


def mend(facts: Collection[str]) -> int:
    """Have everybody who reads these facts look at all contacts anew, without firing anything."""
    return sum(mender(facts) for mender in _menders)
