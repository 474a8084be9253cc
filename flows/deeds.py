"""One thing decided for one enrollment, and what many of them have in common."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flows.nodes.effects import Effect
from flows.plans import Plan

Later = Callable[[], None]  # what is done when everybody's place has been written


class Deed(NamedTuple):
    """One effect for one enrollment."""

    effect: Effect
    plan: Plan
    node: str
    contact_id: int
    enrollment_id: int
    visit: int
    context: Mapping[str, Any]
    planned_at: datetime
    lane: int

    @property
    def key(self) -> str:
        """Return what makes it once: the enrollment and the visit."""
        return f"e:{self.enrollment_id}:{self.visit}"

    @property
    def event(self) -> dict[str, Any]:
        """Return what the event that began the journey carried."""
        found: dict[str, Any] = self.context.get("trigger", {}).get("event", {})
        return found


def contacts_of(deeds: Sequence[Deed]) -> list[int]:
    """Return whom these are about, in order."""
    return sorted({deed.contact_id for deed in deeds})


def by_flow(deeds: Sequence[Deed]) -> dict[str, list[int]]:
    """Return flow → contacts: what stands somewhere says which flow put it there."""
    found: dict[str, set[int]] = {}
    for deed in deeds:
        found.setdefault(deed.plan.flow, set()).add(deed.contact_id)
    return {flow: sorted(ids) for flow, ids in sorted(found.items())}
