"""Reviews: a change is asked for, sent back with a note or approved, and applied in the same transaction."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.db import transaction
from django.db.models import Q, QuerySet

from workspace import clock, doorbell
from workspace.approval import Proposal, Reviewable, approved, kind_of, kinds
from workspace.audit import HOUSE, Actor, because_of, record
from workspace.crash import crashpoint
from workspace.models import Key, Review, ReviewNote
from workspace.problems import Refused, refuse
from workspace.uses import InUse

OPEN = (Review.Status.DRAFT, Review.Status.REQUESTED, Review.Status.SENT_BACK)
LONGEST = 5000
MOVED = "It changed meanwhile: look at what differs now, and decide again."


@transaction.atomic
def file(
    *,
    actor: Actor,
    kind: str,
    words: str = "",
    subject: str = "",
    proposal: Proposal | None = None,
    submit: bool = True,
) -> Review:
    """Ask for a change: in words, or with the change itself; without `submit` it stays a draft."""
    words = _text("words", words)
    if proposal is None and not words:
        raise refuse("words", "Say in words what is wished for, or send the change itself.")
    sort = kind_of(kind)
    found = sort.named(subject) if subject else None
    if subject and found is None:
        raise refuse("subject", "There is no such thing; it may have been deleted.", 404)
    review = Review(
        kind=kind,
        subject=found[0] if found else "",
        title=found[1] if found else "",
        words=words,
        status=Review.Status.REQUESTED if submit else Review.Status.DRAFT,
        requested_by_id=actor.user_id,
        requested_key_id=actor.key_id,
    )
    if proposal is not None:
        _take(review, proposal, actor)
    review.save()
    _step(review, review.status, actor, words)
    return review


@transaction.atomic
def revise(review: Review, *, actor: Actor, proposal: Proposal | None = None, words: str = "") -> Review:
    """Give an open review its change, or another one; what was sent back is requested again."""
    review = _held(review, "revised", *OPEN)
    if proposal is None and not words:
        raise refuse("words", "Say what is wished for, or send the change.")
    if proposal is not None and (
        proposal.kind != review.kind or (review.subject and proposal.subject != review.subject)
    ):
        raise refuse("subject", f"This review is about {review.title or 'something else'}; ask for another one.", 409)
    review.words = _text("words", words) or review.words
    review.round += 1
    if proposal is not None:
        _take(review, proposal, actor)
    return _back_in_the_queue(review, "revised", actor, words)


@transaction.atomic
def submit(review: Review, *, actor: Actor, note: str = "") -> Review:
    """Put a draft, or what was sent back, into the queue as it is."""
    review = _held(review, "submitted", Review.Status.DRAFT, Review.Status.SENT_BACK)
    _refuse_others(review, actor, "submit")
    if review.verb:
        review.before = kind_of(review.kind).before(review)
    review.round += 1
    return _back_in_the_queue(review, "requested", actor, _text("note", note))


@transaction.atomic
def send_back(review: Review, *, actor: Actor, note: str) -> Review:
    """Give a request back to whoever asked, saying what is missing."""
    note = _text("note", note)
    if not note:
        raise refuse("note", "Say what should be different; the note goes to whoever asked.")
    review = _held(review, "sent back", Review.Status.REQUESTED)
    _refuse_own(review, actor, "send back")
    review.status, review.note = Review.Status.SENT_BACK, note
    review.reviewed_by_id, review.reviewed_key_id = actor.user_id, actor.key_id
    review.save()
    _step(review, "sent_back", actor, note)
    return review


@transaction.atomic
def withdraw(review: Review, *, actor: Actor, note: str = "") -> Review:
    """Take a request back; only whoever asked or made the change can."""
    review = _held(review, "withdrawn", *OPEN)
    _refuse_others(review, actor, "withdraw")
    review.status, review.settled_at = Review.Status.WITHDRAWN, clock.now()
    review.save()
    _step(review, "withdrawn", actor, _text("note", note))
    return review


@transaction.atomic
def comment(review: Review, *, actor: Actor, text: str) -> ReviewNote:
    """Say something about a review."""
    text = _text("text", text)
    if not text:
        raise refuse("text", "Write something first.")
    return _step(review, "commented", actor, text)


def approve(review: Review, *, actor: Actor, seen: str = "", note: str = "", fires: str = "") -> Review:
    """Approve a change and apply it, in one transaction; `seen` names the state that was looked at, `fires` what flows hear of."""
    note = _text("note", note)
    _refuse_own(review, actor, "approve")
    outcome = _outcome(review)
    try:
        return _approve(review, actor, seen, note, fires, outcome)
    except _NotApplied as failed:
        _keep_fault(review, actor, str(failed.why))
        raise failed.why from failed


class _NotApplied(Exception):
    def __init__(self, why: Refused | InUse) -> None:
        self.why = why


@transaction.atomic
def _approve(review: Review, actor: Actor, seen: str, note: str, fires: str, outcome: dict[str, Any]) -> Review:
    review = _held(review, "approved", Review.Status.REQUESTED)
    _refuse_own(review, actor, "approve")
    if not review.verb:
        raise Refused("There are only words so far: somebody with edit rights attaches the change first.", status=409)
    now = kind_of(review.kind).before(review, hold=True)
    if (seen or state_of(review, review.before)) != state_of(review, now):
        raise Refused(MOVED, status=409)
    differed = kind_of(review.kind).differed(review)
    if fires:
        review.request["fires"] = fires
    review.reviewed_by_id, review.reviewed_key_id = actor.user_id, actor.key_id
    review.note, review.fault, review.before, review.outcome = note, "", now, outcome
    _step(review, "approved", actor, note)
    crashpoint("review_approved")
    review.subject = _apply(review)
    crashpoint("review_applied")
    review.status, review.settled_at = Review.Status.APPLIED, clock.now()
    review.save()
    _step(review, "applied", actor, "", differed=differed, outcome=outcome, **asked_by(review))
    return review


def _apply(review: Review) -> str:
    """Do it in the name of whoever made the change."""
    author = Actor(user_id=review.changed_by_id, key_id=review.changed_key_id)
    if author == HOUSE:  # whoever made it is gone
        author = Actor(user_id=review.reviewed_by_id, key_id=review.reviewed_key_id)
    try:
        with approved(), because_of(review=review.ref):
            return kind_of(review.kind).do(review.verb, review.subject, review.request, actor=author)
    except (Refused, InUse) as error:
        raise _NotApplied(error) from error


@transaction.atomic
def _keep_fault(review: Review, actor: Actor, sentence: str) -> None:
    Review.objects.filter(pk=review.pk, status=Review.Status.REQUESTED).update(fault=sentence)
    _step(review, "failed", actor, sentence)


def _outcome(review: Review) -> dict[str, Any]:
    """Return in numbers what it will do, looked at before anything is held."""
    try:
        return kind_of(review.kind).outcome(review) if review.verb else {}
    except Refused:  # applying it will say why
        return {}


# How it stands --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether an open review can be applied as it was asked for."""

    state: str = ""
    moved: bool = False
    gone: str = ""
    now: dict[str, Any] = field(default_factory=dict)


def standing(review: Review) -> Standing:
    """Compare what stands now with what stood when the change was asked for."""
    if review.status not in OPEN or not review.verb:
        return Standing()
    try:
        now = kind_of(review.kind).before(review)
    except Refused as refused:
        return Standing(gone=refused.detail)
    return Standing(state_of(review, now), moved=now != review.before, now=now)


def state_of(review: Review, stands: dict[str, Any]) -> str:
    """Return what names the request and what it would replace: an approval is for exactly these two."""
    text = json.dumps([review.round, stands], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def asked_by(review: Review) -> dict[str, Any]:
    """Return who asked and who made the change, for the record."""
    said = {
        "requested_by": review.requested_by_id,
        "requested_key": review.requested_key_id,
        "changed_by": review.changed_by_id,
        "changed_key": review.changed_key_id,
    }
    return {name: value for name, value in said.items() if value is not None}


def is_own(review: Review, actor: Actor) -> bool:
    """Say whether somebody asked for it or made the change; a key and its successors count as one."""
    people = {review.requested_by_id, review.changed_by_id} - {None}
    if actor.user_id in people:
        return True
    keys = {review.requested_key_id, review.changed_key_id} - {None}
    return bool(keys) and actor.key_id is not None and bool(keys & _family(actor.key_id))


def _family(key_id: int) -> set[int]:
    """Return a key with all that it was rotated from and to."""
    family, waiting = set[int](), [key_id]
    while waiting:
        one = waiting.pop()
        if one not in family:
            family.add(one)
            near = Key.objects.filter(Q(pk=one) | Q(successor_id=one)).values_list("pk", "successor_id")
            waiting += [pk for pair in near for pk in pair if pk is not None]
    return family


# The queue ------------------------------------------------------------------------------------------------------


Person = AbstractBaseUser | AnonymousUser | PermissionsMixin


def waiting_for(person: Any) -> QuerySet[Review]:
    """Return what waits for a person: to be approved, to be made out of words, or to be mended after it was sent back."""
    own = Q(requested_by=person.pk) | Q(changed_by=person.pk)
    wanted = Q(status=Review.Status.SENT_BACK) & own
    if person.has_perm("workspace.change_review"):
        wanted |= (
            Q(status=Review.Status.REQUESTED) & ~Q(verb="") & ~Q(requested_by=person.pk) & ~Q(changed_by=person.pk)
        )
    makes = [kind.kind for kind in kinds() if person.has_perm(kind.right("change"))]
    if makes:
        wanted |= Q(status=Review.Status.REQUESTED, verb="", kind__in=makes)
    return Review.objects.filter(wanted)


def of(person: Any) -> QuerySet[Review]:
    """Return what a person asked for or made."""
    return Review.objects.filter(Q(requested_by=person.pk) | Q(changed_by=person.pk))


# What all of these share ----------------------------------------------------------------------------------------


def _take(review: Review, proposal: Proposal, actor: Actor) -> None:
    review.verb, review.subject, review.title = proposal.verb, proposal.subject, proposal.title
    review.request, review.before, review.fault = proposal.request, proposal.before, ""
    review.changed_by_id, review.changed_key_id = actor.user_id, actor.key_id


def _back_in_the_queue(review: Review, step: str, actor: Actor, text: str) -> Review:
    review.status, review.fault = Review.Status.REQUESTED, ""
    review.reviewed_by_id = review.reviewed_key_id = None  # another round, for whoever comes first
    review.save()
    _step(review, step, actor, text)
    return review


def _held(review: Review, verb: str, *statuses: str) -> Review:
    """Return the review, held until the transaction ends, if it stands so that this can be done."""
    review = Review.objects.select_for_update(no_key=True).get(pk=review.pk)
    if review.status in statuses:
        return review
    last = review.notes.select_related("actor", "key").exclude(step="commented").order_by("-id").first()
    who = f" by {named(last.actor, last.key)}" if last else ""
    raise Refused(f"This was {review.get_status_display().lower()}{who} already; it cannot be {verb} now.", status=409)


def named(person: Any, key: Key | None = None) -> str:
    """Return what somebody is called in a sentence."""
    if key is not None:
        return f"the key “{key.name}”"
    return str(person.get_full_name() or person.get_username()) if person is not None else "the house"


def _refuse_own(review: Review, actor: Actor, verb: str) -> None:
    if actor == HOUSE:
        raise Refused("A person or a key must decide this.", status=403)
    if is_own(review, actor):
        raise Refused(f"You cannot {verb} what you asked for yourself: another person reviews it.", status=403)


def _refuse_others(review: Review, actor: Actor, verb: str) -> None:
    if not is_own(review, actor):
        raise Refused(f"Only whoever asked for it can {verb} it.", status=403)


def _text(name: str, text: str) -> str:
    text = text.replace("\x00", "").strip()
    if len(text) > LONGEST:
        raise refuse(name, f"Write at most {LONGEST:,} characters.")
    return text


def _step(review: Review, step: str, actor: Actor, text: str, **detail: Any) -> ReviewNote:
    """Write a step down, in the review and in the record, and tell the pages."""
    request = review.request if step in ("draft", "requested", "revised", "approved") else {}
    note = ReviewNote.objects.create(
        review=review,
        step=step,
        text=text,
        request=request,
        round=review.round,
        actor_id=actor.user_id,
        key_id=actor.key_id,
    )
    said = {"kind": review.kind, "change": review.verb, "about": review.subject, "round": review.round}
    record(actor, f"review.{step}", review.ref, **{k: v for k, v in said.items() if v}, **detail)
    transaction.on_commit(lambda: doorbell.poke(["reviews", f"review:{review.pk}"]))
    return note


__all__ = [
    "OPEN", "Reviewable", "Standing", "approve", "asked_by", "comment", "file", "is_own", "named", "of", "revise",
    "send_back", "standing", "state_of", "submit", "waiting_for", "withdraw",
]  # fmt: skip
