"""What is known of names: attributes with types, events with properties, lists and topics."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from contacts.models import Attribute, EventName, List, Topic


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The names a document may use, as one value, so that pure code needs no database."""

    attributes: Mapping[str, str] = field(default_factory=dict)  # path below customProperties → type
    events: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # event name → property → type
    value_properties: Mapping[str, str] = field(default_factory=dict)  # event name → property kept in Event.value
    lists: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()


def load_catalogue() -> Catalogue:
    """Read the catalogue: one query each."""
    events = list(EventName.objects.values_list("name", "properties", "value_property"))
    return Catalogue(
        attributes=dict(Attribute.objects.filter(joined_into=None).values_list("name", "type")),
        events={name: properties for name, properties, _ in events},
        value_properties={name: promoted for name, _, promoted in events if promoted},
        lists=frozenset(List.objects.values_list("slug", flat=True)),
        topics=frozenset(Topic.objects.values_list("slug", flat=True)),
    )
