"""What is known of names: attributes with types, events with properties, lists and topics."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import connection


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The names a document may use, as one value, so that pure code needs no database."""

    attributes: Mapping[str, str] = field(default_factory=dict)  # path below customProperties → type
    events: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # event name → property → type
    value_properties: Mapping[str, str] = field(default_factory=dict)  # event name → property kept in Event.value
    lists: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    declared: Mapping[str, str] = field(default_factory=dict)  # paths whose type a person declared
    list_ids: Mapping[str, int] = field(default_factory=dict)


# One statement: every evaluation and every batch of changes asks it.
_NAMES = """
SELECT (SELECT coalesce(json_agg(json_build_array(name, properties, value_property)), '[]')::text FROM contacts_eventname),
    (SELECT coalesce(json_agg(json_build_array(name, type, declared, joined_into_id)), '[]')::text FROM contacts_attribute),
    (SELECT coalesce(json_object_agg(slug, id), '{}')::text FROM contacts_list),
    (SELECT coalesce(json_agg(slug), '[]')::text FROM contacts_topic)
"""


def load_catalogue() -> Catalogue:
    """Read the catalogue in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMES)
        events, attributes, lists, topics = map(json.loads, cursor.fetchone() or ())
    return Catalogue(
        attributes={name: kind for name, kind, _, joined in attributes if joined is None},
        events={name: properties for name, properties, _ in events},
        value_properties={name: promoted for name, _, promoted in events if promoted},
        lists=frozenset(lists),
        topics=frozenset(topics),
        declared={name: kind for name, kind, declared, _ in attributes if declared},
        list_ids=lists,
    )
