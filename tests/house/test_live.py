"""Live pages: who may listen, and how soon a posted event is heard, with and without Redis."""

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from socket import create_server
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.db import connections
from django.test import Client

from config.asgi import application
from config.live import Live
from contacts.ingest import Source, take
from tests.house.conftest import signed_in
from workspace import clock, doorbell

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 10  # the promise is two seconds; a busy machine is not a broken promise
DEAD = "redis://127.0.0.1:9/0"


@pytest.fixture(autouse=True)
def _nobody_listens() -> Iterator[None]:
    """Each test has a loop of its own: forget the watchers and tasks of the last one."""
    yield
    Live.watchers.clear()
    Live.tasks.clear()
    Live.heard_at = 0.0
    Live.said = None


class Socket(ApplicationCommunicator):
    """A page's socket; the one of channels wants a server that the house does not use."""

    async def connect(self) -> bool:
        """Tell whether the house takes this socket."""
        await self.send_input({"type": "websocket.connect"})
        return bool((await self.receive_output(PATIENCE))["type"] == "websocket.accept")

    async def hear(self) -> dict[str, Any]:
        """Return the next thing said."""
        return dict(json.loads((await self.receive_output(PATIENCE))["text"]))

    async def leave(self) -> None:
        """Close the page."""
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(PATIENCE)


def page(client: Client | None = None, origin: str = "http://testserver") -> Socket:
    """Open the socket as a page of this origin would."""
    headers = [(b"origin", origin.encode()), (b"host", b"testserver")]
    if client is not None:
        headers.append((b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode()))
    scope = {"type": "websocket", "path": "/ws/live/", "query_string": b"", "headers": headers, "subprotocols": []}
    return Socket(application, scope)


def in_a_thread(whole: Callable[[], Any]) -> Any:
    """Run it in a thread of its own: a browser of an earlier test may have left a loop in this one."""

    def alone() -> Any:
        try:
            return async_to_sync(whole)()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(alone).result()


def told(story: Callable[[], Any]) -> Any:
    """Run a story in a loop of its own, and end the listening when it is over."""

    async def whole() -> Any:
        try:
            return await story()
        finally:
            for task in Live.tasks:
                task.cancel()
            await asyncio.gather(*Live.tasks, return_exceptions=True)

    return in_a_thread(whole)


async def connects(socket: Socket) -> bool:
    """Knock, and leave again."""
    taken = await socket.connect()
    await socket.leave()
    return taken


def order(message_id: str = "m1") -> None:
    """Anna orders."""
    item = {"type": "track", "userId": "anna", "event": "Order Completed", "messageId": message_id}
    assert take([item], source=Source("shop"), received_at=clock.now()) == [None]


async def heard(socket: Socket, wanted: set[str]) -> set[str]:
    """Listen until all these topics have been named, and return every topic that was."""
    topics: set[str] = set()
    async with asyncio.timeout(PATIENCE):
        while not wanted <= topics:
            topics |= set((await socket.hear())["topics"])
    return topics


def test_a_stranger_hears_nothing() -> None:
    assert told(lambda: connects(page())) is False


def test_a_page_of_another_house_is_refused_even_with_adas_cookie(ada: Client) -> None:
    for origin in ("https://evil.example", "null"):
        assert told(lambda origin=origin: connects(page(ada, origin))) is False


def test_adas_page_is_taken(ada: Client) -> None:
    assert told(lambda: connects(page(ada))) is True


def test_a_person_who_was_switched_off_is_refused(ada: Client, admin_user: Any) -> None:
    admin_user.is_active = False
    admin_user.save()
    assert told(lambda: connects(page(ada))) is False


async def listens(client: Client) -> set[str]:
    """Open a page, let it settle, let Anna order, and return what the page hears."""
    socket = page(client)
    assert await socket.connect()
    await asyncio.sleep(1.2)  # the first look only learns where things stand
    await sync_to_async(order)()
    topics = await heard(socket, {"events", "contacts"})
    await socket.leave()
    return topics


def test_an_open_page_hears_of_a_posted_event(ada: Client) -> None:
    assert {"events", "contacts"} <= told(lambda: listens(ada))


@pytest.fixture
def redis_at(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Give a function that moves Redis to another address for this test."""

    def move(url: str) -> None:
        settings.REDIS_URL = url
        settings.CHANNEL_LAYERS = {"default": {**settings.CHANNEL_LAYERS["default"], "CONFIG": {"hosts": [url]}}}
        monkeypatch.setattr(doorbell, "_client", None)
        monkeypatch.setattr(doorbell, "_silent_until", 0.0)

    return move


@pytest.fixture
def frozen() -> Iterator[str]:
    """Return the address of a Redis that takes calls and answers nothing, as a stopped process does."""
    with create_server(("127.0.0.1", 0)) as silent:
        yield f"redis://127.0.0.1:{silent.getsockname()[1]}/0"


def test_an_open_page_hears_of_it_though_redis_is_away(ada: Client, redis_at: Callable[[str], None]) -> None:
    redis_at(DEAD)
    assert {"events", "contacts"} <= told(lambda: listens(ada))


def test_an_open_page_hears_of_it_though_redis_is_frozen(
    ada: Client, redis_at: Callable[[str], None], frozen: str
) -> None:
    redis_at(frozen)
    assert {"events", "contacts"} <= told(lambda: listens(ada))


async def says(client: Client, hears: bool) -> bool:
    """Open a page and wait until it is told this about the workers; whether a second page is told so at once."""
    first, second = page(client), page(client)
    assert await first.connect()
    async with asyncio.timeout(PATIENCE):
        while (await first.hear())["hears"] is not hears:
            pass
    assert await second.connect()
    answer = await second.hear()
    for one in (first, second):
        await one.leave()
    return bool(answer["hears"]) is hears


def test_an_open_page_is_told_that_the_workers_are_heard(ada: Client) -> None:
    assert told(lambda: says(ada, True))


def test_an_open_page_is_told_when_redis_is_away_or_frozen(
    ada: Client, redis_at: Callable[[str], None], frozen: str
) -> None:
    for url in (DEAD, frozen):
        redis_at(url)
        assert told(lambda: says(ada, False))
        Live.watchers.clear()
        Live.tasks.clear()
        Live.heard_at = 0.0


def test_a_poke_of_a_worker_reaches_every_open_page(ada: Client, viewer: Any) -> None:
    async def story() -> list[set[str]]:
        sockets = [page(ada), page(vic)]
        for socket in sockets:
            await socket.connect()
        async with asyncio.timeout(PATIENCE):
            while not Live.heard_at:
                await asyncio.sleep(0.05)
        await sync_to_async(doorbell.poke)(["segment:7"])
        topics = [await heard(socket, {"segment:7"}) for socket in sockets]
        for socket in sockets:
            await socket.leave()
        return topics

    vic = signed_in(viewer)
    assert all("segment:7" in topics for topics in told(story))
