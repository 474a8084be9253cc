"""What the stories about contacts share."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from contacts.ingest import Source, Taken, take_in
from workspace.audit import HOUSE
from workspace.keys import make_key

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SERVER = Source("server")
PAGE = Source("web", public=True)


def tell(*items: dict[str, Any], source: Source = SERVER, at: datetime = NOON, **rest: Any) -> Taken:
    """Take items in and insist that all of them were good."""
    taken = take_in(items, source=source, received_at=at, **rest)
    assert taken.faults == [None] * len(items)
    return taken


def track(who: str, event: str, **properties: Any) -> dict[str, Any]:
    """Say that somebody did something."""
    return {"type": "track", "userId": who, "event": event, "properties": properties}


def identify(who: str, **traits: Any) -> dict[str, Any]:
    """Say who somebody is."""
    return {"type": "identify", "userId": who, "traits": traits}


@pytest.fixture
def ingest_key(db: None) -> str:
    """The secret of a server's key."""
    return make_key(name="shop", scope="ingest", actor=HOUSE)[1]


@pytest.fixture
def public_key(db: None) -> str:
    """The secret of a web page's key."""
    return make_key(name="page", scope="ingest", public=True, actor=HOUSE)[1]


@pytest.fixture
def post(client: Client, ingest_key: str) -> Callable[..., HttpResponse]:
    """Post to a door with the server's key; bytes go as they are."""

    def send(path: str, body: Any, **headers: str) -> HttpResponse:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers.setdefault("authorization", f"Bearer {ingest_key}")
        return client.post(path, raw, content_type="application/json", headers=headers)

    return send
