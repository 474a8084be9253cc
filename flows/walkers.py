"""Somebody on the way through a batch: what is known of one enrollment, and how its place is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flows.performing import Deed
from flows.plans import Plan, PlanNode

FRESH, WAITED, BACKLOG = 0, 3, 5  # lanes: what has just happened, waits that fall due, and masses


@dataclass(slots=True)
class Walker:
    """One enrollment on its way through this batch."""

    id: int
    flow_id: int
    plan: Plan
    contact_id: int
    node: str
    visit: int
    lane: int
    planned_at: datetime
    waiting: bool
    attempts: int
    context: Mapping[str, Any]
    entered_on: Any
    began_at: datetime
    clock: str = "none"
    due_at: datetime | None = None
    parked: str = ""
    wake_on: str = ""
    status: str = "active"
    reason: str = ""
    error: str = ""
    taken: int = 0
    learned: bool = False  # its context grew
    until: datetime | None = None
    woken: str = ""

    @property
    def number(self) -> int:
        """Return its enrollment."""
        return self.id

    @property
    def here(self) -> PlanNode:
        """Return the node it stands at."""
        return self.plan.nodes[self.node]


def row_of(one: Walker, at: datetime) -> dict[str, Any]:
    """Return where somebody stands now as ledger.write_moves takes it."""
    active = one.status == "active"
    return {
        "id": one.id,
        "node": one.node,
        "visit": one.visit,
        "due": one.due_at.isoformat() if active and one.due_at else None,
        "clock": one.clock if active else "none",
        "waiting": one.waiting and active,
        "parked": one.parked if active else "",
        "wake": one.wake_on if active else "",
        "until": one.until.isoformat() if active and one.until else None,
        "lane": one.lane,
        "status": one.status,
        "reason": one.reason,
        "error": one.error,
        "attempts": one.attempts,
        "ended": None if active else at.isoformat(),
        "context": one.context if one.learned else None,
    }


def learn(one: Walker, answer: Mapping[str, Any]) -> None:
    """Keep what was answered at this node for those after it."""
    one.context = {**one.context, "answers": {**one.context.get("answers", {}), one.node: answer}}
    one.learned = True


def key_of(one: Walker) -> str:
    """Return the key of the message of the step that somebody is about to make."""
    return f"e:{one.id}:{one.visit}"


def deed_of(one: Walker, effect: Any) -> Deed:
    """Return an effect as something to be done for somebody."""
    return Deed(effect, one.plan, one.node, one.contact_id, one.id, one.visit, one.context, one.planned_at, one.lane)
