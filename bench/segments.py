"""W-b and W-e: a full look at a segment, beside the statement that a person would write by hand."""

import time
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection

from bench.data import clear, load
from bench.measure import Row, alternate, peak_mb, timed
from contacts.models import name_id
from segmentation import evaluation, services
from segmentation.models import Segment
from workspace import clock
from workspace.audit import HOUSE

SQL = Path(__file__).parent / "sql"
US = {"type": "PROPERTY", "propertyName": "country", "operator": "=", "value": "US"}
DEAR = {"operator": "AND", "conditions": [{"propertyName": "price", "operator": ">", "value": 50}]}
BOUGHT = {"type": "EVENT", "eventName": "purchase", "where": DEAR}
OFTEN = {**BOUGHT, "aggregate": {"function": "count", "operator": ">=", "value": 3}, "window": {"last": "30d"}}


def run_b(contacts: int, events: int) -> Row:
    """Create "in the US and a purchase over 50" until its membership is complete."""
    at = prepare(contacts, events)
    criteria = {"operator": "AND", "conditions": [US, BOUGHT]}
    segment = made("bench-b", criteria)
    return compared(f"W-b {contacts:,} / {events:,}", segment, "b.sql", at, {}, "<= 0.7 s, <= 1.5 ×")


def run_e(contacts: int, events: int) -> Row:
    """Look at ">= 3 purchases over 50 in 30 days, in the US, not in X"."""
    at = prepare(contacts, events)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM contacts_contact WHERE id % 10 = 0")
        excluded_ids = [row[0] for row in cursor.fetchall()]
    Segment.objects.filter(slug="bench-x").delete()
    excluded = services.create_segment(name="Bench X", slug="bench-x", kind="static", actor=HOUSE)
    services.add_members(excluded, excluded_ids, cause="manual", actor=HOUSE)
    criteria = {"operator": "AND", "conditions": [OFTEN, US, {"type": "SEGMENT", "segment": "bench-x", "negate": True}]}
    segment = made("bench-e", criteria)
    target = "<= 1.0 s at 1,000,000 / 10,000,000"
    return compared(f"W-e {contacts:,} / {events:,}", segment, "e.sql", at, {"excluded": excluded.pk}, target)


def prepare(contacts: int, events: int) -> datetime:
    """Load the workload and make the shadow tables."""
    at = clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tributary.erasing', 'on', false)")
        clear()
        load(contacts, events, at)
        cursor.execute((SQL / "shadow.sql").read_text())
        cursor.execute("SET work_mem = '128MB'")  # what our own full look allows itself
    return at


def made(slug: str, criteria: dict[str, Any]) -> Segment:
    """Make a fresh dynamic segment that nobody has looked at yet."""
    Segment.objects.filter(slug=slug).delete()
    return services.create_segment(name=slug, slug=slug, kind="dynamic", criteria=criteria, actor=HOUSE, evaluate=False)


def compared(workload: str, segment: Segment, rule: str, at: datetime, values: dict[str, Any], target: str) -> Row:
    """Fill the segment by our evaluation and by hand, alternating, and check that both found the same people."""
    by_hand = (SQL / "diff.sql").read_text().replace("{matching}", (SQL / rule).read_text())
    parameters = {"segment": segment.pk, "at": at, "purchase": name_id("purchase"), **values}

    def ours() -> float:
        empty("segmentation", segment.pk)
        start = time.perf_counter()
        evaluation.recompute(segment.pk, cause="edited", fires=False)
        return time.perf_counter() - start

    def theirs() -> float:
        empty("bench", segment.pk)
        start = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute(by_hand, parameters)
        return time.perf_counter() - start

    with timed() as reading:
        best, hand = alternate(ours, theirs)
    size = same_people(segment.pk)
    memory = f"{peak_mb():.0f} MB"
    return Row(
        workload,
        f"{best:.2f} s for {size:,} members",
        target,
        f"{best / hand:.2f} × ({hand:.2f} s)",
        f"{reading.cpu:.1f} s",
        memory,
    )


def empty(prefix: str, segment_id: int) -> None:
    """Forget a segment's members and log, so that the next look is a first one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tributary.erasing', 'on', false)")
        for table in ("membership", "transition", "tally"):
            if prefix == "bench":
                # Statistics of an emptied table would have the planner scan it for every row while it fills again.
                cursor.execute(f"TRUNCATE bench_{table}")
            else:
                cursor.execute(f"DELETE FROM {prefix}_{table} WHERE segment_id = %s", [segment_id])
                cursor.execute(f"VACUUM {prefix}_{table}")


def same_people(segment_id: int) -> int:
    """Return the size when both have the same members; fail otherwise."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(m.contact_id), count(b.contact_id), count(*) FROM (SELECT * FROM segmentation_membership WHERE segment_id = %s) m"
            " FULL JOIN (SELECT * FROM bench_membership WHERE segment_id = %s) b USING (contact_id)",
            [segment_id, segment_id],
        )
        ours, theirs, either = cursor.fetchone() or (0, 0, 0)
    assert ours == theirs == either, f"{ours} members by us, {theirs} by hand, {either} by either"
    return int(ours)
