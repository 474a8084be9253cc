"""The short way to the doors of ingest: an ASGI application that stands before Django's.

Django makes a thread for each request, takes a connection from the pool and asks whether it lives, and tells of the
request's beginning and end: half of what a call of a hundred events costs. Here a few threads stay, each with its connection.
"""

import asyncio
import select
from collections.abc import Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import structlog
from asgiref.typing import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from psycopg_pool import PoolTimeout

from config.middleware import unavailable
from contacts import doors
from contacts.doors import CALL_LIMIT, Call, Reply
from contacts.spec import KINDS

DOORS = {f"{base}/v1/{kind}{end}": kind for base in ("", "/api") for kind in (*KINDS, "batch") for end in ("", "/")}
HANDS = 8  # calls that one process takes at a time; each keeps a connection, so fewer than the pool has
log = structlog.get_logger()


class Shortcut:
    """Answers calls to the doors of ingest, and hands everything else on."""

    def __init__(self, beyond: ASGI3Application, hands: Executor | None = None) -> None:
        self._beyond = beyond
        self._hands = hands or ThreadPoolExecutor(HANDS, "ingest")

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or (kind := door_of(scope)) is None:
            await self._beyond(scope, receive, send)
            return
        call = _call(scope, kind, await _body(receive))
        await _send(await asyncio.get_running_loop().run_in_executor(self._hands, answer, call), send)


def door_of(scope: HTTPScope) -> str | None:
    """Name the door of a call; one that must first be sent to https goes the long way, which does so."""
    kind = DOORS.get(scope["path"])
    if kind and settings.SECURE_SSL_REDIRECT and scope["scheme"] != "https":
        return kind if _header(scope["headers"], b"x-forwarded-proto") == "https" else None
    return kind


def answer(call: Call) -> Reply:
    """Answer a call in a thread that keeps its connection; no fault here is anything but an answer."""
    try:
        _let_go_of_the_dead()
        reply = doors.answer(call)
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        _let_go()
        away = unavailable(error)
        assert away is not None
        reply = Reply(away.status_code, away.content, dict(away.items()))
    except Exception:
        _let_go()
        log.exception("ingest.failed", door=call.kind)
        reply = Reply(500, b'{"title": "Something went wrong here", "status": 500}', {"Content-Type": doors.PROBLEM})
    reply.headers["X-Content-Type-Options"] = "nosniff"
    return reply


def _let_go_of_the_dead() -> None:
    """Give a connection back on which the server said something between calls: that it has closed it."""
    held = connection.connection
    if held is not None and (held.closed or _is_heard(held.fileno())):
        _let_go()


def _let_go() -> None:
    if not connection.in_atomic_block:  # as in tests
        connection.close()


def _is_heard(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


async def _body(receive: ASGIReceiveCallable) -> bytes | None:
    """Read the body to its end, keeping no more than one that is too large needs; None when it broke off."""
    parts, kept = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        if kept <= CALL_LIMIT and (part := message.get("body", b"")):
            parts.append(part)
            kept += len(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _call(scope: HTTPScope, kind: str, body: bytes | None) -> Call:
    names = (b"authorization", b"content-encoding", b"origin")
    return Call(kind, scope["method"], body, *(_header(scope["headers"], name) for name in names))


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    return next((value.decode("latin1") for known, value in headers if known == name), "")


async def _send(reply: Reply, send: ASGISendCallable) -> None:
    headers: list[Any] = [(name.encode(), value.encode("latin1")) for name, value in reply.headers.items()]
    headers.append((b"Content-Length", b"%d" % len(reply.body)))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": reply.body, "more_body": False})
