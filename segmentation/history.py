"""What was: the members at any past instant, told by the transitions alone, and static copies of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.dateparse import parse_datetime

from segmentation import moving
from segmentation.models import Segment, Transition
from segmentation.sql import Sql, join, sql
from workspace import clock
from workspace.models import Workspace
from workspace.problems import refuse


def entries_at(segment: Segment, at: datetime) -> QuerySet[Transition]:
    """Return, for each who was in a segment at an instant, the entry by which they were."""
    later = Transition.objects.filter(segment=segment, contact=OuterRef("contact"), seq=OuterRef("seq") + 1, at__lte=at)
    entered = Transition.objects.filter(segment=segment, kind=Transition.Kind.ENTERED, at__lte=at)
    return entered.filter(~Exists(later))


def size_at(segment: Segment, at: datetime) -> int:
    """Return how many were in a segment at an instant: who had entered less who had left."""
    moves = _counts(Transition.objects.filter(segment=segment, at__lte=at))
    return moves["entered"] - moves["exited"]


def house_zone() -> ZoneInfo:
    """Return the zone in which people of the house tell the time."""
    return ZoneInfo(Workspace.objects.values_list("timezone", flat=True).filter(pk=1).first() or "UTC")


def read_instant(text: str) -> datetime | None:
    """Read what a date-time picker sent, in the zone of the house; what is none, or still to come, is no instant."""
    try:
        at = parse_datetime(text)
    except ValueError:
        return None
    if at is None:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=house_zone())
    return at if at <= clock.now() else None


def past(at: datetime | None) -> datetime:
    """Return the instant that is asked about; refuse one that has not come yet."""
    now = clock.now()
    if at is not None and at > now:
        raise refuse("at", "That instant has not come yet. Ask for one in the past.")
    return at or now


def missed(segment: Segment) -> dict[str, int]:
    """Count the moves that no flow heard of since a segment was muted; nothing when it is not."""
    if segment.muted_at is None:
        return {}
    return _counts(Transition.objects.filter(segment=segment, fires=False, at__gte=segment.muted_at))


def _counts(moves: QuerySet[Transition]) -> dict[str, int]:
    return moves.aggregate(
        entered=Count("pk", filter=Q(kind=Transition.Kind.ENTERED)),
        exited=Count("pk", filter=Q(kind=Transition.Kind.EXITED)),
    )


@dataclass(frozen=True, slots=True)
class Moves:
    """Which transitions are asked for; None and empty: all."""

    kind: str = ""
    cause: str = ""
    quiet: bool | None = None
    contact: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    def of(self, segment: Segment) -> QuerySet[Transition]:
        """Return those of a segment."""
        found = Transition.objects.filter(segment=segment)
        found = found.filter(kind=self.kind) if self.kind else found
        found = found.filter(cause=self.cause) if self.cause else found
        found = found.filter(fires=not self.quiet) if self.quiet is not None else found
        found = found.filter(contact=self.contact) if self.contact else found
        found = found.filter(at__gte=self.since) if self.since else found
        return found.filter(at__lte=self.until) if self.until else found


# Those who were merged since stand in the copy as whom they became; whoever was erased is in no copy.
_COPIED = """
SELECT DISTINCT {copy}::bigint AS key, c.id AS contact_id, true AS inside FROM ({members}) v(contact_id)
JOIN contacts_contact o ON o.id = v.contact_id JOIN contacts_contact c ON c.id = coalesce(o.merged_into_id, o.id)
WHERE c.erased_at IS NULL AND c.merged_into_id IS NULL
"""
_NOW = "SELECT m.contact_id FROM segmentation_membership m WHERE m.segment_id = {segment}::bigint"
_THEN = """
SELECT t.contact_id FROM segmentation_transition t
WHERE t.segment_id = {segment}::bigint AND t.kind = 'entered' AND t.at <= {at}::timestamptz
    AND NOT EXISTS (SELECT FROM segmentation_transition n WHERE n.segment_id = t.segment_id
        AND n.contact_id = t.contact_id AND n.seq = t.seq + 1 AND n.at <= {at}::timestamptz)
"""


def copy_members(segment: Segment, copy: Segment, at: datetime | None = None, *, origin: str = "") -> int:
    """Put the members of a segment, now or at an instant, into a new static one by one statement; nothing fires."""
    diff = copied(segment, copy, at)
    why = moving.Why.of_all("manual", entries=False, exits=False)
    moved = _write(diff, why, fresh=True, origin=origin)
    transaction.on_commit(lambda: drop_gone([copy.pk]))
    return moved


def copied(segment: Segment, copy: Segment, at: datetime | None) -> Sql:
    """Render whom a copy of a segment takes in, now or at an instant."""
    members = sql(_NOW, segment=segment.pk) if at is None else sql(_THEN, segment=segment.pk, at=at)
    return sql(_COPIED, copy=copy.pk, members=members)


# Contacts may be merged or erased while the copy is written, and their Changes be looked at before it can be seen.
_GONE = """
SELECT m.segment_id AS key, m.contact_id, false AS inside FROM segmentation_membership m
JOIN contacts_contact c ON c.id = m.contact_id
WHERE m.segment_id = ANY({segments}::bigint[]) AND (c.erased_at IS NOT NULL OR c.merged_into_id IS NOT NULL)
"""


def drop_gone(segments: Collection[int]) -> int:
    """Take out whoever was merged or erased meanwhile."""
    with transaction.atomic():
        diff = sql(_GONE, segments=list(segments))
        return _write(diff, moving.Why.of_all("erased", entries=False, exits=False))


_ARCHIVED = """
SELECT m.segment_id AS key, m.contact_id, false AS inside FROM segmentation_membership m
JOIN segmentation_segment s ON s.id = m.segment_id
WHERE m.contact_id = ANY({contacts}::bigint[]) AND s.archived_at IS NOT NULL
"""


def leave_archived(gone: Mapping[int, str]) -> None:
    """Take contacts who were merged or erased (contact → which) out of segments that are looked at no more."""
    for cause in sorted(set(gone.values())):
        contacts = [contact for contact, why in gone.items() if why == cause]
        _write(sql(_ARCHIVED, contacts=contacts), moving.Why.of_all(cause, entries=False, exits=False))


def _write(diff: Sql, why: moving.Why, *, fresh: bool = False, origin: str = "") -> int:
    written = moving.write(diff, clock.now(), fresh=fresh, why=why, origin=origin)
    statement = join("", [Sql("WITH "), written, Sql(" SELECT count(*) FROM written")])
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.params)
        moved: int = cursor.fetchone()[0]
        return moved
