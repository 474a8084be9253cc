"""An Idempotency-Key: the work is done once, and its answer, stored in the same transaction, is given again for a day."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from psycopg import errors

from workspace import clean, clock
from workspace.crash import crashpoint
from workspace.models import Answer
from workspace.problems import Refused, refuse

KEPT = timedelta(hours=24)
LONGEST = 150
PATIENCE = "5s"  # how long a second call waits for the first to be answered
SHOWN_ONCE = "secret"  # never stored: a repeated call does not see it again
HEADERS = ("ETag", "Location", "Content-Type")


class Busy(Refused):
    """The first call with this key has not been answered yet."""

    def __init__(self) -> None:
        super().__init__("The first call with this Idempotency-Key is still being worked on; ask again.", status=409)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for what under which Idempotency-Key."""

    key_id: int | None
    name: str
    digest: str

    @classmethod
    def of(cls, request: HttpRequest, *, key_id: int | None, user_id: int | None) -> "Asked":
        """Read a request; people of the staff share no names with one another or with programs."""
        name = clean.check(request.headers.get("Idempotency-Key", ""), "Idempotency-Key")
        if len(name) > LONGEST:
            raise refuse("Idempotency-Key", f"An Idempotency-Key has at most {LONGEST} characters.")
        said = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode("utf-8", "surrogatepass"))
        said.update(request.body)
        return cls(key_id, name if user_id is None else f"user {user_id}: {name}", said.hexdigest())


def answer_once(asked: Asked, work: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Do the work and keep its answer, or give the answer that is kept; what was refused or failed is not kept."""
    with transaction.atomic():
        mine = _begin(asked)
        if mine is None:
            return _replay(asked)
        response = work()
        if response.status_code >= 400 or response.streaming:
            transaction.set_rollback(response.status_code >= 400)
            return response
        assert isinstance(response, HttpResponse)
        crashpoint("before_answer_is_kept")
        _keep(mine, response)
        crashpoint("after_answer_is_kept")
    return response


def forget(*said: str) -> int:
    """Drop the answers in which one of these ids ("con_42") stands, because what they name was erased."""
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM workspace_answer WHERE EXISTS (
                   SELECT 1 FROM unnest(%s::text[]) AS one WHERE strpos(response->>'text', '"' || one || '"') > 0)""",
            [list(said)],
        )
        return int(cursor.rowcount)


def _begin(asked: Asked) -> int | None:
    """Return the row that stands for this call, or None when another call had the key; waits while one has it."""
    at = clock.now()
    who = [asked.key_id, asked.name]
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM workspace_answer WHERE key_id IS NOT DISTINCT FROM %s AND idempotency_key = %s AND created_at < %s",
            [*who, at - KEPT],
        )
        cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
        try:
            cursor.execute(
                "INSERT INTO workspace_answer (key_id, idempotency_key, digest, created_at) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (key_id, idempotency_key) DO NOTHING RETURNING id",
                [*who, asked.digest, at],
            )
        except OperationalError as error:
            raise Busy if isinstance(error.__cause__, errors.LockNotAvailable) else error from error
        row = cursor.fetchone()
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
    return row[0] if row else None


def _replay(asked: Asked) -> HttpResponse:
    whose = Q(key_id__isnull=True) if asked.key_id is None else Q(key_id=asked.key_id)
    kept = Answer.objects.get(whose, idempotency_key=asked.name)
    if kept.digest != asked.digest:
        message = "This Idempotency-Key was used for another request; use a new one for each thing you ask for."
        raise Refused(message, status=409)
    said: Mapping[str, Any] = kept.response or {}
    response = HttpResponse(said.get("text", "").encode(), status=kept.status or 200, headers=said.get("headers", {}))
    response["Idempotency-Replayed"] = "true"
    return response


def _keep(row: int, response: HttpResponse) -> None:
    headers = {name: response[name] for name in HEADERS if response.has_header(name)}
    kept = {"headers": headers, "text": _without_secret(response.content.decode())}
    Answer.objects.filter(pk=row).update(status=response.status_code, response=kept)


def _without_secret(text: str) -> str:
    if SHOWN_ONCE not in text:
        return text
    body = json.loads(text)
    return json.dumps({**body, SHOWN_ONCE: None}) if isinstance(body, dict) and SHOWN_ONCE in body else text
