"""What the pages show of many segments at once: sizes, a month of growth, how the last evaluation went; set-based."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import JSONObject, TruncDate

from segmentation.models import Evaluation, Segment, Tally
from segmentation.sizes import sizes

MONTH = 30
STOPPED = "Nobody was copied. Delete this copy, or make another."
TONES = ("teal", "blue", "moss", "amber", "coral", "rose", "plum", "indigo", "sand", "slate")


@dataclass(frozen=True, slots=True)
class Row:
    """A segment as a list shows it."""

    segment: Segment
    size: int
    words: str
    points: str
    state: str
    note: str = ""

    @property
    def tone(self) -> str:
        """Return the tone of its chip."""
        return tone_of(self.segment)


def tone_of(segment: Segment) -> str:
    """Return the chosen tone of a segment, or one by its number."""
    return segment.color if segment.color in TONES else TONES[segment.pk % len(TONES)]


def with_state(segments: QuerySet[Segment]) -> QuerySet[Segment]:
    """Tell each segment whether it is being evaluated, and how its last full evaluation went."""
    mine = Evaluation.objects.filter(segment=OuterRef("pk"))
    newest = mine.filter(full=True).order_by("-at", "-id")
    told = JSONObject(status="status", error="error", done="done", total="total", pk="pk")
    return segments.annotate(
        evaluating=Exists(mine.filter(status=Evaluation.Status.RUNNING)),
        last_look=Subquery(newest.annotate(told=told).values("told")[:1]),
    )


def state_of(segment: Any) -> tuple[str, str]:
    """Return (state, note) of a segment read `with_state`: ready, evaluating, waiting, failed, archived, muted."""
    last = segment.last_look or {}
    if segment.archived_at:
        return "archived", ""
    if segment.evaluating:
        return "evaluating", share(last)
    if last.get("status") == Evaluation.Status.FAILED:
        return "failed", last["error"]
    if segment.kind == Segment.Kind.STATIC and last.get("status") == Evaluation.Status.CANCELLED:
        return "stopped", last["error"] or STOPPED
    if segment.kind == Segment.Kind.DYNAMIC and segment.evaluated_at is None:
        return "waiting", ""
    return ("muted", "") if segment.muted else ("ready", "")


def share(last: dict[str, Any]) -> str:
    """Say how far an evaluation is, when it says so itself."""
    return f"{100 * last['done'] // last['total']}%" if last.get("total") else ""


def rows_of(segments: Sequence[Segment], words: dict[int, str], at: datetime) -> list[Row]:
    """Return what a list shows of these segments, in their order."""
    ids = [segment.pk for segment in segments]
    now = sizes(ids)
    curves = growth_curves(ids, now, at, MONTH)
    states = {segment.pk: state_of(segment) for segment in segments}
    return [
        Row(one, now.get(one.pk, 0), words.get(one.pk, ""), points(curves[one.pk]), *states[one.pk]) for one in segments
    ]


def growth_curves(ids: Collection[int], now: dict[int, int], at: datetime, days: int) -> dict[int, list[int]]:
    """Return the sizes of each segment at the end of the last days, oldest first: its size now, taken back day by day."""
    since = at - timedelta(days=days)
    sums = (
        Tally.objects.filter(segment_id__in=ids, minute__gt=since)
        .annotate(day=TruncDate("minute"))
        .values_list("segment_id", "day")
        .annotate(came=Sum("entered"), went=Sum("exited"))
    )
    moved = {(segment_id, day): came - went for segment_id, day, came, went in sums}
    return {pk: _backwards(pk, now.get(pk, 0), at.date(), days, moved) for pk in ids}


def _backwards(pk: int, size: int, today: date, days: int, moved: dict[tuple[int, date], int]) -> list[int]:
    curve = [size]
    for back in range(days - 1):
        curve.append(curve[-1] - moved.get((pk, today - timedelta(days=back)), 0))
    return curve[::-1]


def points(curve: Sequence[int], width: float = 100, height: float = 30) -> str:
    """Return the curve as points of a sparkline, y downwards; a flat one runs along the middle."""
    low, high = min(curve), max(curve)
    if low == high:
        return f"0,{height / 2:g} {width:g},{height / 2:g}"
    step = width / (len(curve) - 1)
    scale = (height - 4) / (high - low)
    return " ".join(f"{i * step:.1f},{height - 2 - (value - low) * scale:.1f}" for i, value in enumerate(curve))
