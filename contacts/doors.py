"""The HTTP doors of ingest: the Segment tracking spec, as plain views because they are the hottest of the house."""

import json
import time
import zlib
from collections.abc import Mapping
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from contacts.ingest import Source, Taken, take_in
from workspace import clean, clock
from workspace.api import secret_of
from workspace.keys import digest, find_key
from workspace.models import Key
from workspace.problems import Fault, Refused

CALL_LIMIT = 500 * 1024
ITEM_LIMIT = 32 * 1024
BATCH_LIMIT = 1000
KEY_SECONDS = 3.0  # how long a key is believed without asking again; a revoked one is refused within 5 s
KEYS_REMEMBERED = 1000
_keys: dict[str, tuple[float, Key]] = {}


@csrf_exempt
def ingest(request: HttpRequest, kind: str) -> HttpResponse:
    """Take one call, or a batch of them."""
    try:
        if request.method == "OPTIONS":
            response = HttpResponse(status=204)
        elif request.method != "POST":
            raise Refused("Send this call as POST.", status=405)
        else:
            response = _take(request, kind)
    except clean.Unclean as error:
        faults = [Fault(error.path, error.message)] if error.path else []
        response = _problem(Refused(error.message, faults, error.status))
    except Refused as error:
        response = _problem(error)
    return _allow_origin(request, response)


def _take(request: HttpRequest, kind: str) -> HttpResponse:
    key = _key(secret) if (secret := secret_of(request)) else None
    _refuse_bad_header(request, key)
    raw = _body(request)
    document, proven = clean.parse(raw, limit=CALL_LIMIT)
    if not isinstance(document, dict):
        raise Refused("The body must be a JSON object.", status=400)
    key = key or _key_in(document)
    items = _batch(document, proven) if kind == "batch" else [_single(document, kind)]
    faults = _oversized(items, len(raw), proven)
    if kind != "batch" and faults:
        raise Refused(faults[0].message, status=413)
    good = [item for index, item in enumerate(items) if index not in faults]
    taken = take_in(good, source=source_of(key), received_at=clock.now(), proven=proven)
    return _answer(taken, faults, len(items))


def source_of(key: Key) -> Source:
    """Return the source a key writes as: message ids are accepted once per name, which survives rotation."""
    return Source(name=("web:" if key.public else "") + key.name[:36], public=key.public)


def _refuse_bad_header(request: HttpRequest, key: Key | None) -> None:
    if key is None and request.META.get("HTTP_AUTHORIZATION"):
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


def _body(request: HttpRequest) -> bytes:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length) > CALL_LIMIT:
        raise Refused(f"The body is {int(length):,} bytes; at most {CALL_LIMIT:,} are taken.", status=413)
    try:
        raw = request.read(CALL_LIMIT + 1)
    except UnreadablePostError as error:
        raise Refused("The body broke off.", status=400) from error
    if request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower() == "gzip":
        return _inflated(raw)
    return raw


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


def _answer(taken: Taken, oversized: dict[int, Fault], count: int) -> HttpResponse:
    rest = iter(taken.faults)
    faults = [oversized[index] if index in oversized else next(rest) for index in range(count)]
    errors = [{"index": index, **fault.as_json()} for index, fault in enumerate(faults) if fault]
    body: dict[str, Any] = {"success": not errors, "cursor": str(taken.cursor)}
    if errors:
        body["errors"] = errors
    return JsonResponse(body, status=400 if len(errors) == count else 200)


def _problem(refused: Refused) -> HttpResponse:
    response = JsonResponse(refused.as_json(), status=refused.status, content_type="application/problem+json")
    if refused.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if refused.status == 405:
        response["Allow"] = "POST, OPTIONS"
    return response


def _allow_origin(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Let pages of the origins in INGEST_CORS_ORIGINS read the answer."""
    origin = request.META.get("HTTP_ORIGIN")
    allowed: list[str] = settings.INGEST_CORS_ORIGINS
    if origin and ("*" in allowed or origin in allowed):
        response["Access-Control-Allow-Origin"] = "*" if "*" in allowed else origin
        response["Access-Control-Allow-Methods"] = "POST, OPTIONS"
        response["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Content-Encoding"
        response["Access-Control-Max-Age"] = "86400"
        response["Vary"] = "Origin"
    return response
