"""What the home page says: first what needs somebody today, then how things stand."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.urls import NoReverseMatch, reverse

from config.health import pulse
from flows.models import Flow
from messaging.models import Message
from segmentation.models import Evaluation, Segment
from workspace import clock, notices
from workspace.models import Notice, Workspace
from workspace.reviews import waiting_for

BUCKETS = 24
ESTIMATE_FROM = 200_000  # above this many contacts the planner's estimate is shown, because counting reads them all


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that waits for a person: how bad, in a sentence, and where to mend it."""

    level: str
    title: str
    text: str
    url: str
    label: str


def board(person: Any) -> dict[str, Any]:
    """Return everything the home page shows."""
    at = clock.now()
    return {
        "needs": needs(at, person),
        "stats": stats(at),
        "segments": largest_segments(),
        "flows": busy_flows(),
        "at": at,
    }


def link(name: str, query: str = "", **kwargs: Any) -> str:
    """Return a page's address, or nothing while that page does not exist."""
    try:
        return reverse(name, kwargs=kwargs or None) + query
    except NoReverseMatch:
        return ""


def needs(at: datetime, person: Any) -> list[Need]:
    """Return what waits for somebody, worst first."""
    found: list[Need] = []
    if not pulse()["worker"]:
        found.append(
            Need(
                "error",
                "Nothing is being worked on",
                "No worker looked for work in the last two minutes. Start worker and beat.",
                "",
                "",
            )
        )
    if Workspace.objects.filter(pk=1, sending_held=True).exists():
        found.append(
            Need(
                "warning",
                "All sending is held",
                "Messages queue up until it is released.",
                link("settings"),
                "Settings",
            )
        )
    found += [Need("warning", one.title, one.text, one.url, "Look at it") for one in told(person)]
    found += waiting_messages()
    found += waiting_reviews(person)
    for flow in failing_flows(at):
        text = "Retry, skip or end them one by one on the flow's page."
        found.append(
            Need("warning", f"{flow[2]:,} failed in {flow[1]}", text, link("flow", pk=flow[0]), "Open the flow")
        )
    for pk, name, error in failing_segments():
        found.append(
            Need("warning", f"{name} could not be evaluated", error[:200], link("segment", pk=pk), "Open the segment")
        )
    return found


def told(person: Any) -> list[Notice]:
    """Return the notices that stand and concern this person."""
    return [one for one in notices.standing()[:20] if not one.right or person.has_perm(one.right)]


def waiting_messages() -> list[Need]:
    """Return what is to be decided about messages: sent again or not, let go or called off."""
    unknown = Message.objects.filter(status="unknown").count()
    held = Message.objects.filter(status="held").count()
    asked = [
        (unknown, "unknown", "Nobody knows whether they arrived: decide whether to send them again."),
        (held, "held", "They are held until somebody releases them or calls them off."),
    ]
    return [
        Need("warning", _counted(count, state), text, link("messages", f"?status={state}"), "Look at them")
        for count, state, text in asked
        if count
    ]


def waiting_reviews(person: Any) -> list[Need]:
    """Return the reviews that wait for this person."""
    count = waiting_for(person).count()
    title = f"{count:,} review{' waits' if count == 1 else 's wait'} for you"
    text = "Somebody asked for a change, or yours was sent back."
    return [Need("info", title, text, link("reviews"), "Look at them")] if count else []


def _counted(count: int, state: str) -> str:
    words = "of unknown fate" if state == "unknown" else "held"
    return f"{count:,} message{'' if count == 1 else 's'} {words}"


def failing_flows(at: datetime) -> list[tuple[int, str, int]]:
    """Return (id, name, how many) of flows in which enrollments failed in the last week."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT f.id, f.name, count(*) FROM flows_enrollment e JOIN flows_flow f ON f.id = e.flow_id
               WHERE e.status = 'failed' AND e.ended_at > %s GROUP BY f.id, f.name ORDER BY 3 DESC LIMIT 5""",
            [at - timedelta(days=7)],
        )
        return list(cursor.fetchall())


def failing_segments() -> list[tuple[int, str, str]]:
    """Return (id, name, error) of segments whose newest full look failed."""
    newest = Evaluation.objects.filter(full=True).order_by("segment_id", "-at").distinct("segment_id")
    failed = Evaluation.objects.filter(pk__in=newest.values("pk"), status="failed", segment__archived_at=None)
    return list(failed.values_list("segment_id", "segment__name", "error")[:5])


def stats(at: datetime) -> list[dict[str, Any]]:
    """Return the tiles: contacts, events and messages of the last day by hour, people on the way."""
    day = at - timedelta(days=1)
    events = by_hour("SELECT received_at FROM contacts_event WHERE at > %s AND received_at > %s", day)
    sent = by_hour(
        "SELECT settled_at FROM messaging_message WHERE settled_at > %s AND calling_at > %s AND status <> 'failed'", day
    )
    return [
        {
            "id": "stat-contacts",
            "label": "Contacts",
            "value": contacts_count(),
            "icon": "users",
            "url": link("contacts"),
        },
        {
            "id": "stat-events",
            "label": "Events, last 24 h",
            "value": sum(events),
            "icon": "zap",
            "url": link("events"),
            "points": line(events),
        },
        {
            "id": "stat-active",
            "label": "In flows now",
            "value": active_count(),
            "icon": "workflow",
            "url": link("flows"),
        },
        {
            "id": "stat-sent",
            "label": "Messages sent, last 24 h",
            "value": sum(sent),
            "icon": "send",
            "url": link("messages"),
            "points": line(sent),
        },
    ]


def by_hour(source: str, since: datetime) -> list[int]:
    """Return how many instants of a query fall into each of the last 24 hours."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT width_bucket(extract(epoch FROM i.at), extract(epoch FROM %s::timestamptz), extract(epoch FROM %s::timestamptz) + 86400, {BUCKETS}), count(*)"  # noqa: S608
            f" FROM ({source}) AS i (at) GROUP BY 1",
            [since, since, since, since],
        )
        counts: dict[int, int] = dict(cursor.fetchall())
    return [
        sum(counts.get(bucket, 0) for bucket in ((n, n + 1) if n == BUCKETS else (n,))) for n in range(1, BUCKETS + 1)
    ]


def line(values: list[int], width: int = 100, height: int = 30) -> str:
    """Return the points of a sparkline, or nothing when there is nothing to draw."""
    top = max(values, default=0)
    if not top:
        return ""
    step = width / (len(values) - 1)
    return " ".join(f"{n * step:.1f},{height - 2 - (height - 4) * value / top:.1f}" for n, value in enumerate(values))


def contacts_count() -> int:
    """Return how many contacts there are; above 200,000 the planner's estimate."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = 'contacts_contact'::regclass")
        estimate = int((cursor.fetchone() or (0,))[0])
        if estimate > ESTIMATE_FROM:
            return estimate
        cursor.execute("SELECT count(*) FROM contacts_contact WHERE merged_into_id IS NULL AND erased_at IS NULL")
        return int((cursor.fetchone() or (0,))[0])


def active_count() -> int:
    """Return how many enrollments are active, from the tallies."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(CASE WHEN what IN ('entered', 'moved_in') THEN count ELSE -count END), 0) FROM flows_tally"
            " WHERE what IN ('entered', 'moved_in', 'completed', 'exited', 'failed', 'restarted', 'moved_out')"
        )
        return int((cursor.fetchone() or (0,))[0])


def largest_segments() -> list[dict[str, Any]]:
    """Return the largest live segments with their sizes, as bars."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT segment_id, sum(entered - exited)::bigint FROM segmentation_tally GROUP BY 1 ORDER BY 2 DESC LIMIT 8"
        )
        sizes: dict[int, int] = dict(cursor.fetchall())
    names = dict(Segment.objects.filter(pk__in=sizes, archived_at=None).values_list("pk", "name"))
    top = max(sizes.values(), default=0) or 1
    return [
        {"label": names[pk], "value": size, "percent": round(100 * size / top), "url": link("segment", pk=pk)}
        for pk, size in sizes.items()
        if pk in names
    ]


def busy_flows() -> list[dict[str, Any]]:
    """Return the running and paused flows with how many started, are on the way, and came through."""
    flows = list(Flow.objects.filter(archived_at=None).exclude(status="ended").order_by("-activated_at", "-id")[:8])
    totals = tallies([flow.pk for flow in flows])
    return [{"flow": flow, "url": link("flow", pk=flow.pk), **totals.get(flow.pk, EMPTY)} for flow in flows]


EMPTY = {"entered": 0, "active": 0, "completed": 0, "failed": 0}


def tallies(flow_ids: list[int]) -> dict[int, dict[str, int]]:
    """Return the totals of flows by id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT flow_id, what, sum(count)::bigint FROM flows_tally WHERE flow_id = ANY(%s) AND node = '' GROUP BY 1, 2",
            [flow_ids],
        )
        rows = cursor.fetchall()
    found: dict[int, dict[str, int]] = {}
    for flow_id, what, count in rows:
        found.setdefault(flow_id, {})[what] = count
    return {pk: totals(one) for pk, one in found.items()}


def totals(one: dict[str, int]) -> dict[str, int]:
    """Turn sums by kind into what people ask."""
    came = one.get("entered", 0) + one.get("moved_in", 0)
    went = sum(one.get(what, 0) for what in ("completed", "exited", "failed", "restarted", "moved_out"))
    return {
        "entered": came,
        "active": came - went,
        "completed": one.get("completed", 0),
        "failed": one.get("failed", 0),
    }
