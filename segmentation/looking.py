"""Looking at contacts for segments: level by level of nesting, so that a segment sees those below it as they are now."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import DatabaseError, connection, transaction

from contacts.changes import READS_LOCK
from segmentation import comparing, locks, moving
from segmentation.catalogue import Catalogue
from segmentation.comparing import Row, Turned
from segmentation.criteria import Criteria
from segmentation.measures import Scene
from segmentation.models import Evaluation
from segmentation.moving import Counts, Moved
from segmentation.rules import by_digest
from segmentation.sql import sql
from workspace.trips import array, ask, together

log = structlog.get_logger()

ASK_AGAIN = timedelta(hours=1)  # when a contact that made an evaluation fail is tried again
CAUSES = ("erased", "merged", "import", "manual", "flow", "clock", "edited", "repair", "segment", "data")
Reason = tuple[str, str, str, bool]  # fact, cause, inner cause, fires


@dataclass(frozen=True, slots=True)
class Watched:
    """A segment as a batch sees it, read under its lock."""

    id: int
    slug: str
    depth: int
    criteria: Criteria | None  # None: static
    clock_at: datetime | None
    waiting: bool  # a full evaluation is still to come


@dataclass
class Batch:
    """What one transaction looks at: for every contact the facts that changed, and who reads which."""

    reasons: dict[int, set[Reason]]
    readers: dict[str, list[int]]  # fact → segments
    catalogue: Catalogue
    lane: int = 0
    counts: Counts = field(default_factory=Counter)
    looked: dict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))


_LOCKED = "SELECT pg_advisory_xact_lock_shared(%s::bigint)"
_READERS = """
SELECT fact, substr(reader, 9)::bigint FROM contacts_read
WHERE stage = 1 AND fact = ANY(%s::text[]) AND reader LIKE 'segment:%%'
"""
# Segments that stand on segments, level by level; those on which nothing stands cost a look into an index.
_ABOVE = """
WITH RECURSIVE up(slug, fact, reader) AS (
    SELECT s.slug, r.fact, substr(r.reader, 9)::bigint FROM segmentation_segment s
    JOIN contacts_read r ON r.stage = 1 AND r.fact = 'segment:' || s.slug AND r.reader LIKE 'segment:%%'
    WHERE s.id = ANY(%s::bigint[])
    UNION
    SELECT s.slug, r.fact, substr(r.reader, 9)::bigint FROM up JOIN segmentation_segment s ON s.id = up.reader
    JOIN contacts_read r ON r.stage = 1 AND r.fact = 'segment:' || s.slug AND r.reader LIKE 'segment:%%'
) SELECT fact, reader FROM up
"""


def readers_of(facts: Iterable[str]) -> dict[str, list[int]]:
    """Return which segments read these facts, and keep new readers waiting."""
    with together():
        # New readers wait until this transaction has ended, so that none misses a transition written in it.
        ask(_LOCKED, [READS_LOCK])
        answer = ask(_READERS, [array(sorted(set(facts)))])
    return _gathered(answer.rows())


def _gathered(rows: Iterable[tuple[Any, ...]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for fact, reader in rows:
        found[fact].append(reader)
    return found


_WATCHED = """
SELECT s.id, s.slug, s.depth, s.kind = 'dynamic' AND s.evaluated_at IS NULL, s.clock_at, r.digest
FROM segmentation_segment s LEFT JOIN segmentation_segmentrule r ON r.id = s.rule_id
WHERE s.id = ANY(%s::bigint[]) AND s.archived_at IS NULL
"""


def watched(ids: Iterable[int]) -> tuple[dict[int, Watched], datetime]:
    """Read segments as they are now, and what time it is: call it under their locks."""
    with together():
        found, now = ask(_WATCHED, [array(sorted(set(ids)))]), ask("SELECT tributary_now()")
    rows = found.rows()
    rules = by_digest({row[5] for row in rows if row[5]})
    seen = {
        pk: Watched(pk, slug, depth, rules[digest] if digest else None, clock_at, waiting)
        for pk, slug, depth, waiting, clock_at, digest in rows
    }
    return seen, max([now.rows()[0][0], *(one.clock_at for one in seen.values() if one.clock_at)])


def touched_by(batch: Batch) -> set[int]:
    """Return every segment that the facts of a batch may touch, directly or through others; note who stands on them."""
    found = {pk for every in batch.reasons.values() for fact, *_ in every for pk in batch.readers.get(fact, ())}
    if found:
        above = _gathered(ask(_ABOVE, [array(sorted(found))]).rows())
        batch.readers.update(above)
        found.update(*above.values())
    return found


def look(batch: Batch) -> datetime:
    """Bring all segments that a batch touches up to date for its contacts, whose locks the caller holds.

    Segments that somebody has alone, or that wait for a full evaluation, get the contacts noted as owed. Returns the
    instant at which it looked.
    """
    all_ids = touched_by(batch)
    free = locks.try_share(all_ids)
    seen, at = watched(all_ids)
    ready = {pk: one for pk, one in seen.items() if pk in free and not one.waiting}
    stages = moving.stages_of({pk: one.slug for pk, one in ready.items()}, alone=2)
    for depth in sorted({one.depth for one in ready.values()}):
        level = {pk: one for pk, one in ready.items() if one.depth == depth}
        rows, groups = _rows(batch, set(level))
        moved = _look_at(level, rows, groups, at, batch, stages)
        _pass_on(batch, moved, seen)
    _owe(batch, seen.keys() - ready.keys())
    return at


def _rows(batch: Batch, segments: set[int]) -> tuple[list[Row], list[list[int]]]:
    """Group contacts that changed in the same way, and say for each group which segments look at it and why."""
    groups: dict[frozenset[Reason], list[int]] = defaultdict(list)
    for contact, reasons in batch.reasons.items():
        groups[frozenset(reasons)].append(contact)
    rows: list[Row] = []
    batches: list[list[int]] = []
    for why, contacts in groups.items():
        for segment, (cause, inner, fires) in _why(why, batch.readers, segments).items():
            rows.append((segment, len(batches), cause, inner, fires))
        batches.append(contacts)
    return rows, batches


def _why(
    reasons: frozenset[Reason], readers: Mapping[str, Collection[int]], segments: set[int]
) -> dict[int, tuple[str, str, bool]]:
    """Return for each segment the weightiest cause among the facts it reads; it fires if any of them may."""
    found: dict[int, list[Reason]] = defaultdict(list)
    for reason in reasons:
        for segment in readers.get(reason[0], ()):
            if segment in segments:
                found[segment].append(reason)
    answer = {}
    for segment, every in found.items():
        first = min(every, key=lambda one: CAUSES.index(one[1]) if one[1] in CAUSES else len(CAUSES))
        answer[segment] = (first[1], first[2], any(one[3] for one in every))
    return answer


def _pass_on(batch: Batch, moved: Sequence[Moved], seen: Mapping[int, Watched]) -> None:
    """Let the segments above see these transitions within the same batch."""
    for one in moved:
        fact = f"segment:{seen[one.segment_id].slug}"
        if fact in batch.readers:
            inner = one.inner_cause if one.cause == "segment" else one.cause
            batch.reasons.setdefault(one.contact_id, set()).add((fact, "segment", inner, one.fires))


def _owe(batch: Batch, segments: Collection[int]) -> None:
    """Note that these segments must still look at the contacts whose facts they read, passed-on ones too."""
    rows, batches = _rows(batch, set(segments)) if segments else ([], [])
    owe((segment, contact, cause, fires) for segment, number, cause, _, fires in rows for contact in batches[number])


def owe(pairs: Iterable[tuple[int, int, str, bool]], *, later: timedelta = timedelta()) -> None:
    """Note looks that are owed (segment, contact, cause, fires), once each; `later` puts them off."""
    every = list(pairs)
    if not every:
        return
    segment, contact, cause, fires = zip(*every, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO segmentation_owed (segment_id, contact_id, cause, fires, at)"
            " SELECT s, c, cause, fires, tributary_now() + %s::interval"
            " FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bool[]) AS n(s, c, cause, fires)"
            " ON CONFLICT (segment_id, contact_id) DO UPDATE SET fires = segmentation_owed.fires OR excluded.fires,"
            " at = greatest(segmentation_owed.at, excluded.at)",
            [f"{later.total_seconds()} seconds", list(segment), list(contact), list(cause), list(fires)],
        )


def _look_at(
    level: Mapping[int, Watched],
    rows: list[Row],
    groups: list[list[int]],
    at: datetime,
    batch: Batch,
    stages: Mapping[int, int],
) -> list[Moved]:
    moved: list[Moved] = []
    segments = sorted({row[0] for row in rows})
    for first in range(0, len(segments), comparing.AT_ONCE):
        some = set(segments[first : first + comparing.AT_ONCE])
        chosen = [row for row in rows if row[0] in some]
        for segment, number, cause, _, _ in chosen:
            batch.looked[segment, cause] += len(groups[number])
        turned = _Task(level, at, batch, stages).run(chosen, groups)
        batch.counts += turned.counts
        moved += turned.moved
    return moved


@dataclass
class _Task:
    """One statement over some segments and contacts, halved when it fails until what fails stands alone."""

    level: Mapping[int, Watched]
    at: datetime
    batch: Batch
    stages: Mapping[int, int]

    def run(self, rows: list[Row], groups: list[list[int]]) -> Turned:
        try:
            with transaction.atomic():
                return self._state(rows, groups)
        except DatabaseError as error:
            if _passing(error):
                raise
            return self._apart(rows, groups, error)

    def _state(self, rows: list[Row], groups: list[list[int]]) -> Turned:
        scene = Scene(at=self.at, catalogue=self.batch.catalogue, among=sql("(SELECT k.ids FROM looked k)::bigint[]"))
        segments = sorted({row[0] for row in rows})
        rules = {pk: self.level[pk].criteria for pk in segments}
        stages = {pk: self.stages[pk] for pk in segments if pk in self.stages}
        above = [pk for pk in segments if f"segment:{self.level[pk].slug}" in self.batch.readers]
        return comparing.bring(rules, rows, groups, scene, stages=stages, lane=self.batch.lane, above=above)

    def _apart(self, rows: list[Row], batches: list[list[int]], error: DatabaseError) -> Turned:
        segments = sorted({row[0] for row in rows})
        if len(segments) > 1:
            half = set(segments[: len(segments) // 2])
            first = [row for row in rows if row[0] in half]
            return self.run(first, batches) + self.run([row for row in rows if row[0] not in half], batches)
        contacts = sorted({contact for _, number, *_ in rows for contact in batches[number]})
        if (
            len(contacts) == 1 or _state_of(error) == "57014"
        ):  # a statement that took too long is not the contact's fault
            self._park(rows, batches, error)
            return Turned()
        half = set(contacts[: len(contacts) // 2])
        turned = Turned()
        for part in (half, set(contacts) - half):
            kept = [[one for one in every if one in part] for every in batches]
            turned += self.run([row for row in rows if kept[row[1]]], kept)
        return turned

    def _park(self, rows: list[Row], batches: list[list[int]], error: DatabaseError) -> None:
        """Set a look aside, visibly: owed later, with a failed Evaluation that says why."""
        owe(((row[0], one, row[2], row[4]) for row in rows for one in batches[row[1]]), later=ASK_AGAIN)
        message = str(error).splitlines()[0]
        segment, number, cause = rows[0][:3]
        who = f"contact {batches[number][0]}" if len(batches[number]) == 1 else "a batch"
        Evaluation.objects.create(
            segment_id=segment, cause=cause[:10], status=Evaluation.Status.FAILED, at=self.at, error=f"{who}: {message}"
        )
        log.error("evaluation.parked", segment=segment, error=type(error).__name__)


def _state_of(error: BaseException) -> str:
    return getattr(error.__cause__, "sqlstate", "") or ""


def _passing(error: BaseException) -> bool:
    """Tell a failure of circumstances (deadlock, lost connection) from one of the data."""
    state = _state_of(error)
    return not state or state[:2] in ("40", "08", "53", "55") or state.startswith("57P")


def sum_up(looked: Mapping[tuple[int, str], int], counts: Counts, at: datetime, ms: float) -> None:
    """Add small looks to their minute's Evaluation, after the batch has committed: a record, not a truth."""
    if not looked:
        return
    share, left = ms / len(looked), Counter(counts)
    rows = sorted(
        (segment, cause[:10], left.pop((segment, True), 0), left.pop((segment, False), 0)) for segment, cause in looked
    )
    segment, cause, came, went = zip(*rows, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO segmentation_evaluation (segment_id, rule_id, cause, "full", status, at, minute, looks, entered,'
            " exited, ms, done, total, cancel_requested, fires)"
            " SELECT s.id, s.rule_id, n.cause, false, 'done', %s, date_trunc('minute', %s::timestamptz), 1, n.came, n.went,"
            " %s, 0, 0, false, 'both' FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::int[])"
            " AS n(segment, cause, came, went) JOIN segmentation_segment s ON s.id = n.segment ORDER BY s.id, n.cause"
            " ON CONFLICT (segment_id, cause, minute) WHERE minute IS NOT NULL DO UPDATE SET"
            " looks = segmentation_evaluation.looks + 1, entered = segmentation_evaluation.entered + excluded.entered,"
            " exited = segmentation_evaluation.exited + excluded.exited, ms = segmentation_evaluation.ms + excluded.ms,"
            " at = greatest(segmentation_evaluation.at, excluded.at), rule_id = excluded.rule_id",
            [at, at, share, list(segment), list(cause), list(came), list(went)],
        )
