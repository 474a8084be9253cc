"""What a criteria document may name, as one value: the catalogue of contacts, with segments, ids and the house's zone."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

from contacts.catalogue import Catalogue as ContactsCatalogue
from contacts.catalogue import load_catalogue as load_contacts_catalogue
from contacts.storing import run


@dataclass(frozen=True, slots=True)
class InFlow:
    """What criteria inside a flow may name besides: its nodes and, when an event starts it, what that carried."""

    nodes: frozenset[str] = frozenset()
    event: bool = False


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
SELECT (SELECT coalesce(json_agg(json_build_array(s.slug, s.id, r.reads)), '[]')::text
        FROM segmentation_segment s LEFT JOIN segmentation_segmentrule r ON r.id = s.rule_id),
    (SELECT timezone FROM workspace_workspace WHERE id = 1)
"""


def load_catalogue() -> Catalogue:
    """Read the catalogue: one query for each app that has names."""
    base = load_contacts_catalogue()
    found, zone = run(_SEGMENTS)[0]
    segments = json.loads(found)
    return Catalogue(
        **{one.name: getattr(base, one.name) for one in fields(base)},
        segment_ids={slug: pk for slug, pk, _ in segments},
        segment_reads={slug: slugs_read(reads or []) for slug, _, reads in segments},
        more={kind: load() for kind, load in _more.items()},
        zone=zone or "UTC",
    )


def slugs_read(facts: list[str]) -> tuple[str, ...]:
    """Return the slugs of the segments among facts."""
    return tuple(fact.removeprefix("segment:") for fact in facts if fact.startswith("segment:"))
