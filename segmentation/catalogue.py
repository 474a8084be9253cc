"""What a criteria document may name, as one value: the catalogue of contacts, with segments, ids and the house's zone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from contacts.catalogue import Catalogue as ContactsCatalogue
from contacts.catalogue import load_catalogue as load_contacts_catalogue
from contacts.models import Attribute, List
from segmentation.models import Segment
from workspace.models import Workspace


@dataclass(frozen=True, slots=True)
class InFlow:
    """What criteria inside a flow may name besides: its nodes and, when an event starts it, what that carried."""

    nodes: frozenset[str] = frozenset()
    event: bool = False


@dataclass(frozen=True, kw_only=True)
class Catalogue(ContactsCatalogue):
    """The names a criteria document may use, and the ids behind them."""

    declared: Mapping[str, str] = field(default_factory=dict)  # paths whose type a person declared
    list_ids: Mapping[str, int] = field(default_factory=dict)
    segment_ids: Mapping[str, int] = field(default_factory=dict)
    segment_reads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # slug → slugs that its criteria read
    more: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # kind of name ("flow") → name → id
    zone: str = "UTC"
    flow: InFlow | None = None  # None: not inside a flow


_more: dict[str, Callable[[], Mapping[str, int]]] = {}


def register_names(kind: str, load: Callable[[], Mapping[str, int]]) -> None:
    """Add a kind of name that criteria may use, with its ids; the conditions of a higher app call this."""
    _more[kind] = load


def load_catalogue() -> Catalogue:
    """Read the catalogue: one query for each kind of name."""
    base = load_contacts_catalogue()
    segments = list(Segment.objects.values_list("slug", "pk", "rule__reads"))
    lists = dict(List.objects.values_list("slug", "pk"))
    return Catalogue(
        attributes=base.attributes,
        events=base.events,
        value_properties=base.value_properties,
        lists=frozenset(lists),
        topics=base.topics,
        declared=dict(Attribute.objects.filter(declared=True).values_list("name", "type")),
        list_ids=lists,
        segment_ids={slug: pk for slug, pk, _ in segments},
        segment_reads={slug: slugs_read(reads or []) for slug, _, reads in segments},
        more={kind: load() for kind, load in _more.items()},
        zone=Workspace.objects.values_list("timezone", flat=True).filter(pk=1).first() or "UTC",
    )


def slugs_read(facts: list[str]) -> tuple[str, ...]:
    """Return the slugs of the segments among facts."""
    return tuple(fact.removeprefix("segment:") for fact in facts if fact.startswith("segment:"))
