"""What a criteria document may name, as one value: the catalogue of contacts, with segments, ids and the house's zone."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from typing import TypeVar

from contacts.catalogue import Catalogue as ContactsCatalogue
from contacts.catalogue import load_catalogue as load_contacts_catalogue
from contacts.storing import run
from workspace.trips import ask

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class InFlow:
    """What criteria inside a flow may name besides: its nodes, those that are answered, what the event carried that starts it."""

    nodes: frozenset[str] = frozenset()
    event: bool = False
    answers: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Catalogue(ContactsCatalogue):
    """The names a criteria document may use, and the ids behind them."""

    segment_ids: Mapping[str, int] = field(default_factory=dict)
    segment_reads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # slug → slugs that its criteria read
    more: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # kind of name ("flow") → name → id
    zone: str = "UTC"
    flow: InFlow | None = None  # None: not inside a flow


_more: dict[str, Callable[[], Mapping[str, int]]] = {}


def register_names(kind: str, load: Callable[[], Mapping[str, int]]) -> None:
    """Add a kind of name that criteria may use, with its ids; the conditions of a higher app call this."""
    _more[kind] = load


_SEGMENTS = """
SELECT s.slug, s.id, r.reads FROM segmentation_segment s LEFT JOIN segmentation_segmentrule r ON r.id = s.rule_id
"""
_ZONE = "SELECT timezone FROM workspace_workspace WHERE id = 1"


class Late(Mapping[str, V]):
    """Names that are read from the database when somebody asks for the first one: most batches of changes need none."""

    def __init__(self, load: Callable[[], Mapping[str, V]]) -> None:
        self._load = load

    @cached_property
    def _names(self) -> Mapping[str, V]:
        return self._load()

    def __getitem__(self, name: str) -> V:
        return self._names[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def load_catalogue() -> Catalogue:
    """Read the catalogue: at once what every criteria need, the names of segments and of other apps when asked for."""
    base, zone, segments = load_contacts_catalogue(), ask(_ZONE).rows(), cache(lambda: run(_SEGMENTS))
    return Catalogue(
        **{one.name: getattr(base, one.name) for one in fields(base)},
        segment_ids=Late(lambda: {slug: pk for slug, pk, _ in segments()}),
        segment_reads=Late(lambda: {slug: slugs_read(json.loads(reads or "[]")) for slug, _, reads in segments()}),
        more={kind: Late(load) for kind, load in _more.items()},
        zone=(zone[0][0] if zone else None) or "UTC",
    )


def slugs_read(facts: list[str]) -> tuple[str, ...]:
    """Return the slugs of the segments among facts."""
    return tuple(fact.removeprefix("segment:") for fact in facts if fact.startswith("segment:"))
