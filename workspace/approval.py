"""Changes that need another person's approval: the guard before a service, and what apps say of their kinds.

An app puts `@guarded(propose)` on each service that changes a definition. While the workspace asks for approval of that kind,
the service is tried and undone, so that what could never be applied is refused at once, and `NeedsApproval` is raised in
place of the change. Each way in (pages, API, admin) catches it in one place and files the review.
The house itself is never asked.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ParamSpec, Protocol, TypeVar

from django.db import transaction

from workspace.audit import HOUSE, Actor
from workspace.models import Review, Workspace
from workspace.problems import refuse

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that somebody wants: what is to be done to what, and what stands there now."""

    kind: str
    verb: str
    subject: str  # seg_7; empty for what is to be made
    title: str
    request: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    tried: bool = True  # false: trying it would cost too much, `propose` has looked at what may refuse it


class NeedsApproval(Exception):
    """A change was not made, because somebody else must approve it first."""

    def __init__(self, proposal: Proposal, actor: Actor) -> None:
        self.proposal = proposal
        self.actor = actor
        super().__init__(f"{proposal.verb} {proposal.title} needs approval")


class Reviewable(Protocol):
    """What an app says of a kind whose changes can be reviewed."""

    kind: str
    label: str
    template: str  # the fragment that shows what a change does

    def right(self, verb: str) -> str:
        """Return the permission that a person needs to do this without a review ("segmentation.change_segment")."""

    def named(self, ref: str) -> tuple[str, str, str] | None:
        """Return the id (seg_7), name and page of a subject; None when it is gone."""

    def before(self, review: Review, *, hold: bool = False) -> dict[str, Any]:
        """Return what stands now where the change would go, held until the transaction ends; refuse what is gone."""

    def do(self, verb: str, subject: str, request: dict[str, Any], *, actor: Actor) -> str:
        """Make the change through the guarded service; return its subject."""

    def told(self, review: Review) -> dict[str, Any]:
        """Return what the fragment shows: the change in words and what it would do."""

    def difference(self, review: Review) -> dict[str, Any]:
        """Return the same for programs."""

    def outcome(self, review: Review) -> dict[str, Any]:
        """Return what it would do in numbers."""

    def differed(self, review: Review) -> dict[str, Any]:
        """Return what differs for the record, without personal values."""

    def editor(self, review: Review) -> str:
        """Return the page on which the change can be made or revised; empty when there is none."""


_kinds: dict[str, Reviewable] = {}
_mode: ContextVar[str] = ContextVar("approval", default="")


def reviewable(kind: Reviewable) -> None:
    """Let changes of a kind be reviewed; called by apps when they are ready."""
    _kinds[kind.kind] = kind


def kinds() -> list[Reviewable]:
    """Return the kinds whose changes can be reviewed."""
    return list(_kinds.values())


def kind_of(name: str) -> Reviewable:
    """Return a kind; refuse what is none."""
    if name not in _kinds:
        raise refuse("kind", f"kind is one of {', '.join(sorted(_kinds))}.")
    return _kinds[name]


def is_asked(kind: str) -> bool:
    """Say whether the workspace asks for approval of changes of a kind."""
    approvals = Workspace.objects.filter(pk=1).values_list("approvals", flat=True).first()
    return bool((approvals or {}).get(f"{kind}s"))


@contextmanager
def proposing() -> Iterator[None]:
    """Let every guarded service propose its change, whether or not the workspace asks for approval."""
    token = _mode.set("proposing")
    try:
        yield
    finally:
        _mode.reset(token)


@contextmanager
def approved() -> Iterator[None]:
    """Let guarded services do what was approved."""
    token = _mode.set("approved")
    try:
        yield
    finally:
        _mode.reset(token)


def propose(kind: str, verb: str, subject: str, change: dict[str, Any], *, actor: Actor) -> Proposal:
    """Return a change as a proposal, tried and undone; refuse what cannot be done, and what needs no review."""
    try:
        with transaction.atomic(), proposing():
            kind_of(kind).do(verb, subject, change, actor=actor)
            raise _Undone
    except NeedsApproval as needed:
        return needed.proposal
    except _Undone:
        raise refuse("change", "This changes nothing that a review is for.", 409) from None


def _stops(kind: str, actor: Actor) -> bool:
    mode = _mode.get()
    if mode:
        return mode == "proposing"
    return actor != HOUSE and is_asked(kind)


def guarded(kind: str, propose: Callable[..., Proposal | None]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Guard a service: `propose`, given what the service is given, says what is wanted; None for what needs no approval."""

    def around(service: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(service)
        def front(*args: P.args, **said: P.kwargs) -> R:
            actor: Any = said["actor"]
            if not _stops(kind, actor):
                return service(*args, **said)
            proposal = propose(*args, **said)
            if proposal is None:
                return service(*args, **said)
            if proposal.tried:
                with approved():
                    _try_out(lambda: service(*args, **said))
            raise NeedsApproval(proposal, actor)

        return front

    return around


class _Undone(Exception):
    pass


def _try_out(work: Callable[[], object]) -> None:
    """Do the work and undo it: what it refuses is refused."""
    try:
        with transaction.atomic():
            work()
            raise _Undone
    except _Undone:
        return
