"""A record shop on one busy morning: everybody turns pro, everybody orders, and two flows walk each of them on.

Per person two enrollments: one by entering the segment `pros`, one by the event `Order Completed`. Each walks
wait → split → email → update contact → (gold members: webhook) → list. Runs in processes of the chaos database.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from contacts.ingest import Source, take
from contacts.services import create_list
from flows.services import activate, create_flow
from messaging.services import create_template, ensure_defaults, publish_template
from segmentation.evaluation import recompute_waiting
from segmentation.services import create_segment
from workspace import clock
from workspace.audit import HOUSE

SOURCE = Source("shop")
NAMES = ("Ada", "Bo", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hana", "Ida", "Jon")
ORDERED = "Order Completed"
FLOWS = {"welcome": "welcomed", "thanks": "thanked"}  # flow → the list it puts everybody on
PATHS = (
    ("start", "pause", "kind", "gold", "mark", "hook", "keep"),
    ("start", "pause", "kind", "hello", "thank", "keep"),
)
MAIL_VISIT, HOOK_VISIT = 4, 6
COUNT = {"changes": [{"attribute": "customProperties.journeys", "increment": 1}]}


@dataclass(frozen=True)
class Scale:
    """How many people come, in batches of how many, and how long between two batches."""

    people: int
    batch: int = 25
    pause: float = 0.0


def person(number: int) -> str:
    """Return the user id of a person: ada-0000, bo-0001, …"""
    return f"{NAMES[number % 10].lower()}-{number:04d}"


def silent(number: int) -> bool:
    """Tell whether a person never said yes to email."""
    return number % 20 == 0


def golden(number: int) -> bool:
    """Tell whether a person is a gold member, who gets a mail of their own."""
    return number % 3 == 0


def leaver(number: int) -> bool:
    """Tell whether a person goes back to the free plan in the afternoon."""
    return number % 10 == 4


def regular(number: int) -> bool:
    """Tell whether a person orders a second time, which does not start a second journey."""
    return number % 10 == 7


def prepare() -> None:
    """Make segments, lists, a template and the two flows, all running."""
    ensure_defaults()
    for slug in FLOWS.values():
        create_list(name=slug.capitalize(), slug=slug, actor=HOUSE)
    template = create_template(
        name="Gold", slug="gold", subject="For you, {{ contact.firstName }}", body="<p>Gold records.</p>", actor=HOUSE
    )
    publish_template(template, actor=HOUSE)
    _prepare_segments()
    recompute_waiting()
    _prepare_flow("welcome", {"kind": "contact_segment", "settings": {"segment": "pros", "when": "enters"}})
    _prepare_flow("thanks", {"kind": "event", "settings": {"event_name": ORDERED}})


def _prepare_segments() -> None:
    pro = _is("customProperties.plan", "pro")
    count = {"function": "count", "operator": ">=", "value": 1}
    ordered = {"type": "EVENT", "eventName": ORDERED, "aggregate": count, "window": {"last": "30d"}}
    twice = {"type": "EVENT", "eventName": ORDERED, "aggregate": {**count, "value": 2}}
    for slug, criteria in {
        "pros": pro,
        "buyers": ordered,
        "pro-buyers": {"operator": "AND", "conditions": [{"type": "SEGMENT", "segment": "pros"}, ordered]},
        "regulars": {"operator": "OR", "conditions": [twice]},
        "welcomed-free": {
            "operator": "AND",
            "conditions": [{"type": "LIST", "list": "welcomed"}, {**pro, "negate": True}],
        },
    }.items():
        create_segment(name=slug.capitalize(), slug=slug, kind="dynamic", criteria=_group(criteria), actor=HOUSE)


def _is(name: str, value: Any) -> dict[str, Any]:
    return {"type": "PROPERTY", "propertyName": name, "operator": "=", "value": value}


def _group(criteria: dict[str, Any]) -> dict[str, Any]:
    return criteria if "conditions" in criteria else {"operator": "AND", "conditions": [criteria]}


def _prepare_flow(slug: str, trigger: dict[str, Any]) -> None:
    settings: dict[str, dict[str, Any]] = {
        "pause": {"duration": "2s"},
        "kind": {"branches": [{"port": "gold", "criteria": _group(_is("customProperties.tier", "gold"))}]},
        "gold": {"template": "gold"},
        "hello": {"subject": "Hello", "body": "<p>Hello {{ contact.firstName }}</p>"},
        "thank": COUNT,
        "mark": COUNT,
        "hook": {"url": "https://example.com/hook"},
        "keep": {"list": FLOWS[slug]},
    }
    kinds = "wait split send_email send_email update_contact update_contact webhook add_to_list".split()
    nodes = [{"id": "start", **trigger}]
    nodes += [{"id": key, "kind": kind, "settings": settings[key]} for key, kind in zip(settings, kinds, strict=True)]
    ways = "start>pause pause>kind kind:gold>gold kind:else>hello".split()
    ways += "gold>mark mark>hook hook>keep hello>thank thank>keep".split()
    edges = [_edge(*way.split(">")) for way in ways]
    flow = create_flow(name=slug.capitalize(), slug=slug, draft={"nodes": nodes, "edges": edges}, actor=HOUSE)
    activate(flow, settings={"entry": "new"}, actor=HOUSE)


def _edge(source: str, target: str) -> dict[str, str]:
    source, _, port = source.partition(":")
    return {"from": source, "port": port or "next", "to": target}


def morning(scale: Scale) -> Iterator[list[dict[str, Any]]]:
    """Yield the batches in which everybody turns pro and orders."""
    for first in range(0, scale.people, scale.batch):
        numbers = range(first, min(first + scale.batch, scale.people))
        yield [item for number in numbers for item in (_identify(number, "pro", "am"), _order(number, "am"))]


def afternoon(scale: Scale) -> Iterator[list[dict[str, Any]]]:
    """Yield the batches in which some go back to the free plan and some order again."""
    items = [_identify(number, "free", "pm") for number in range(scale.people) if leaver(number)]
    items += [_order(number, "pm") for number in range(scale.people) if regular(number)]
    for first in range(0, len(items), scale.batch):
        yield items[first : first + scale.batch]


def _identify(number: int, plan: str, when: str) -> dict[str, Any]:
    name = NAMES[number % 10]
    traits = {"firstName": name, "email": f"{person(number)}@example.com", "plan": plan}
    traits |= {"tier": "gold" if golden(number) else "plain"}
    consent = {} if silent(number) else {"emailSubscribed": True}
    return {
        "type": "identify",
        "messageId": f"plan-{when}-{number}",
        "userId": person(number),
        "traits": {**traits, **consent},
    }


def _order(number: int, when: str) -> dict[str, Any]:
    properties = {"orderId": f"{when}-{number}", "revenue": number % 50}
    return {
        "type": "track",
        "messageId": f"order-{when}-{number}",
        "userId": person(number),
        "event": ORDERED,
        "properties": properties,
    }


def feed(batches: Iterator[list[dict[str, Any]]], pause: float) -> None:
    """Bring the batches in as a client does who was told nothing: each one again until it is taken."""
    for items in batches:
        while not _brought(items):
            time.sleep(0.1)
        time.sleep(pause)


def _brought(items: list[dict[str, Any]]) -> bool:
    try:
        faults = [fault for fault in take(items, source=SOURCE, received_at=clock.now()) if fault]
    except (OperationalError, InterfaceError):
        connection.close()
        return False
    assert not faults, faults
    return True
