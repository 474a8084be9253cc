"""Events that the house itself lets contacts have done: stored like any other, so that segments and flows see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contacts.ingest import Source, Taken, store
from contacts.spec import Item


@dataclass(frozen=True, slots=True)
class Said:
    """One event of one contact; the id makes it once."""

    id: str
    contact_id: int
    event: str
    properties: dict[str, Any]
    lane: int = 0


def record_events(said: Sequence[Said], *, source: str, at: datetime) -> int:
    """Store events of contacts whom the caller holds, in one transaction with what the caller does; return how many."""
    stored = 0
    for lane in sorted({one.lane for one in said}):
        mine = [one for one in said if one.lane == lane]
        items = [
            Item(n, "track", one.id, "", "", at, at, one.event, one.properties, contact_id=one.contact_id)
            for n, one in enumerate(mine)
        ]
        taken = Taken([None] * len(items), [None] * len(items))
        store(items, taken, source=Source(source, seen=False), received_at=at, lane=lane)
        stored += taken.stored
    return stored
