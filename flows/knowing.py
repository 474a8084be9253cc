"""What some kinds of nodes want to know before they decide, asked once for everybody who stands at the node."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from contacts.properties import CUSTOM, TEXT_COLUMNS
from flows import trials, turns
from flows.plans import Plan, PlanNode
from flows.rows import select
from flows.wall_clock import first_zone
from workspace.models import Workspace


class Standing(Protocol):
    """Somebody who stands at a node."""

    id: int
    contact_id: int
    flow_id: int
    visit: int
    waiting: bool
    plan: Plan
    until: datetime | None
    woken: str
    planned_at: datetime


Told = Callable[[Any], Mapping[str, Any]]


def tell(node: PlanNode, group: Sequence[Standing], at: datetime) -> Told | None:
    """Return what fills the scene of each of these besides; None where the kind wants nothing."""
    assert node.type is not None
    wanted = tuple(one for one in node.type.wants(node.settings) if one)
    limit = node.type.limit(node.settings)
    kind = node.type
    if not (wanted or limit or kind.heeds or kind.is_goal or kind.is_test):
        return None
    plan = group[0].plan
    values = values_of({one.contact_id for one in group}, wanted) if wanted else {}
    zones = zones_of(plan) if wanted else {}
    turn = turns.take(plan.flow_id, node.key, limit, group, at) if limit else {}
    promoted = trials.promoted(plan.flow_id, node.key) if kind.is_test else ""
    nothing: dict[str, Any] = {}

    def told(one: Standing) -> Mapping[str, Any]:
        known = values.get(one.contact_id, nothing)
        own = first_zone(str(known.get("timezone") or ""), zones.get("flow", "")) if wanted else ""
        return {
            "values": known,
            "zones": {**zones, "contact": own, "": own if zones.get("") == "contact" else zones["flow"]} if own else {},
            "until": one.until if one.waiting else None,
            "woken": one.woken,
            "turn": turn.get(one.id),
            "promoted": promoted,
        }

    return told


def zones_of(plan: Plan) -> dict[str, str]:
    """Return the flow's zone (its own, else the house's), and under "" whose clock its settings mean."""
    house = Workspace.objects.values_list("timezone", flat=True).filter(pk=1).first() or "UTC"
    return {"flow": first_zone(plan.settings.timezone, house), "": plan.settings.zone}


_SEEN = "(SELECT a.last_seen_at FROM contacts_activity a WHERE a.contact_id = c.id)"
_OWN = "(c.attributes #> %s::text[])"


def values_of(contacts: Collection[int], names: Sequence[str]) -> dict[int, dict[str, Any]]:
    """Return these values of these contacts, by property name: one query."""
    columns, params = [], []
    for name in names:
        if name.startswith(CUSTOM):
            columns.append(_OWN)
            params.append(name.removeprefix(CUSTOM).split("."))
        else:
            columns.append(_COLUMNS.get(name, "NULL"))
    statement = f"SELECT c.id, {', '.join(columns)} FROM contacts_contact c WHERE c.id = ANY(%s)"  # noqa: S608 - constants
    rows = select(statement, [*params, sorted(contacts)])
    own = [name.startswith(CUSTOM) for name in names]
    return {
        pk: {name: _read(value) if mine else value for name, value, mine in zip(names, found, own, strict=True)}
        for pk, *found in rows
    }


_COLUMNS = {name: f"c.{column}" for name, column in TEXT_COLUMNS.items()} | {
    "createdAt": "c.created_at",
    "lastSeenAt": _SEEN,
}


def _read(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
