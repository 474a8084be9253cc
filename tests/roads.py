"""The two ways to the doors of ingest: through Django's handler, and by the shortcut that stands before it."""

import asyncio
import queue
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.test import Client

from config.shortcut import DOORS, Shortcut


class Here(Executor):
    """Brings the work of a loop in another thread to the thread that asks, where a test's transaction is."""

    def __init__(self) -> None:
        self._asked: queue.Queue[Callable[[], None] | None] = queue.Queue()

    def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Lay it before the thread that asks."""
        promised: Future[Any] = Future()

        def do() -> None:
            try:
                promised.set_result(work(*args, **kwargs))
            except BaseException as error:
                promised.set_exception(error)

        self._asked.put(do)
        return promised

    def serve(self, talk: Coroutine[Any, Any, HttpResponse]) -> HttpResponse:
        """Let the talk go on in a thread of its own, and do the work it brings."""
        with ThreadPoolExecutor(1) as pool:
            told = pool.submit(asyncio.run, talk)
            told.add_done_callback(lambda _: self._asked.put(None))
            while (work := self._asked.get()) is not None:
                work()
            return told.result()


class ShortClient(Client):
    """A client whose calls to the doors go by the shortcut, as uvicorn would send them; the rest go as ever."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(**rest)
        self._long, self.handler = self.handler, self._by_the_shortcut  # type: ignore[assignment] # called the same way

    def _by_the_shortcut(self, environ: dict[str, Any]) -> Any:
        if environ["PATH_INFO"] not in DOORS:
            return self._long(environ)
        request = WSGIRequest(environ)
        answer = by_the_shortcut(_scope(environ), request.body)
        answer.wsgi_request = request  # type: ignore[attr-defined] # as the client of tests wants it
        return answer


def by_the_shortcut(scope: dict[str, Any], *parts: bytes) -> HttpResponse:
    """Send one request to the shortcut, its body in parts, and return what came back."""
    here = Here()
    return here.serve(_talk(here, scope, parts))


async def _talk(here: Here, scope: dict[str, Any], parts: tuple[bytes, ...]) -> HttpResponse:
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages[-1]["more_body"] = False
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async def beyond(*_: Any) -> None:
        raise AssertionError("this is no door")

    await Shortcut(beyond, here)(scope, receive, send)  # type: ignore[arg-type] # a scope as small as is looked at
    headers = {name.decode(): value.decode("latin1") for name, value in sent[0]["headers"]}
    return HttpResponse(b"".join(part["body"] for part in sent[1:]), status=sent[0]["status"], headers=headers)


def _scope(environ: dict[str, Any]) -> dict[str, Any]:
    named = {name.removeprefix("HTTP_"): value for name, value in environ.items() if name.startswith("HTTP_")}
    headers = [(name.replace("_", "-").lower().encode(), str(value).encode("latin1")) for name, value in named.items()]
    scheme = environ.get("wsgi.url_scheme", "http")
    return {
        "type": "http",
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "scheme": scheme,
        "headers": headers,
    }
