"""Reviews of changes to segments: what differs, what a change would do, and doing it."""

import difflib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.dateparse import parse_datetime

from segmentation import services
from segmentation.catalogue import load_catalogue
from segmentation.criteria import parse, words
from segmentation.difference import difference
from segmentation.matching import preview
from segmentation.models import Segment
from segmentation.proposals import KIND, PLAIN, stands
from segmentation.scenarios.making import make_personas
from segmentation.sentences import sentence
from segmentation.wire import SegmentChange, SegmentInput
from workspace import clock
from workspace.audit import Actor
from workspace.models import Review
from workspace.problems import Refused, refuse
from workspace.reviews import OPEN
from workspace.uses import users_of

RIGHTS = {"create": "add", "duplicate": "add", "freeze": "add", "personas": "add", "delete": "delete"}
SAID = {
    "create": "Make this segment",
    "change": "Change who is in it",
    "archive": "Archive it: it is looked at no more, its members and history stay",
    "unarchive": "Take it out of the archive and evaluate it afresh",
    "delete": "Delete it with its history; the contacts stay",
    "duplicate": "Make another segment of the same rules or members",
    "freeze": "Make a static copy of who was in it at this instant",
    "personas": "Make all eight personas",
}
LABELS = {"name": "Name", "description": "Description", "color": "Colour", "labels": "Labels", "at": "Instant"}
FIRES = [
    ("none", "Nothing", "The moves are written down; no flow starts because of this edit."),
    ("entries", "Who joins", "Flows that start on entering take them in."),
    ("exits", "Who leaves", "Flows that start on leaving take them in."),
    ("both", "Both", "As if the contacts had moved by themselves."),
]
FEW = 5


@dataclass(frozen=True, slots=True)
class Side:
    """What stands before or after a change: in words, and as the document."""

    words: str
    document: Any


class SegmentReviews:
    """Segments, as reviews know them."""

    kind = KIND
    label = "Segments"
    template = "segmentation/_review_change.html"

    def right(self, verb: str) -> str:
        """Return the permission that doing it needs."""
        return f"segmentation.{RIGHTS.get(verb, 'change')}_segment"

    def named(self, ref: str) -> tuple[str, str, str] | None:
        """Return id, name and page."""
        found = _find(ref)
        return (found.ref, found.name, reverse("segment", args=[found.pk])) if found else None

    def before(self, review: Review, *, hold: bool = False) -> dict[str, Any]:
        """Return what stands now; nothing where something is to be made."""
        if not review.subject:
            return {}
        segment = _find(review.subject, hold=hold)
        if segment is None:
            raise Refused(f"“{review.title}” is not there any more: it was deleted.", status=409)
        return stands(segment, review.request)

    def do(self, verb: str, subject: str, request: dict[str, Any], *, actor: Actor) -> str:
        """Make the change through the services, which start its evaluation."""
        if verb not in SAID:
            raise refuse("verb", f"verb is one of {', '.join(SAID)}.")
        if verb in ("create", "personas"):
            return MAKING[verb](request, actor)
        segment = _find(subject)
        if segment is None:
            raise refuse("subject", "There is no such segment; it may have been deleted.", 409)
        done = CHANGING[verb](segment, request, actor)
        return done.ref if isinstance(done, Segment) else subject

    def told(self, review: Review) -> dict[str, Any]:
        """Return what the page shows of a change."""
        before, after = _sides(review)
        live = review.status in OPEN
        try:
            effect = _effect(review) if live else {"parts": [], "flows": []}
        except Refused as refused:
            effect = {"parts": [], "flows": [], "problem": refused.detail}
        plain = [(LABELS.get(name, name), *pair) for name, pair in _plain(review).items()]
        used_by = users_of(_used(review)) if review.verb in ("archive", "delete") else []
        said = {"said": SAID.get(review.verb, ""), "before_side": before, "after_side": after, "plain": plain}
        asked = {"choices": FIRES if review.verb == "change" else [], "fires": review.request.get("fires", "none")}
        return {**said, **asked, **effect, "lines": _lines(before, after), "used_by": used_by, "live": live}

    def difference(self, review: Review) -> dict[str, Any]:
        """Return what differs and what it would do, for programs."""
        before, after = _sides(review)
        plain = {name: {"before": old, "after": new} for name, (old, new) in _plain(review).items()}
        said = {"criteria": _pair(before, after), **plain} if before or after else plain
        if review.status not in OPEN:
            return {"changes": said, "outcome": review.outcome}
        try:
            found = _differ(review)
        except Refused as refused:
            return {"changes": said, "problem": refused.detail}
        return {"changes": said, **(found.as_json() if found else self.outcome(review))}

    def outcome(self, review: Review) -> dict[str, Any]:
        """Return what it would do in numbers."""
        if found := _differ(review):
            return {"joins": found.joins.count, "leaves": found.leaves.count, "stays": found.stays.count}
        if review.verb == "create" and review.request.get("criteria"):
            return {"size": preview(review.request["criteria"], clock.now(), 1).count}
        segment = _find(review.subject)
        return {"size": services.size_of(segment)} if segment else {}

    def differed(self, review: Review) -> dict[str, Any]:
        """Return what differs: rules by their digest, in which alone values of contacts may stand."""
        plain = {name: list(pair) for name, pair in _plain(review).items() if name != "description"}
        new = review.request.get("criteria")
        digest = parse(new, load_catalogue()).digest[:12] if new else ""
        old = _base(review).get("rule", "")
        rules = {"rules": [old, digest]} if digest else {"rules": [old, ""]} if review.verb == "delete" else {}
        return {**rules, **plain}

    def editor(self, review: Review) -> str:
        """Return the page on which the change is made or revised."""
        segment = _find(review.subject) if review.subject else None
        if review.verb in ("", "change") and segment is not None:
            return reverse("segment_edit", args=[segment.pk]) + f"?review={review.pk}"
        if review.verb in ("", "create") and not review.subject:
            return reverse("segment_create", args=[review.request.get("kind", "dynamic")]) + f"?review={review.pk}"
        return ""


def _find(ref: str, *, hold: bool = False) -> Segment | None:
    number = ref.removeprefix("seg_")
    found = Segment.objects.select_related("rule")
    known = number.isdecimal() and len(number) < 19
    found = found.filter(pk=int(number)) if known else found.filter(slug=ref.replace("\x00", ""))
    return (found.select_for_update(of=("self",), no_key=True) if hold else found).first()


# Doing it -------------------------------------------------------------------------------------------------------


def _checked(form: Any) -> dict[str, Any]:
    form.is_valid(raise_exception=True)
    checked: dict[str, Any] = form.validated_data
    return checked


def _create(request: dict[str, Any], actor: Actor) -> str:
    return services.create_segment(actor=actor, **_checked(SegmentInput(data=request))).ref


def _personas(request: dict[str, Any], actor: Actor) -> str:
    parameters = request.get("parameters", {})
    if not isinstance(parameters, dict):
        raise refuse("parameters", 'Send the thresholds as an object, such as {"recent": "90d"}.')
    make_personas(parameters, at=clock.now(), actor=actor)
    return ""


def _change(segment: Segment, request: dict[str, Any], actor: Actor) -> Segment:
    said = _checked(SegmentChange(data=request))
    if "criteria" not in said:
        raise refuse("criteria", "Send other criteria; a name or a colour is changed without a review.")
    if segment.rule is None:
        raise refuse("criteria", "A static segment has no criteria: its members are put there.", 409)
    return services.change_segment(segment, actor=actor, **said)


def _freeze(segment: Segment, request: dict[str, Any], actor: Actor) -> Segment:
    at = _instant(str(request.get("at", ""))) if "at" in request else None
    return services.freeze_segment(segment, at=at, name=str(request.get("name", "")), actor=actor)


def _instant(text: str) -> datetime:
    try:
        at = parse_datetime(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise refuse("at", 'Write an instant with its offset, such as "2026-03-01T12:00:00Z".')
    return at


MAKING: dict[str, Callable[[dict[str, Any], Actor], str]] = {"create": _create, "personas": _personas}
CHANGING: dict[str, Callable[[Segment, dict[str, Any], Actor], Any]] = {
    "change": _change,
    "archive": lambda segment, _, actor: services.archive_segment(segment, actor=actor),
    "unarchive": lambda segment, _, actor: services.unarchive_segment(segment, actor=actor),
    "delete": lambda segment, _, actor: services.delete_segment(segment, actor=actor),
    "duplicate": lambda segment, _, actor: services.duplicate_segment(segment, actor=actor),
    "freeze": _freeze,
}


# Telling it -----------------------------------------------------------------------------------------------------


def _base(review: Review) -> dict[str, Any]:
    """Return what a change is compared with: what stands now while it is open, then what it replaced."""
    stood: dict[str, Any] = review.before
    if review.status not in OPEN:
        return stood
    try:
        return REVIEWS.before(review)
    except Refused:
        return stood


def _sides(review: Review) -> tuple[Side | None, Side | None]:
    """Return the criteria before and after, each where there are any."""
    old, new = _base(review).get("criteria"), review.request.get("criteria")
    return (_side(old) if old else None), (_side(new) if new else None)


def _side(document: Any) -> Side:
    try:
        return Side(sentence(words(parse(document, load_catalogue()))), document)
    except Refused as refused:
        return Side(refused.detail, document)


def _pair(before: Side | None, after: Side | None) -> dict[str, Any]:
    sides = {"before": before, "after": after}
    return {name: {"words": one.words, "criteria": one.document} if one else None for name, one in sides.items()}


def _plain(review: Review) -> dict[str, tuple[Any, Any]]:
    names, base = [name for name in (*PLAIN, "at") if name in review.request], _base(review)
    return {name: (base.get(name, ""), review.request[name]) for name in names}


def _lines(before: Side | None, after: Side | None) -> list[tuple[str, str]]:
    """Return the documents line by line: what went ("-"), what came ("+") and what stays (" ")."""
    if before is None or after is None:
        return []
    old, new = (json.dumps(x.document, indent=2, ensure_ascii=False).splitlines() for x in (before, after))
    return [(line[0], line[2:]) for line in difflib.ndiff(old, new) if line[0] in " +-"]


def _differ(review: Review) -> Any:
    """Return who would join, leave and stay; None for what changes no criteria."""
    segment = _find(review.subject) if review.verb == "change" else None
    return difference(segment, review.request["criteria"], at=clock.now()) if segment else None


def _effect(review: Review) -> dict[str, Any]:
    if found := _differ(review):
        parts = [("Would join", found.joins), ("Would leave", found.leaves), ("Stay", found.stays)]
        told = [
            {"label": x, "count": y.count, "told": y.told, "more": max(0, y.count - len(y.sample))} for x, y in parts
        ]
        return {"parts": told, "flows": found.flows}
    return {"parts": [{"label": "Contacts in it", "count": n} for n in _sized(review)], "flows": []}


def _sized(review: Review) -> list[int]:
    return [size for size in [REVIEWS.outcome(review).get("size")] if size is not None]


def _used(review: Review) -> str:
    segment = _find(review.subject)
    return f"segment:{segment.slug}" if segment else ""


REVIEWS = SegmentReviews()
