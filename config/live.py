"""Live pages: one look at the database a second for each web process, however many people watch."""

import asyncio
import time
from contextlib import suppress
from typing import Any, ClassVar

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import get_channel_layer
from django.db import Error, connection
from redis.exceptions import RedisError

from workspace.doorbell import LIVE

log = structlog.get_logger()

# Which table's newest id tells that something happened on a topic.
TABLES = {
    "contacts": ("contacts_contact",),
    "events": ("contacts_event",),
    "segments": ("segmentation_transition", "segmentation_evaluation"),
    "flows": ("flows_step", "flows_entry"),
    "messages": ("messaging_message",),
    "reviews": ("workspace_reviewnote",),
    "mailbox": ("messaging_caughtmail",),
}
BEAT_SECONDS = 1.0
DEAF_SECONDS = 3.0  # a layer that does not bring our own pulse for so long is silent, or frozen
CHECKED_EVERY = 2  # beats: while the layer is silent everything is said to have moved, this often


class Live(AsyncJsonWebsocketConsumer):  # type: ignore[misc] # channels ships no types
    """Sends `{"topics": [...], "hears": ...}` when those topics moved, and whether the layer is heard; takes nothing in."""

    channel_layer_alias = "none"  # one listener per process hears the layer, not one per page
    watchers: ClassVar[set["Live"]] = set()
    tasks: ClassVar[list["asyncio.Task[None]"]] = []
    heard_at: ClassVar[float] = 0.0
    said: ClassVar[bool | None] = None  # what pages were last told about the layer

    async def connect(self) -> None:
        """Take in whoever has signed in, and nobody else."""
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            await self.close(code=4401)
            return
        await self.accept()
        Live.watchers.add(self)
        if not Live.tasks or any(task.done() for task in Live.tasks):
            for task in Live.tasks:
                task.cancel()
            Live.said = None
            Live.tasks = [asyncio.create_task(work) for work in (listen(), pulse(), beat())]
        elif Live.said is not None:
            await self.send_json({"topics": [], "hears": Live.said})

    async def disconnect(self, code: int) -> None:
        """Forget the watcher."""
        Live.watchers.discard(self)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Take nothing: pages only listen."""


def hears() -> bool:
    """Tell whether the layer has brought anything lately; our own pulse comes once a second."""
    return bool(Live.heard_at) and time.monotonic() - Live.heard_at < DEAF_SECONDS


async def tell(topics: list[str]) -> None:
    """Send topics to every watcher of this process."""
    content = {"topics": topics, "hears": hears()}
    await asyncio.gather(*(one.send_json(content) for one in list(Live.watchers)), return_exceptions=True)


async def listen() -> None:
    """Pass on what workers poke through the channel layer, for as long as anybody watches."""
    layer = get_channel_layer()
    while Live.watchers and layer is not None:
        try:
            async with asyncio.timeout(DEAF_SECONDS):
                channel = await layer.new_channel()
                await layer.group_add(LIVE, channel)
            Live.heard_at = time.monotonic()
            while Live.watchers:
                message = await asyncio.wait_for(layer.receive(channel), DEAF_SECONDS)
                Live.heard_at = time.monotonic()
                if message["topics"]:
                    await tell(message["topics"])
        except (RedisError, OSError, TimeoutError) as error:
            Live.heard_at = 0.0
            log.warning("live.deaf", error=str(error) or type(error).__name__)
            await asyncio.sleep(BEAT_SECONDS)


async def pulse() -> None:
    """Send ourselves a word a second through the layer: one that was frozen or killed says nothing of it by itself."""
    layer = get_channel_layer()
    while Live.watchers and layer is not None:
        with suppress(RedisError, OSError, TimeoutError):
            await asyncio.wait_for(layer.group_send(LIVE, {"type": "live.moved", "topics": []}), BEAT_SECONDS)
        await asyncio.sleep(BEAT_SECONDS)


async def beat() -> None:
    """Look once a second whether the newest ids moved, and tell which topics did."""
    before: dict[str, list[int]] = {}
    turn = 0
    while Live.watchers:
        turn += 1
        now = await database_sync_to_async(newest)()
        moved = [topic for topic, ids in now.items() if before.get(topic, ids) != ids]
        if not hears() and turn % CHECKED_EVERY == 0:
            moved = list(TABLES)
        before = now or before
        if moved or (turn > 1 and hears() != Live.said):
            await tell(moved)
            Live.said = hears()
        await asyncio.sleep(BEAT_SECONDS)


def newest() -> dict[str, list[int]]:
    """Return the newest ids by topic, or nothing while the database is away."""
    names = [table for tables in TABLES.values() for table in tables]
    columns = ", ".join(f"(SELECT last_value FROM {name}_id_seq)" for name in names)  # noqa: S608 - names of our own tables
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {columns}")
            found = dict(zip(names, cursor.fetchone() or (), strict=True))
    except Error as error:
        log.warning("live.blind", error=str(error))
        return {}
    return {topic: [found[name] for name in tables] for topic, tables in TABLES.items()}
