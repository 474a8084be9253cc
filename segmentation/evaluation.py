"""Keeping segments true: by the Changes that wait, by what is owed, and by the passing of time."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.db import OperationalError, connection, transaction

from segmentation import history, locks, merging, moving
from segmentation.catalogue import Catalogue, load_catalogue
from segmentation.criteria import leaves
from segmentation.looking import CAUSES, Batch, Reason, look, owe, readers_of, sum_up
from segmentation.measures import Scene
from segmentation.models import Segment
from segmentation.moving import Counts
from segmentation.recomputing import cancel, recompute, recompute_all, recompute_waiting
from segmentation.rules import Saved, remembered
from segmentation.sql import join, sql
from workspace import clock, doorbell
from workspace.crash import crashpoint
from workspace.trips import array, ask

T = TypeVar("T")
TRIES = 3
EDGES_AT_ONCE = 40
PASS_BATCH = 5000

_CLAIM = """
SELECT id FROM contacts_contact WHERE id IN (
    SELECT contact_id FROM contacts_change WHERE stage = 1 ORDER BY lane, id LIMIT %s
) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""
_PENDING = """
SELECT id, contact_id, fact, cause, fires, lane FROM contacts_change
WHERE stage = 1 AND contact_id = ANY(%s::bigint[]) ORDER BY id
"""
_HAND_ON = """
WITH heard AS (SELECT DISTINCT fact FROM contacts_read WHERE stage = 2 AND fact = ANY(%s::text[])),
gone AS (DELETE FROM contacts_change WHERE id = ANY(%s::bigint[]) AND fact NOT IN (SELECT fact FROM heard))
UPDATE contacts_change SET stage = 2 WHERE id = ANY(%s::bigint[]) AND fact IN (SELECT fact FROM heard)
"""


def take_changes(limit: int = 1000) -> int:
    """Look at contacts whose Changes wait, for every segment that reads them; return how many Changes were handled."""
    handled = _retried(lambda: _take(limit)) or _retried(lambda: _take(limit * 8))
    return handled + work_off_owed(limit)


def _take(limit: int) -> int:
    begun = time.perf_counter()
    with transaction.atomic():
        contacts = [row[0] for row in ask(_CLAIM, [limit]).rows()]
        changes = ask(_PENDING, [array(contacts)]).rows() if contacts else []
        if not changes:
            return 0
        facts = {change[2] for change in changes}
        merged = {change[1] for change in changes if change[2:4] == ("contact", "merged")}
        of_flows = merging.facts_of_flows() if merged else []
        batch = _batch(changes, readers_of(facts | set(of_flows)))
        for contact in merged:
            batch.reasons.setdefault(contact, set()).update((fact, "merged", "", False) for fact in of_flows)
        if merged:
            batch.counts += moving.count(merging.take_places(merged))
            merging.tell_past(merged)
        at = look(batch)
        crashpoint("after_evaluation")
        ids = [change[0] for change in changes]
        ask(_HAND_ON, [array(sorted(facts)), array(ids), array(ids)])
        _tell(batch.counts)
    sum_up(batch.looked, batch.counts, at, (time.perf_counter() - begun) * 1000)
    return len(changes)


def _batch(changes: list[tuple[Any, ...]], readers: dict[str, list[int]]) -> Batch:
    reasons: dict[int, set[Reason]] = defaultdict(set)
    gone: dict[int, str] = {}
    for _, contact, fact, cause, fires, _ in changes:
        cause = cause if cause in CAUSES else "data"
        if fact in readers:
            inner = "segment" if fact.startswith("segment:") else ""
            reasons[contact].add((fact, "segment", cause, fires) if inner else (fact, cause, "", fires))
        if fact == "contact" and cause in ("merged", "erased"):
            gone[contact] = cause
    _add_memberships(gone, reasons, readers)
    return Batch(reasons, readers, load_catalogue(), lane=max(change[5] for change in changes))


def _add_memberships(gone: dict[int, str], reasons: dict[int, set[Reason]], readers: dict[str, list[int]]) -> None:
    """Have every segment look at those of its members who were merged or erased, whatever its criteria read."""
    if not gone:
        return
    history.leave_archived(gone)
    held = "SELECT contact_id, segment_id FROM segmentation_membership WHERE contact_id = ANY(%s::bigint[])"
    for contact, segment in _select(held, [list(gone)]):
        readers[f"member:{segment}"] = [segment]
        reasons[contact].add((f"member:{segment}", gone[contact], "", False))


def work_off_owed(limit: int = 1000) -> int:
    """Look at contacts that segments owe a look, as far as those segments are free; return how many looks were owed."""
    due = "SELECT contact_id FROM segmentation_owed WHERE at <= tributary_now() ORDER BY id LIMIT %s"
    return _retried(lambda: _work_off(_select(due, [limit]))) if _select(f"{due}", [1]) else 0


def _work_off(due: list[tuple[Any, ...]]) -> int:
    begun = time.perf_counter()
    with transaction.atomic():
        contacts = locks.hold_contacts({row[0] for row in due})
        owed = _select(
            "SELECT o.id, o.segment_id, o.contact_id, o.cause, o.fires FROM segmentation_owed o"
            " JOIN segmentation_segment s ON s.id = o.segment_id"
            " WHERE o.contact_id = ANY(%s::bigint[]) AND o.at <= tributary_now()"
            " AND (s.kind = 'static' OR s.evaluated_at IS NOT NULL)",
            [contacts],
        )
        free = locks.try_share({one[1] for one in owed})
        owed = [one for one in owed if one[1] in free]
        if not owed:
            return 0
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM segmentation_owed WHERE id = ANY(%s::bigint[])", [[one[0] for one in owed]])
        batch = _batch_of(((segment, contact, cause, fires) for _, segment, contact, cause, fires in owed))
        at = look(batch)
        _tell(batch.counts)
    sum_up(batch.looked, batch.counts, at, (time.perf_counter() - begun) * 1000)
    return len(owed)


def _batch_of(pairs: Iterable[tuple[int, int, str, bool]], catalogue: Catalogue | None = None) -> Batch:
    """Make a batch of pairs that are to be looked at whatever they read (segment, contact, cause, fires)."""
    reasons: dict[int, set[Reason]] = defaultdict(set)
    readers = readers_of([])
    for segment, contact, cause, fires in pairs:
        readers[f"member:{segment}"] = [segment]
        reasons[contact].add((f"member:{segment}", cause, "", fires))
    return Batch(reasons, readers, catalogue or load_catalogue())


def pass_time() -> int:
    """Look at the contacts whose answer may have changed only because time passed; return how many looks that took."""
    until = clock.now()
    catalogue = load_catalogue()
    looks = 0
    rows = Segment.objects.filter(
        kind=Segment.Kind.DYNAMIC, archived_at=None, rule__clock=True, evaluated_at__isnull=False, clock_at__lt=until
    ).values_list("pk", "clock_at", "rule__digest", "rule__document")
    every = list(rows.order_by("pk"))
    for first in range(0, len(every), EDGES_AT_ONCE):
        some = every[first : first + EDGES_AT_ONCE]
        pairs = sorted(_edges(some, until, catalogue))
        for start in range(0, len(pairs), PASS_BATCH):
            _retried(partial(_pass, pairs[start : start + PASS_BATCH], catalogue))
        looks += len(pairs)
        _come_to([row[0] for row in some], until)
    return looks


def _edges(some: list[tuple[Any, ...]], until: datetime, catalogue: Catalogue) -> list[tuple[int, int]]:
    """Return (contact, segment) for those on the edges of the segments' windows since each last passed."""
    scene = Scene(at=until, catalogue=catalogue)
    found = []
    for pk, since, digest, document in some:
        for leaf in _clocks(digest, document):
            found += [
                sql("SELECT DISTINCT x.contact_id, {id}::bigint FROM ({edge}) x", id=pk, edge=one)
                for one in leaf.edges(scene, since, until)
            ]
    if not found:
        return []
    statement = join(" UNION ", found)
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        return [(row[0], row[1]) for row in cursor.fetchall()]


def _clocks(digest: str, document: dict[str, Any]) -> list[Any]:
    return [leaf for leaf in leaves(remembered(Saved(digest, document)).root) if leaf.clock]


def _pass(pairs: list[tuple[int, int]], catalogue: Catalogue) -> None:
    begun = time.perf_counter()
    with transaction.atomic():
        held = set(locks.hold_contacts({contact for contact, _ in pairs}))
        owe((segment, contact, "clock", True) for contact, segment in pairs if contact not in held)
        batch = _batch_of(
            ((segment, contact, "clock", True) for contact, segment in pairs if contact in held), catalogue
        )
        at = look(batch)
        _tell(batch.counts)
    sum_up(batch.looked, batch.counts, at, (time.perf_counter() - begun) * 1000)


def _come_to(passed: list[int], until: datetime) -> None:
    """Say how far the clock has come for these segments; it never goes back, nor past an edit made meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE segmentation_segment SET clock_at = greatest(clock_at, %s)"
            " WHERE id = ANY(%s::bigint[]) AND evaluated_at IS NOT NULL",
            [until, passed],
        )


def _tell(moved: Counts) -> None:
    """Tell workers and open pages, once this transaction has committed."""
    if not moved:
        return
    topics = ["segments", *(f"segment:{pk}" for pk in {segment for segment, _ in moved})]
    transaction.on_commit(lambda: doorbell.poke(topics))
    doorbell.ring_on_commit("attend")


def _retried(do: Callable[[], T]) -> T:
    """Do a whole transaction again when it fell to a deadlock or the like."""
    for left in reversed(range(TRIES)):
        try:
            return do()
        except OperationalError as error:
            state = getattr(error.__cause__, "sqlstate", "") or ""
            if not left or state[:2] not in ("40", "55") or connection.in_atomic_block:
                raise
    raise AssertionError("unreachable")


def _select(statement: str, params: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


__all__ = ["cancel", "pass_time", "recompute", "recompute_all", "recompute_waiting", "take_changes", "work_off_owed"]
