"""Explanations in English sentences."""

from collections.abc import Iterator
from datetime import datetime

from segmentation.explaining import Answer, Cause, Counted, Turn
from segmentation.history import house_zone
from segmentation.models import Transition
from workspace.origins import Origin

FEW_REASONS = 3
BECAUSE = {
    "data": "a fact came in",
    "clock": "time passed",
    "edited": "the criteria were set",
    "manual": "by hand",
    "import": "an import",
    "flow": "a flow",
    "segment": "another segment moved",
    "merged": "contacts were merged",
    "erased": "the contact was erased",
    "repair": "repaired by a full evaluation",
}
BY = {"edited": "the criteria were set by {}", "repair": "repaired by a full evaluation that {} asked for"}


def because(move: Transition, by: Origin | None = None) -> str:
    """Say why somebody came or went, and by whose doing."""
    inner = f": {BECAUSE[move.inner_cause]}" if move.inner_cause in BECAUSE else ""
    return cause_of(move.cause, by) + inner


def cause_of(cause: str, by: Origin | None = None) -> str:
    """Say a cause, and by whose doing it was."""
    return BY.get(cause, "by {}").format(by.words) if by else BECAUSE.get(cause, cause)


def turn_words(turn: Turn) -> str:
    """Say when and why the answer will turn: "Leaves on 3 March 2026 at 14:05, when …"."""
    verb = "Enters" if turn.becomes else "Leaves"
    why = "; ".join(cause_words(cause) for cause in turn.causes)
    return f"{verb} {_when(turn.at)}{f', {why}' if why else ''}."


def cause_words(cause: Cause) -> str:
    """Say what turns it."""
    if cause.event is None:
        return f"when it is {'' if cause.becomes else 'no longer '}so that it {cause.words}"
    happens = "ages out" if cause.leaves else "begins to count"
    return f"when {event_words(cause.event)} {happens}"


def event_words(event: Counted) -> str:
    """Name an event by what and when."""
    return f"the “{event.name}” of {_day(event.at)}"


def _when(at: datetime) -> str:
    return f"on {_day(at)} ({house_zone().key})"


def _day(at: datetime) -> str:
    return f"{at.astimezone(house_zone()):%-d %B %Y, %H:%M}"


def reason(answer: Answer | None) -> str:
    """Say in one line what decides an answer."""
    if answer is None:
        return ""
    deciding = list(_deciding(answer))
    more = f"; and {len(deciding) - FEW_REASONS} more" if len(deciding) > FEW_REASONS else ""
    return "; ".join(_said(one) for one in deciding[:FEW_REASONS]) + more


def _said(one: Answer) -> str:
    if not one.said:
        return one.words if one.holds else f"not so: {one.words}"
    plain = one.kind == "EVENT" or one.holds != one.negate  # what is needed stands in it, or is what was found
    return one.said if plain else f"{one.said} (asked: {one.words.removeprefix('not ')})"


def _deciding(answer: Answer) -> Iterator[Answer]:
    """Yield the conditions without which the answer would be another: one that is enough, or all that are needed."""
    if not answer.is_group:
        yield answer
        return
    inner = answer.holds != answer.negate
    deciding = [part for part in answer.parts if part.holds == inner]
    enough = inner == (answer.kind == "OR")
    for part in deciding[:1] if enough else deciding:
        yield from _deciding(part)
