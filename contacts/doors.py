"""The HTTP doors of ingest: the Segment tracking spec, plain functions because they are the hottest of the house.

A call comes by `config.shortcut`, past Django's handler, or as any request does; both ask `answer`.
"""

import json
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from contacts.ingest import Source, Taken, take_in
from workspace import clean
from workspace.api import secret_in
from workspace.keys import digest, find_key
from workspace.models import Key
from workspace.problems import Fault, Refused

CALL_LIMIT = 500 * 1024
ITEM_LIMIT = 32 * 1024
BATCH_LIMIT = 1000
KEY_SECONDS = 3.0  # how long a key is believed without asking again; a revoked one is refused within 5 s
KEYS_REMEMBERED = 1000
JSON, PROBLEM = "application/json", "application/problem+json"
_keys: dict[str, tuple[float, Key]] = {}


@dataclass(frozen=True, slots=True)
class Call:
    """What of an HTTP request a door looks at."""

    kind: str
    method: str
    body: bytes | None  # None: it broke off; of one that is too large no more than a byte above the limit is needed
    authorization: str = ""
    encoding: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a door answers."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@csrf_exempt
def ingest(request: HttpRequest, kind: str) -> HttpResponse:
    """Take one call, or a batch of them, that came by way of Django."""
    try:
        body: bytes | None = request.read(CALL_LIMIT + 1)
    except UnreadablePostError:
        body = None
    told = (request.META.get(name, "") for name in ("HTTP_AUTHORIZATION", "HTTP_CONTENT_ENCODING", "HTTP_ORIGIN"))
    reply = answer(Call(kind, request.method or "", body, *told))
    return HttpResponse(reply.body, status=reply.status, headers=reply.headers)


def answer(call: Call) -> Reply:
    """Take one call, or a batch of them, whichever way they came."""
    try:
        if call.method == "OPTIONS":
            reply = Reply(204)
        elif call.method != "POST":
            raise Refused("Send this call as POST.", status=405)
        else:
            reply = _take(call)
    except clean.Unclean as error:
        faults = [Fault(error.path, error.message)] if error.path else []
        reply = _problem(Refused(error.message, faults, error.status))
    except Refused as error:
        reply = _problem(error)
    return _allow_origin(call, reply) if call.origin else reply


def _take(call: Call) -> Reply:
    key = _key(secret) if (secret := secret_in(call.authorization)) else None
    _refuse_bad_header(call, key)
    raw = _body(call)
    document, proven = clean.parse(raw, limit=CALL_LIMIT)
    if not isinstance(document, dict):
        raise Refused("The body must be a JSON object.", status=400)
    key = key or _key_in(document)
    items = _batch(document, proven) if call.kind == "batch" else [_single(document, call.kind)]
    faults = _oversized(items, len(raw), proven)
    if call.kind != "batch" and faults:
        raise Refused(faults[0].message, status=413)
    good = [item for index, item in enumerate(items) if index not in faults] if faults else items
    taken = take_in(good, source=source_of(key), proven=proven)
    return _reply(taken, faults, len(items))


def source_of(key: Key) -> Source:
    """Return the source a key writes as: message ids are accepted once per name, which survives rotation."""
    return Source(name=("web:" if key.public else "") + key.name[:36], public=key.public)


def _refuse_bad_header(call: Call, key: Key | None) -> None:
    if key is None and call.authorization:
        raise Refused("This key is not known here, or has been revoked or has expired.", status=401)


def _key_in(document: Mapping[str, Any]) -> Key:
    secret = document.get("writeKey")
    key = _key(secret) if isinstance(secret, str) and secret else None
    if key is None:
        raise Refused("Send a key: as Bearer, as the user name of Basic, or as writeKey in the body.", status=401)
    return key


def _key(secret: str) -> Key | None:
    """Return the live key of a secret, asking the database at most every few seconds."""
    known = digest(secret)
    until, key = _keys.get(known, (0.0, None))
    if time.monotonic() < until:
        return key
    found = find_key(secret)
    if len(_keys) >= KEYS_REMEMBERED:
        _keys.clear()
    if found is None:
        _keys.pop(known, None)
    else:
        _keys[known] = (time.monotonic() + KEY_SECONDS, found)
    return found


def _body(call: Call) -> bytes:
    if call.body is None:
        raise Refused("The body broke off.", status=400)
    if len(call.body) > CALL_LIMIT:
        raise Refused(f"The body is larger than {CALL_LIMIT:,} bytes, which is the most that is taken.", status=413)
    return _inflated(call.body) if call.encoding.strip().lower() == "gzip" else call.body


def _inflated(raw: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(raw, CALL_LIMIT + 1)
    except zlib.error as error:
        raise Refused("The body says it is gzip but is not.", status=400) from error


def _batch(document: dict[str, Any], proven: bool) -> list[Any]:
    """Return the items of a batch, with what the batch says for all of them laid below each."""
    items = document.pop("batch", None)
    if not proven:
        clean.check(document)
    if not isinstance(items, list) or not items:
        raise Refused("A batch has its items in the list `batch`.", [Fault("batch", "Send a list of items.")])
    if len(items) > BATCH_LIMIT:
        raise Refused(f"A batch has {len(items):,} items; at most {BATCH_LIMIT:,} are taken.", status=413)
    shared = {name: document[name] for name in ("sentAt", "context") if document.get(name) is not None}
    for item in items:
        if shared and isinstance(item, dict):
            for name, value in shared.items():
                item.setdefault(name, value)
    return items


def _single(document: dict[str, Any], kind: str) -> dict[str, Any]:
    document["type"] = kind
    return document


def _oversized(items: list[Any], size: int, proven: bool) -> dict[int, Fault]:
    """Return the faults of items that are too large; a small call has none."""
    if size <= ITEM_LIMIT:
        return {}
    sizes = ((index, _length(item, proven)) for index, item in enumerate(items))
    return {
        index: Fault("", f"The item is {length:,} characters long; at most {ITEM_LIMIT:,} are taken.")
        for index, length in sizes
        if length > ITEM_LIMIT
    }


def _length(item: Any, proven: bool) -> int:
    if proven and (length := len(orjson.dumps(item))) <= ITEM_LIMIT // 2:
        return length  # bytes, and without blanks: near enough for what is far from the limit
    try:
        return len(json.dumps(item, ensure_ascii=False))
    except RecursionError:
        return CALL_LIMIT


def _reply(taken: Taken, oversized: dict[int, Fault], count: int) -> Reply:
    if not oversized and not any(taken.faults):
        return Reply(200, b'{"success": true, "cursor": "%d"}' % taken.cursor, {"Content-Type": JSON})
    rest = iter(taken.faults)
    faults = [oversized[index] if index in oversized else next(rest) for index in range(count)]
    errors = [{"index": index, **fault.as_json()} for index, fault in enumerate(faults) if fault]
    body = {"success": False, "cursor": str(taken.cursor), "errors": errors}
    return Reply(400 if len(errors) == count else 200, json.dumps(body).encode(), {"Content-Type": JSON})


def _problem(refused: Refused) -> Reply:
    headers = {"Content-Type": PROBLEM}
    if refused.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if refused.status == 405:
        headers["Allow"] = "POST, OPTIONS"
    return Reply(refused.status, json.dumps(refused.as_json()).encode(), headers)


def _allow_origin(call: Call, reply: Reply) -> Reply:
    """Let pages of the origins in INGEST_CORS_ORIGINS read the answer."""
    allowed: list[str] = settings.INGEST_CORS_ORIGINS
    if "*" not in allowed and call.origin not in allowed:
        return reply
    told = {
        "Access-Control-Allow-Origin": "*" if "*" in allowed else call.origin,
        "Access-Control-Allow-Methods": "POST, OPTIONS",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding",
        "Access-Control-Max-Age": "86400",
        "Vary": "Origin",
    }
    return Reply(reply.status, reply.body, {**reply.headers, **told})
