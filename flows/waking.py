"""Ending waits: when a fact changes that they read, and when time alone may have made true what they wait for."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from django.db import connection, transaction

from flows import locks
from flows.models import Watch
from flows.plans import Plan, plans_of
from flows.rows import select
from segmentation import asking
from workspace import clock

REACH = timedelta(
    minutes=5
)  # of each pass over what time has changed: passes overlap, so that a late one misses nothing
CHUNK = 2000


class Fact(Protocol):
    """A fact that changed."""

    @property
    def contact_id(self) -> int:
        """Return whom it is about."""
        ...

    @property
    def fact(self) -> str:
        """Return what changed."""
        ...


_WAKE = """
UPDATE flows_enrollment AS e
SET due_at = least(e.due_at, %(at)s), lane = least(e.lane, %(lane)s), parked = '', wake_on = '',
    until_at = CASE WHEN e.clock = 'wall' THEN NULL ELSE e.until_at END,
    clock = CASE WHEN e.clock = 'wall' THEN 'wall' ELSE 'none' END
FROM jsonb_to_recordset(%(rows)s::jsonb) AS w(c bigint, v bigint, n text)
WHERE e.contact_id = w.c AND e.version_id = w.v AND e.node = w.n AND e.status = 'active' AND e.waiting
    AND (e.wake_on = 'facts' OR (e.clock = 'wall' AND e.due_at > %(at)s))
"""
FRESH = 0


def wake(
    facts: Collection[Fact], readers: Mapping[str, Sequence[int]], plans: Mapping[int, Plan], at: datetime
) -> None:
    """Let those look again whose wait reads one of these facts; the caller holds their contacts.

    A wait for a local time is reckoned anew; one that is over has passed its node and so never comes back (F17).
    """
    places = {
        (one.contact_id, version, node)
        for one in facts
        for version in readers.get(one.fact, ())
        for node in plans[version].wakes.get(one.fact, ())
    }
    _wake(places, at)


def _wake(places: Collection[tuple[int, int, str]], at: datetime) -> None:
    if places:
        rows = json.dumps([{"c": contact, "v": version, "n": node} for contact, version, node in sorted(places)])
        with connection.cursor() as cursor:
            cursor.execute(_WAKE, {"rows": rows, "at": at, "lane": FRESH})


def pass_time() -> int:
    """Let those look again for whom time alone may have made true what they wait for; return how many."""
    clocked = Watch.objects.filter(purpose=Watch.Purpose.ASK, rule__clock=True)
    live = clocked.filter(version__flow__status__in=["running", "draining"]).values_list(
        "version_id", "node", "rule_id"
    )
    asked = list(live)
    plans = plans_of({version for version, _, _ in asked})
    woken = 0
    for version, node, rule in asked:
        here = plans[version].nodes.get(node)
        if here is not None and here.type is not None and here.type.heeds:
            woken += _pass_node(plans[version], node, rule)
    return woken


_WAITING = """
SELECT contact_id FROM flows_enrollment
WHERE flow_id = %s AND node = %s AND version_id = %s AND status = 'active' AND waiting AND wake_on = 'facts'
"""
_HOLD = "SELECT id FROM contacts_contact WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"


def _pass_node(plan: Plan, node: str, rule: int) -> int:
    at = clock.now()
    waiting = [row[0] for row in select(_WAITING, [plan.flow_id, node, plan.version_id])]
    touched = sorted(asking.crossing(rule, waiting, at - REACH, at)) if waiting else []
    for first in range(0, len(touched), CHUNK):
        with transaction.atomic():
            locks.share([plan.flow_id])
            held = [row[0] for row in select(_HOLD, [touched[first : first + CHUNK]])]
            _wake({(contact, plan.version_id, node) for contact in held}, at)
    return len(touched)
