"""What the stories about flows share: a clock to turn, people who do things, and the engine, one turn at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection

from contacts.ingest import Source, take
from contacts.models import Contact, List, Topic
from flows import crank, services, standing
from flows.invariants import CHECKS
from flows.models import Enrollment, Entry, Flow, Step
from messaging.models import Message, Template
from messaging.services import create_template, publish_template
from segmentation import evaluation
from segmentation.models import Segment, Transition
from segmentation.services import create_segment
from workspace import clock
from workspace.audit import HOUSE
from workspace.durations import Duration

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SHOP = Source("shop")


class World:
    """A shop on the second of March at noon, and what happens there."""

    def __init__(self) -> None:
        self.at = NOON
        self.turn_clock(NOON)

    def turn_clock(self, at: datetime) -> None:
        self.at = at
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('tributary.now', %s, false)", [at.isoformat()])

    def later(self, duration: str) -> None:
        """Let time pass, and the engine do what falls due."""
        self.turn_clock(Duration.parse(duration).after(self.at))
        self.settle()

    def settle(self) -> None:
        """Let the engine do all that is to do now."""
        evaluation.recompute_waiting()
        evaluation.pass_time()
        for _ in range(50):
            looked, progress = crank.turn_once()
            if not looked and not progress.handled:
                break
        standing.pass_time()
        services.end_drained()

    def does(self, who: str, event: str, **properties: Any) -> None:
        """Somebody does something, and the engine hears of it."""
        self.did(who, event, **properties)
        self.settle()

    def did(self, who: str, event: str, **properties: Any) -> None:
        """Somebody does something; the engine has not looked yet."""
        item = {"type": "track", "userId": who, "event": event, "properties": properties}
        assert take([{**item, "timestamp": self.at.isoformat()}], source=SHOP, received_at=self.at) == [None]

    def meets(self, *people: str, **traits: Any) -> None:
        """People become known."""
        items = [
            {
                "type": "identify",
                "userId": who,
                "traits": {"email": f"{who}@example.com", "firstName": who.title(), **traits},
            }
            for who in people
        ]
        assert take(items, source=SHOP, received_at=self.at) == [None] * len(people)

    def contact(self, who: str) -> Contact:
        return Contact.objects.get(user_id=who)

    def journeys(self, who: str) -> list[tuple[str, str, str]]:
        """Return (status, node, reason) of each of somebody's journeys."""
        rows = Enrollment.objects.filter(contact__user_id=who).order_by("id")
        return list(rows.values_list("status", "node", "reason"))

    def refusals(self, who: str) -> list[str]:
        rows = Entry.objects.filter(contact__user_id=who, outcome="refused").order_by("id")
        return list(rows.values_list("reason", flat=True))

    def path(self, who: str) -> list[str]:
        rows = Step.objects.filter(enrollment__contact__user_id=who).order_by("enrollment_id", "visit")
        return list(rows.values_list("node", flat=True))

    def mails(self, who: str) -> list[tuple[str, str]]:
        """Return (status, subject) of what is to be said to somebody."""
        rows = Message.objects.filter(contact__user_id=who).order_by("id")
        return [(status, content.get("subject", "")) for status, content in rows.values_list("status", "content")]

    def template(self, slug: str) -> Template:
        Topic.objects.get_or_create(slug="news", defaults={"name": "News"})
        made = create_template(
            name=slug, slug=slug, subject=f"About {slug}", body="<p>Hi</p>", topic="news", actor=HOUSE
        )
        publish_template(made, actor=HOUSE)
        made.refresh_from_db()
        return made

    def make_topic(self, slug: str) -> Topic:
        return Topic.objects.get_or_create(slug=slug, defaults={"name": slug.title()})[0]

    def make_list(self, slug: str) -> List:
        return List.objects.get_or_create(slug=slug, defaults={"name": slug})[0]

    def listed(self, slug: str) -> list[str]:
        return sorted(Contact.objects.filter(list_members__list__slug=slug).values_list("user_id", flat=True))  # type: ignore[arg-type]

    def segment(self, slug: str, criteria: Any = None) -> Segment:
        """Make a segment: dynamic with criteria, static without; who is in is known when this returns."""
        kind = "static" if criteria is None else "dynamic"
        made = create_segment(name=slug.title(), slug=slug, kind=kind, criteria=criteria, actor=HOUSE)
        self.settle()
        return made

    def transitions(self, who: str) -> list[tuple[str, str]]:
        rows = Transition.objects.filter(contact__user_id=who).order_by("id")
        return list(rows.values_list("segment__slug", "kind"))

    def flow(self, *nodes: tuple[str, str, dict[str, Any]], edges: str = "", **settings: Any) -> Flow:
        """Make and activate a flow of these nodes, in a row unless the edges ("a:port>b …") say otherwise."""
        flow = self.drawn(*nodes, edges=edges)
        return services.activate(flow, settings=settings, actor=HOUSE)

    def drawn(self, *nodes: tuple[str, str, dict[str, Any]], edges: str = "") -> Flow:
        draft = {"nodes": [{"id": k, "kind": kind, "settings": s} for k, kind, s in nodes], "edges": row(nodes, edges)}
        return services.create_flow(name=f"Flow {Flow.objects.count()}", draft=draft, actor=HOUSE)


def row(nodes: Any, edges: str) -> list[dict[str, str]]:
    if edges:
        ways = [one.replace(">", ":").split(":") for one in edges.split()]
        return [{"from": source, "port": port, "to": target} for source, port, target in ways]
    keys = [key for key, _, _ in nodes]
    return [{"from": one, "port": "next", "to": two} for one, two in pairwise(keys)]


def broken() -> dict[str, list[Any]]:
    """Return every invariant that does not hold, with the rows that break it."""
    found = {}
    with connection.cursor() as cursor:
        for name, sql in CHECKS.items():
            cursor.execute(sql)
            if rows := cursor.fetchall():
                found[name] = rows
    return found


def _world() -> Iterator[World]:
    with clock.at(NOON):
        yield World()
        assert broken() == {}


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """A shop whose invariants hold when the story ends."""
    yield from _world()


@pytest.fixture
def real_world(transactional_db: None) -> Iterator[World]:
    """A shop whose transactions commit, for stories with several workers."""
    yield from _world()


STARTS = ("start", "event", {"event_name": "Signed Up"})
WELCOME = ("mail", "send_email", {"subject": "Welcome", "body": "<p>Hello</p>", "transactional": True})


def wait(duration: str, key: str = "wait") -> tuple[str, str, dict[str, Any]]:
    return key, "wait", {"duration": duration}


def property_is(name: str, value: Any) -> dict[str, Any]:
    return {"type": "PROPERTY", "propertyName": name, "operator": "=", "value": value}
