"""Calling out safely: one checked address, no redirects, one deadline for all of it, and a cap on what comes back."""

import contextlib
import os
import re
import socket
import threading
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit
from urllib.parse import quote as _percent

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from requests_hardened import Config, HTTPSession
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from workspace import addresses

DEADLINE = 10.0
CONNECT_SECONDS = 3.0
BODY_LIMIT = 64 * 1024
KEPT = 4 * 1024
URL_LIMIT = 2048
_ODD = re.compile(r"[\x00-\x20\x7f\\]")
_NUMERIC = re.compile(r"^(0x[0-9a-f]*|[0-9]+)$", re.I)
_QUAD = re.compile(r"^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$")


class NotCalled(Exception):
    """An address that may not be called; nothing was sent."""


class NoAnswer(Exception):
    """A call that may have arrived, but whose answer did not; `sent` tells whether the connection stood."""

    def __init__(self, message: str, *, sent: bool) -> None:
        self.sent = sent
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, its body cut to what is kept."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that has passed, with the one address that is connected to."""

    url: str
    host: str
    address: str


def quote(text: str) -> str:
    """Return a value so that it stays one part of a URL."""
    return _percent(text, safe="")


def split(url: str) -> SplitResult:
    """Return the parts of a URL that could be called; raise NotCalled with a sentence otherwise. Resolves nothing."""
    if not isinstance(url, str) or len(url) > URL_LIMIT or _ODD.search(url):
        raise NotCalled(f"Write a URL of at most {URL_LIMIT} characters without spaces or backslashes.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotCalled("This is not a URL.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotCalled("The URL must begin with http:// or https:// and name a host.")
    if "@" in parts.netloc:
        raise NotCalled("The URL must not contain a user name; put secrets into a header.")
    if port is not None and port not in (80, 443) and port < 1024:
        raise NotCalled(f"Port {port} is not called; use 80, 443 or one from 1024 on.")
    return parts


def check(url: str) -> Target:
    """Resolve a URL's host once and return the address to connect to; raise NotCalled when it must not be called."""
    parts = split(url)
    host = _ascii(parts.hostname or "")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    allowed = {one.lower() for one in settings.WEBHOOK_ALLOWED_HOSTS}
    trusted = bool({host, f"{host}:{port}"} & allowed)
    if not trusted and (host.endswith(".") or _NUMERIC.match(host.rpartition(".")[2])) and not _QUAD.match(host):
        raise NotCalled("Write the host as a name or as four numbers with dots.")
    try:
        found = addresses.resolve(host, port)
    except (OSError, UnicodeError, ValueError) as error:
        raise NotCalled(f'The host "{host[:100]}" cannot be found.') from error
    if not found or not (trusted or all(map(addresses.is_public, found))):
        raise NotCalled(f'The host "{host[:100]}" is inside a private network and is not called.')
    return Target(url, host, str(found[0]))


def _ascii(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii").lower() if not host.isascii() else host.lower()
    except UnicodeError as error:
        raise NotCalled("The host of the URL is not a name.") from error


def call(
    method: str, url: str, *, headers: Mapping[str, str], body: bytes, deadline: float = DEADLINE, keep: int = KEPT
) -> Answer:
    """Call a URL once and return its answer; raise NotCalled before, or NoAnswer after, anything was sent."""
    target = check(url)
    with _Watch(deadline) as watch, HTTPSession(_CONFIG) as session:
        session.trust_env = False
        session.mount("http://", _Pinned(target, watch))
        session.mount("https://", _Pinned(target, watch))
        try:
            with session.request(
                method,
                url,
                headers={"User-Agent": "Tributary", **headers},
                data=body,
                stream=True,
                timeout=(min(CONNECT_SECONDS, deadline), deadline),
            ) as response:
                return Answer(response.status_code, _headers(response), _body(response, watch, keep))
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise NoAnswer(watch.explain(error), sent=watch.connected) from error


_CONFIG = Config(
    ip_filter_enable=False,  # our own adapter filters, by our own list, and pins the address
    ip_filter_allow_loopback_ips=False,
    never_redirect=True,
    default_timeout=(CONNECT_SECONDS, DEADLINE),
)


def _headers(response: requests.Response) -> dict[str, str]:
    return {name: value[:200] for name, value in list(response.headers.items())[:20] if name.lower() in _KEPT_HEADERS}


_KEPT_HEADERS = frozenset(("content-type", "retry-after", "date", "x-request-id"))


def _body(response: requests.Response, watch: "_Watch", keep: int) -> str:
    """Read at most BODY_LIMIT bytes off the wire, and inflate no more of them than is kept."""
    raw = bytearray()
    while len(raw) < BODY_LIMIT and not watch.over:
        part = response.raw.read(min(8192, BODY_LIMIT - len(raw)), decode_content=False)
        if not part:
            break
        raw += part
    if watch.over:
        raise TimeoutError("over")
    return _inflated(bytes(raw), response.headers.get("Content-Encoding", ""), keep).decode("utf-8", "replace")


def _inflated(raw: bytes, coding: str, keep: int) -> bytes:
    if coding.strip().lower() in ("gzip", "x-gzip", "deflate"):
        try:
            return zlib.decompressobj(wbits=47).decompress(raw, keep)
        except zlib.error:
            return b""
    return raw[:keep]


class _Watch:
    """Cuts the connection when the deadline is over, wherever the call then is."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.ends = time.monotonic() + deadline
        self.connected = False
        self._lines: list[socket.socket] = []
        self._timer = threading.Timer(deadline, self._cut)
        self._timer.daemon = True

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.ends

    def hold(self, line: socket.socket) -> socket.socket:
        # A second descriptor of the same connection: TLS takes the first one over.
        self.connected = True
        self._lines.append(socket.socket(fileno=os.dup(line.fileno())))
        return line

    def explain(self, error: Exception) -> str:
        if self.over:
            return f"There was no whole answer within {self.deadline:g} seconds."
        return f"The call failed: {type(error).__name__}."

    def _cut(self) -> None:
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "_Watch":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        for line in self._lines:
            line.close()


class _Pinned(HTTPAdapter):
    """Connects to the address that was checked, while Host, SNI and the certificate go by the name."""

    def __init__(self, target: Target, watch: _Watch) -> None:
        self.target, self.watch = target, watch
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self.watch)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        request.headers["Host"] = urlsplit(self.target.url).netloc
        if host["scheme"] == "https":
            pool.update({"assert_hostname": self.target.host, "server_hostname": self.target.host})  # type: ignore[misc] # keys that urllib3 takes and the stubs do not know
        host["host"] = self.target.address
        return host, pool


def _pools(watch: _Watch) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return watch.hold(super()._new_conn())

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return watch.hold(super()._new_conn())

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
