"""Explanations in English sentences."""

from datetime import datetime

from segmentation.explaining import Cause, Counted, Turn
from segmentation.history import house_zone


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
    return f"“{event.name}” of {_day(event.at)}"


def _when(at: datetime) -> str:
    return f"on {_day(at)}"


def _day(at: datetime) -> str:
    zone = house_zone()
    return f"{at.astimezone(zone):%-d %B %Y, %H:%M} ({zone.key})"
