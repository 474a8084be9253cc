"""How many, without counting anybody: sums of deltas, kept small by compacting."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum
from django.db.models.functions import TruncDay

from flows.models import Flow, Tally
from workspace import clock

CENT = Decimal("0.01")
ENDS = ("completed", "exited", "failed", "restarted")
NOT_PASSED = ("failed", "exited", "restarted", "moved", "goal")
TESTED = (Tally.What.TRIED, Tally.What.WON)
MINUTES_KEPT = timedelta(days=2)
COMPACT_LOCK = 7_312


def counts(flow: Flow) -> dict[str, Any]:
    """Return the totals of a flow and, per node, who arrived, is here now, passed (by port) and failed."""
    sums = Tally.objects.filter(flow=flow).exclude(what__in=TESTED).values_list("node", "port", "what")
    rows = list(sums.annotate(sum=Sum("count"), money=Sum("value")).order_by())
    nodes: dict[str, dict[str, Any]] = defaultdict(_nothing)
    for node, port, what, count, money in rows:
        if node:
            _count(nodes[node], port, what, count, money)
    if flow.version is not None and flow.version.settings.get("conversion"):
        for one in flow.version.graph["nodes"]:
            nodes[one["id"]]  # where nobody was yet nobody converted: the house says so
    totals = {what: count for node, _, what, count, _ in rows if not node}
    earned = sum((money for node, _, what, _, money in rows if not node and what == "converted"), Decimal())
    return {"totals": _totals(totals, earned), "nodes": dict(nodes)}


def _nothing() -> dict[str, Any]:
    return {"waiting": 0, "passed": 0, "failed": 0, "converted": 0, "money": Decimal(), "ports": {}}


def _count(node: dict[str, Any], port: str, what: str, count: int, money: Decimal) -> None:
    if what == "converted":
        node["converted"] += count
        node["money"] += money
        return
    node["waiting"] += count if what == "arrived" else -count
    if what == "left" and port in NOT_PASSED:
        node[port] = node.get(port, 0) + count
    elif what == "left":
        node["passed"] += count
        node["ports"][port] = node["ports"].get(port, 0) + count


def totals(flow_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Return the totals of many flows in one query."""
    sums: dict[int, dict[str, int]] = defaultdict(dict)
    earned: dict[int, Decimal] = defaultdict(Decimal)
    rows = Tally.objects.filter(flow__in=flow_ids, node="").values_list("flow_id", "what")
    for flow_id, what, count, money in rows.annotate(sum=Sum("count"), money=Sum("value")).order_by():
        sums[flow_id][what] = count
        earned[flow_id] += money
    return {flow_id: _totals(found, earned[flow_id]) for flow_id, found in sums.items()}


def _totals(sums: Mapping[str, int], money: Decimal) -> dict[str, Any]:
    ended = {what: sums.get(what, 0) for what in ENDS}
    started, converted = sums.get("entered", 0), sums.get("converted", 0)
    return {
        "started": started,
        "active": started - sum(ended.values()),
        **ended,
        "converted": converted,
        "money": money.quantize(CENT),
        "rate": round(100 * converted / started, 1) if started else 0.0,
    }


def growth(flow: Flow, days: int = 30) -> list[dict[str, Any]]:
    """Return who started and who left on each of the last days."""
    today = clock.now().date()
    since = today - timedelta(days=days - 1)
    rows = (
        Tally.objects.filter(flow=flow, node="", minute__date__gte=since)
        .annotate(day=TruncDay("minute"))
        .values_list("day", "what")
        .annotate(sum=Sum("count"))
        .order_by()
    )
    found: dict[date, dict[str, int]] = defaultdict(dict)
    for day, what, count in rows:
        found[day.date()][what] = count
    every = [since + timedelta(days=n) for n in range(days)]
    return [
        {
            "day": day,
            "started": found[day].get("entered", 0),
            "left": sum(found[day].get(what, 0) for what in ENDS),
        }
        for day in every
    ]


def starts(flow_ids: Collection[int], *, at: datetime, days: int = 14) -> dict[int, list[int]]:
    """Return how many started in each of many flows on each of the last days, in one query."""
    first = at.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    rows = (
        Tally.objects.filter(flow__in=flow_ids, node="", what=Tally.What.ENTERED, minute__gte=first)
        .annotate(day=TruncDay("minute"))
        .values_list("flow_id", "day")
        .annotate(sum=Sum("count"))
        .order_by()
    )
    found: dict[int, list[int]] = {flow_id: [0] * days for flow_id in flow_ids}
    for flow_id, day, count in rows:
        found[flow_id][min((day - first).days, days - 1)] += count
    return found


_COMPACT = """
WITH old AS (
    DELETE FROM flows_tally WHERE ctid IN (
        SELECT t.ctid FROM flows_tally t JOIN (
            SELECT flow_id, version_id, node, port, what, date_trunc(%(unit)s, minute) AS slot FROM flows_tally
            WHERE minute >= %(since)s AND minute < %(until)s GROUP BY 1, 2, 3, 4, 5, 6 HAVING count(*) > 1
        ) AS many USING (flow_id, version_id, node, port, what)
        WHERE date_trunc(%(unit)s, t.minute) = many.slot AND t.minute >= %(since)s AND t.minute < %(until)s
    ) RETURNING *
)
INSERT INTO flows_tally (flow_id, version_id, node, port, what, minute, count, value)
SELECT flow_id, version_id, node, port, what, date_trunc(%(unit)s, minute), sum(count), sum(value) FROM old GROUP BY 1, 2, 3, 4, 5, 6
"""


def compact(at: datetime | None = None) -> int:
    """Sum the deltas of past minutes to one row a minute, and of past days to one an hour; return the rows left of them."""
    now = at or clock.now()
    recent, old = now.replace(second=0, microsecond=0), (now - MINUTES_KEPT).replace(minute=0, second=0, microsecond=0)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", [COMPACT_LOCK])
        if cursor.fetchone() != (True,):
            return 0
        made = 0
        for unit, since, until in (
            ("minute", recent - timedelta(hours=1), recent),
            ("hour", old - timedelta(days=1), old),
        ):
            cursor.execute(_COMPACT, {"unit": unit, "since": since, "until": until})
            made += cursor.rowcount
    return made
