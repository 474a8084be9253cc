"""What the stories about the canvas share: segments, templates, and a flow being drawn."""

from threading import Thread
from typing import Any

import pytest
from django.test import Client

from contacts.ingest import Source, take
from contacts.models import Contact
from flows import crank
from flows.models import Flow
from flows.services import create_flow
from messaging.services import create_template, publish_template
from segmentation.models import Segment
from segmentation.services import add_members, create_segment
from workspace import clock, doorbell
from workspace.audit import HOUSE

NODES = [
    {"id": "start", "kind": "contact_segment", "settings": {"segment": "signed-up", "when": "enters"}},
    {"id": "wait", "kind": "wait", "settings": {"duration": "2d"}},
    {
        "id": "split",
        "kind": "split",
        "settings": {
            "branches": [
                {
                    "port": "nl",
                    "label": "Lives in the Netherlands",
                    "criteria": {"type": "PROPERTY", "propertyName": "country", "operator": "=", "value": "NL"},
                }
            ]
        },
    },
    {"id": "dutch", "kind": "send_email", "settings": {"template": "welkom"}},
    {"id": "english", "kind": "send_email", "settings": {"template": "welcome"}},
    {"id": "mark", "kind": "update_contact", "settings": {"changes": [{"attribute": "customProperties.greeted", "set": "yes"}]}},
]  # fmt: skip
EDGES = [
    {"from": "start", "port": "next", "to": "wait"},
    {"from": "wait", "port": "next", "to": "split"},
    {"from": "split", "port": "nl", "to": "dutch"},
    {"from": "split", "port": "else", "to": "english"},
    {"from": "dutch", "port": "next", "to": "mark"},
    {"from": "english", "port": "next", "to": "mark"},
]
DRAFT = {"nodes": NODES, "edges": EDGES}


@pytest.fixture(autouse=True)
def _pokes_from_a_thread(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Playwright's loop runs in this thread, in which nothing asynchronous may be waited for: poke from another."""
    poke = doorbell.poke

    def elsewhere(topics: Any) -> None:
        other = Thread(target=poke, args=[list(topics)])
        other.start()
        other.join()

    if request.node.get_closest_marker("browser"):
        monkeypatch.setattr(doorbell, "poke", elsewhere)


@pytest.fixture
def signed_up(db: None) -> Segment:
    """Return the static segment Signed Up, with nobody in it yet."""
    return create_segment(name="Signed Up", slug="signed-up", actor=HOUSE)


@pytest.fixture
def templates(db: None) -> None:
    """Publish the two welcome templates."""
    for slug, name in (("welcome", "Welcome"), ("welkom", "Welkom")):
        made = create_template(name=name, slug=slug, subject=name, body="<p>Hi</p>", transactional=True, actor=HOUSE)
        publish_template(made, actor=HOUSE)


@pytest.fixture
def blank(signed_up: Segment) -> Flow:
    """Return a flow with nothing but an unset segment trigger."""
    return create_flow(name="Engaged users", trigger_kind="contact_segment", actor=HOUSE)


@pytest.fixture
def drawn(signed_up: Segment, templates: None) -> Flow:
    """Return a whole flow, not running."""
    return create_flow(name="Welcome", draft=DRAFT, actor=HOUSE)


@pytest.fixture
def ada(client: Client, admin_user: Any) -> Client:
    """Return a browser in which Ada has signed in."""
    client.force_login(admin_user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def met(*people: str) -> list[int]:
    """Make people known, and return their ids."""
    traits = [{"type": "identify", "userId": who, "traits": {"email": f"{who}@example.com", "firstName": who.title()}} for who in people]  # fmt: skip
    assert take(traits, source=Source("shop"), received_at=clock.now()) == [None] * len(people)
    return list(Contact.objects.filter(user_id__in=people).order_by("pk").values_list("pk", flat=True))


def join(segment: Segment, *people: str) -> None:
    """Put people into a segment and let the engine look."""
    add_members(segment, met(*people), actor=HOUSE)
    crank.turn(5)
