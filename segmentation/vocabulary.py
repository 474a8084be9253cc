"""What the builder offers to choose from: attributes and events with their types, segments, lists, operators by type."""

from collections.abc import Callable
from typing import Any

from django.urls import reverse

from contacts.counting import events_ever
from contacts.models import Attribute, EventName, List, Topic
from contacts.properties import CUSTOM, LABELS, STANDARD
from segmentation.models import Segment
from segmentation.operators import NULLS, OPERATORS
from segmentation.presets import presets
from segmentation.scenarios import PERSONAS, SCENARIOS, Parameter, Scenario
from workspace import purchases

DOORS = {"scenario": "scenario_door", "reach": "reach_door", "values": "values", "samples": "samples"}
_more: dict[str, Callable[[], list[dict[str, str]]]] = {}


def register_choices(kind: str, load: Callable[[], list[dict[str, str]]]) -> None:
    """Offer another kind of thing by slug and name; the conditions of a higher app call this."""
    _more[kind] = load


def choices() -> dict[str, Any]:
    """Return everything the builder offers, as it goes over the wire."""
    return {
        "attributes": [*standard(), *own()],
        "events": events(),
        "segments": named(Segment),
        "lists": named(List),
        "topics": list(Topic.objects.order_by("name").values("slug", "name")),
        **{kind: load() for kind, load in _more.items()},
        "standard": presets(purchases.mapping(), purchases.currency()),
        "scenarios": [described(one) for one in SCENARIOS.values()],
        "doors": {one: reverse(f"segments_{name}") for one, name in DOORS.items()},
        "operators": {kind: [*OPERATORS[kind], *NULLS] for kind in OPERATORS},
    }


def described(one: Scenario) -> dict[str, Any]:
    """Return what the builder shows of a scenario before it is filled in."""
    kind = "Personas" if one in PERSONAS else "Scenarios"
    said = {"slug": one.slug, "group": kind, "label": one.name, "hint": one.description, "goal": one.goal}
    return {**said, "parameters": [asked(each) for each in one.parameters]}


def asked(one: Parameter) -> dict[str, Any]:
    """Return one parameter of a scenario as the builder asks for it."""
    said = {"name": one.name, "label": one.label, "kind": one.kind, "default": one.default, "help": one.help}
    return {**said, "optional": one.optional, "share": one.quantile is not None, "choices": list(one.choices)}


def standard() -> list[dict[str, str]]:
    """Return the standard properties."""
    return [
        {"name": name, "label": LABELS.get(name, name), "type": one.type.value, "group": "standard"}
        for name, one in STANDARD.items()
    ]


def own() -> list[dict[str, str]]:
    """Return the workspace's own attributes, declared or learned, without the hidden ones."""
    rows = Attribute.objects.filter(hidden=False).order_by("name").values_list("name", "label", "type")
    return [{"name": CUSTOM + name, "label": label or name, "type": kind, "group": "own"} for name, label, kind in rows]


def events() -> list[dict[str, Any]]:
    """Return event names, the frequent ones first, with how many there are and what is known of their properties."""
    counts = events_ever()
    rows = EventName.objects.filter(hidden=False).values_list("id", "name", "properties", "last_seen_at")
    found = [
        {
            "name": name,
            "count": counts.get(pk, 0),
            "seen": seen.isoformat(),
            "properties": [{"name": n, "type": t} for n, t in sorted(known.items())],
        }
        for pk, name, known, seen in rows
    ]
    return sorted(found, key=lambda one: (-one["count"], one["name"]))


def named(model: type[Segment] | type[List]) -> list[dict[str, str]]:
    """Return slug and name of what is not archived."""
    rows = model._default_manager.filter(archived_at__isnull=True).order_by("name", "id").values_list("slug", "name")
    return [{"slug": slug, "name": name} for slug, name in rows]
