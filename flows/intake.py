"""Looking at what changed: per contact first exits, goals and restarts, then wake-ups of waits, then entries."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from django.db import OperationalError, transaction

from flows import asking, converting, departing, locks, standing, starting, trials, waking
from flows.enrolling import Candidate, enrol
from flows.ledger import Counts
from flows.models import Enrollment
from flows.plans import Plan, plans_of
from flows.rows import quick, select
from flows.starting import WAY, Change
from workspace import clock
from workspace.crash import crashpoint

log = structlog.get_logger()

WINDOW = 3
ASIDE = 9  # the lane of a contact whose facts cannot be looked at: tried again after everybody else


def take(limit: int = 1000) -> int:
    """Look at the Changes of at most this many contacts, and return how many Changes were handled."""
    picked = _pick(limit * WINDOW)
    return _try(picked, limit) if picked else 0


_PICK = """
SELECT DISTINCT contact_id FROM (
    SELECT c.contact_id FROM contacts_change c
    WHERE c.stage = 2 AND NOT EXISTS (SELECT FROM contacts_change o WHERE o.contact_id = c.contact_id AND o.stage = 1)
    ORDER BY c.lane, c.id LIMIT %s
) AS first
"""
_CHANGES = """
SELECT id, contact_id, fact, ref, at, fires, lane, detail FROM contacts_change
WHERE contact_id = ANY(%s) AND stage = 2 ORDER BY at, id
"""
_CONTACTS = """
SELECT id FROM contacts_contact WHERE id = ANY(%s) ORDER BY id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""


def _pick(limit: int) -> list[int]:
    """Choose contacts whose segments have looked already, fresh facts first."""
    return [row[0] for row in select(_PICK, [limit])]


def _try(picked: Sequence[int], limit: int) -> int:
    """Look at a batch; halve it when it fails, until the contact that makes it fail stands alone and is set aside."""
    taken: list[int] = []
    try:
        return _transaction(picked, limit, taken)
    except OperationalError:
        raise
    except Exception as error:
        if len(taken) > 1:
            half = len(taken) // 2
            return _try(taken[:half], half) + _try(taken[half:], len(taken) - half)
        log.warning("contact.changes_failed", contact=taken[0] if taken else None, error=repr(error))
        select(
            "UPDATE contacts_change SET lane = %s WHERE contact_id = ANY(%s) AND stage = 2 RETURNING id", [ASIDE, taken]
        )
        return 0


def _transaction(picked: Sequence[int], limit: int, taken: list[int]) -> int:
    with transaction.atomic():
        seen = [_change(row) for row in select(_CHANGES, [list(picked)])]
        readers = _held_readers(seen)
        held = {row[0] for row in select(_CONTACTS, [sorted({one.contact_id for one in seen}), limit])}
        taken += sorted(held)
        still = set(select(_STILL, [[one.id for one in seen if one.contact_id in held]]))
        changes = [one for one in seen if (one.id, one.contact_id) in still]  # a merge hands what waits to the winner
        done = _Look(changes, readers, clock.now()).look() if changes else []
        select("DELETE FROM contacts_change WHERE id = ANY(%s) RETURNING id", [done])
    crashpoint("after_entry_commit")
    return len(done)


def _change(row: tuple[Any, ...]) -> Change:
    number, contact, fact, ref, at, fires, lane, detail = row
    return Change(number, contact, fact, ref, at, fires, lane, json.loads(detail) if detail else None)


_STILL = "SELECT id, contact_id FROM contacts_change WHERE id = ANY(%s) AND stage = 2"
_READERS = """
SELECT fact, substr(reader, 9)::bigint FROM contacts_read
WHERE stage = 2 AND fact = ANY(%s::text[]) AND reader LIKE 'version:%%'
"""


def _readers(facts: Collection[str]) -> dict[str, list[int]]:
    """Return which versions read each fact."""
    readers: dict[str, list[int]] = defaultdict(list)
    for fact, version in quick(_READERS, [sorted(facts)]):
        readers[fact].append(version)
    return readers


def _held_readers(changes: Sequence[Change]) -> dict[str, list[int]]:
    """Return which versions read the facts, their flows locked: one published while we waited reads instead of the former."""
    facts, flows = {one.fact for one in changes}, set[int]()
    while True:
        readers = _readers(facts)
        wanted = _flows(readers, changes)
        if wanted <= flows:
            return readers
        locks.share(wanted - flows)
        flows |= wanted


_PUBLISHED = "SELECT version_id FROM flows_flow WHERE id = ANY(%s::bigint[])"
_INSIDE = "SELECT DISTINCT flow_id FROM flows_enrollment WHERE contact_id = ANY(%s) AND status = 'active'"


def _flows(readers: Mapping[str, Iterable[int]], changes: Sequence[Change]) -> set[int]:
    """Return the flows whose state the batch relies on."""
    versions = {version for those in readers.values() for version in those}
    flows = {plan.flow_id for plan in plans_of(versions).values()}
    maybe_gone = [one.contact_id for one in changes if one.fact == "contact"]
    return flows | {row[0] for row in select(_INSIDE, [maybe_gone])} if maybe_gone else flows


class _Look:
    """One look at the Changes of a batch of contacts, who are held."""

    def __init__(self, changes: Sequence[Change], readers: Mapping[str, list[int]], at: datetime) -> None:
        self.changes = changes
        self.readers = readers
        self.at = at
        self.counts = Counts()
        self.plans = plans_of({version for those in readers.values() for version in those})
        self.transitions = asking.transitions(
            [one.ref for one in changes if one.fact.startswith("segment:") and one.ref]
        )

    def look(self) -> list[int]:
        """Do everything in its order, and return the Changes that are done with."""
        later = departing.depart(
            {one.contact_id for one in self.changes if one.fact == "contact"}, self.at, self.counts
        )
        changes = [one for one in self.changes if one.contact_id not in later]
        current = self._current()
        hoping = [plan for version, plan in self.plans.items() if version in current]
        converting.convert(converting.reasons(changes, hoping), self.at)
        self._stay_or_go(changes)
        self._wake(changes)
        waking.wake(changes, self.readers, self.plans, self.at)
        trials.win(changes, self.readers, self.plans, self.counts)
        enrol(self._candidates(changes, current), self.at, self.counts)
        self.counts.write(self.at)
        return [one.id for one in changes]

    def _stay_or_go(self, changes: Sequence[Change]) -> None:
        asked: dict[int, set[int]] = defaultdict(set)  # version → contacts
        for change in changes:
            for version in self.readers.get(change.fact, ()):
                if change.fact in self.plans[version].reads:
                    asked[version].add(change.contact_id)
        contacts = {contact for those in asked.values() for contact in those}
        if not contacts:
            return
        found = [one for one in standing.inside(contacts, asked) if one.contact_id in asked[one.version_id]]
        standing.ask(found, self.at, self.counts, self._edges(found, changes))

    def _edges(self, found: Sequence[standing.Inside], changes: Sequence[Change]) -> dict[int, str]:
        """Name those who left the trigger's segment since they entered, even if they are back by now."""
        left: dict[tuple[int, str, str], datetime] = {}
        for change in changes:
            moved = self.transitions.get(change.ref or 0)
            if moved is not None and change.fact.startswith("segment:"):
                left[change.contact_id, change.fact, WAY[moved.kind]] = moved.at
        edges: dict[int, str] = {}
        for one in found:
            reason, fact, way = _leaving(self.plans[one.version_id])
            moved_at = left.get((one.contact_id, fact, way)) if reason else None
            if moved_at is not None and moved_at >= one.entered_at:
                edges[one.id] = reason
        return edges

    def _wake(self, changes: Sequence[Change]) -> None:
        facts = sorted({one.fact for one in changes if one.fact.startswith("message:")})
        if facts:
            Enrollment.objects.filter(wake_on__in=facts, status=Enrollment.Status.ACTIVE).update(
                due_at=self.at, parked="", wake_on=""
            )

    def _current(self) -> set[int | None]:
        """Return the versions that their flows have published."""
        flows = {plan.flow_id for plan in self.plans.values()}
        return {row[0] for row in quick(_PUBLISHED, [flows])} if flows else set()

    def _candidates(self, changes: Sequence[Change], current: set[int | None]) -> list[Candidate]:
        reasons: list[tuple[Change, Plan]] = []
        for change in changes:
            for version in self.readers.get(change.fact, ()):
                plan = self.plans[version]
                if version in current and change.fact in plan.trigger_facts and plan.settings.entry != "current":
                    reasons.append((change, plan))
        return starting.candidates(reasons, starting.Look(self.transitions, self.at))


def _leaving(plan: Plan) -> tuple[str, str, str]:
    """Return the reason, fact and way of the transition that ends a journey by itself; no reason: there is none."""
    trigger = plan.trigger.settings
    if plan.trigger.kind != "contact_segment" or not plan.settings.exit_on_leave:
        return "", "", ""
    if trigger.when == "enters":
        return "left the segment", f"segment:{trigger.segment}", "leaves"
    return "came back into the segment", f"segment:{trigger.segment}", "enters"
