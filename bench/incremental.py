"""Looking at a thousand contacts whose facts changed, for few and for many segments; and the first fill of everybody."""

import time

from django.db import connection

from bench.measure import Row, peak_mb, timed
from bench.segments import US, made, prepare
from contacts.changes import drop_reads
from segmentation import evaluation, services
from segmentation.models import Segment
from workspace.audit import HOUSE

BATCH = 1000
ROUNDS = 7
CHANGES = """
INSERT INTO contacts_change (contact_id, fact, cause, at, fires, lane, stage)
SELECT id, 'event:purchase', 'data', now(), true, 0, 1 FROM contacts_contact WHERE id %% %s = %s ORDER BY id LIMIT %s
"""  # spread over all of them: the first contacts have the most events


def run_incremental(contacts: int, events: int) -> list[Row]:
    """Look for 2 segments, for 2 with 500 others that the facts do not touch, and for 100."""
    prepare(contacts, events)
    few, alone = looked(2, contacts, "<= 20 µs", "2 segments")
    make(500, "nobody-does-this", "far")
    crowd, among = looked(2, contacts, "<= 1.1 × without", "2 segments, 500 unaffected")
    crowd.ratio = f"{among / alone:.2f} × without them"
    forget("far")
    return [few, crowd, looked(100, contacts, "<= 5 µs", "100 segments")[0]]


def run_scale(few: int, many: int) -> list[Row]:
    """Look at the same thousand contacts among few and among many, ten events each."""
    rows: list[Row] = []
    times: list[float] = []
    for contacts in (few, many):
        prepare(contacts, contacts * 10)
        row, best = looked(2, contacts, "<= 1.3 × among fewer", f"2 segments, {contacts:,} contacts")
        rows.append(row)
        times.append(best)
    rows[1].ratio = f"{times[1] / times[0]:.2f} × among {few:,}"
    return rows


def looked(segments: int, contacts: int, target: str, words: str) -> tuple[Row, float]:
    """Make segments over the same facts and time batches of changed contacts."""
    make(segments, "purchase", "near")
    apart = max(1, contacts // BATCH)
    with timed() as reading:
        best = min(batch(number % apart, apart) for number in range(ROUNDS))
    forget("near")
    figure = f"{best * 1_000_000 / BATCH / segments:.1f} µs a contact and segment"
    return Row(f"incremental, {words}", figure, target, "", f"{reading.cpu:.1f} s", f"{peak_mb():.0f} MB"), best


def make(segments: int, name: str, prefix: str) -> None:
    """Make segments that count events of a name, each by another price."""
    for number in range(segments):
        dear = {"operator": "AND", "conditions": [{"propertyName": "price", "operator": ">", "value": 20 + number}]}
        often = {"function": "count", "operator": ">=", "value": 2}
        event = {"type": "EVENT", "eventName": name, "where": dear, "aggregate": often, "window": {"last": "90d"}}
        criteria = {"operator": "AND", "conditions": [US, event]}
        slug = f"bench-{prefix}-{number}"
        services.create_segment(name=slug, slug=slug, kind="dynamic", criteria=criteria, actor=HOUSE)
    evaluation.recompute_waiting()


def forget(prefix: str) -> None:
    """Take the segments away again, with what they read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tributary.erasing', 'on', false)")
    segments = Segment.objects.filter(slug__startswith=f"bench-{prefix}-")
    for pk in segments.values_list("pk", flat=True):
        drop_reads(f"segment:{pk}")
    segments.delete()


def batch(number: int, apart: int) -> float:
    """Queue changes of a thousand contacts, so far apart, and look at them; return the seconds of the look."""
    with connection.cursor() as cursor:
        cursor.execute(CHANGES, [apart, number, BATCH])
    start = time.perf_counter()
    assert evaluation.take_changes(BATCH) == BATCH
    return time.perf_counter() - start


def run_fill(contacts: int, events: int) -> Row:
    """Fill a segment with everybody for the first time."""
    prepare(contacts, events)
    segment = made("bench-all", {"operator": "AND", "conditions": [{"type": "EVERYONE"}]})
    with timed() as reading:
        done = evaluation.recompute(segment.pk, cause="edited")
    assert done is not None
    assert done.entered == contacts
    figure = f"{reading.seconds:.1f} s for {contacts:,} members"
    return Row("first fill", figure, "<= 15 s for 1,000,000", "", f"{reading.cpu:.1f} s", f"{peak_mb():.0f} MB")
