"""What may be said of a destination: each setting is taken over, or refused in a sentence that says what would do."""

from datetime import datetime, time
from typing import Any

from segmentation.history import house_zone
from segmentation.models import Destination
from segmentation.timetable import next_at
from workspace import calling, clock
from workspace.problems import refuse

BATCHES = (1, 1000)


def apply(held: Destination, changes: dict[str, Any]) -> None:
    """Set what is said, each refused in a sentence when it cannot be."""
    for name, value in changes.items():
        setattr(held, name, value)
    held.name = str(held.name).strip()
    if not held.name or len(held.name) > 120:
        raise refuse("name", "Give the destination a name of 1 to 120 characters.")
    if held.what not in Destination.What.values:
        raise refuse("what", f"what is one of {', '.join(Destination.What.values)}.")
    if held.kind == Destination.Kind.WEBHOOK and held.what == Destination.What.STATE:
        raise refuse("what", "A webhook hears of both, entries or exits; its full state is sent when you ask for it.")
    if not isinstance(held.batch_size, int) or not BATCHES[0] <= held.batch_size <= BATCHES[1]:
        raise refuse("batch_size", f"A batch has from {BATCHES[0]} to {BATCHES[1]:,} contacts.")
    _check_url(held, changed="url" in changes)
    _check_schedule(held)


def _check_url(held: Destination, *, changed: bool) -> None:
    if held.kind == Destination.Kind.CSV:
        if held.url:
            raise refuse("url", "A CSV is fetched from here, so it has no URL.")
        return
    if not held.url:
        raise refuse("url", "Give the URL that is to be called.")
    if not changed:
        return
    try:
        calling.check(held.url)
    except calling.NotCalled as error:
        raise refuse("url", str(error)) from error


def _check_schedule(held: Destination) -> None:
    if held.schedule not in Destination.Schedule.values:
        raise refuse("schedule", 'schedule is "", "daily" or "weekly".')
    if not held.schedule:
        held.schedule_at = held.weekday = held.next_at = None
        return
    held.schedule_at = held.schedule_at or time(6)
    if held.schedule == Destination.Schedule.DAILY:
        held.weekday = None
    elif held.weekday not in range(1, 8):
        raise refuse("weekday", "Say on which weekday, from 1 (Monday) to 7.")
    held.next_at = next_of(held)


def next_of(held: Destination) -> datetime | None:
    """Return when its hour comes next, by the house's clock."""
    return next_at(held.schedule, held.schedule_at, held.weekday, house_zone(), clock.now())
