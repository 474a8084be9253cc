"""The record of who did what."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import structlog
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction

from workspace.models import Audit, Key

log = structlog.get_logger()
_because: ContextVar[dict[str, str] | None] = ContextVar("because", default=None)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person of the staff, a program's key, or the house itself (neither)."""

    user_id: int | None = None
    key_id: int | None = None

    @classmethod
    def of(cls, user: AbstractBaseUser | AnonymousUser | None = None, key: Key | None = None) -> "Actor":
        """Name the actor behind a request."""
        return cls(
            user_id=user.pk if user is not None and user.is_authenticated else None, key_id=key.pk if key else None
        )


HOUSE = Actor()


def record(actor: Actor, verb: str, subject: str, **detail: Any) -> None:
    """Write one line of the record, within the caller's transaction."""
    detail |= _because.get() or {}
    Audit.objects.create(actor_id=actor.user_id, key_id=actor.key_id, verb=verb, subject=subject, detail=detail)
    transaction.on_commit(lambda: log.info(verb, subject=subject, actor=actor.user_id, key=actor.key_id))


def record_each(actor: Actor, verb: str, subjects: Sequence[str], **detail: Any) -> None:
    """Write one line for each of many subjects, in one statement, within the caller's transaction."""
    detail |= _because.get() or {}
    who = {"actor_id": actor.user_id, "key_id": actor.key_id}
    Audit.objects.bulk_create([Audit(**who, verb=verb, subject=one, detail=detail) for one in subjects])
    transaction.on_commit(lambda: log.info(verb, subjects=len(subjects), actor=actor.user_id, key=actor.key_id))


@contextmanager
def because_of(**what: str) -> Iterator[None]:
    """Let every line of the record that is written within say what it was done because of (review="rev_3")."""
    token = _because.set(what)
    try:
        yield
    finally:
        _because.reset(token)
