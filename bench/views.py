"""What a person asks of a large base, on data of a chosen size: previews of every shape, and the pages that could be slow."""

import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from bench.measure import Row, peak_mb
from bench.segments import BOUGHT, OFTEN, US, made, prepare
from bench.shapes import SHAPES, groups
from contacts.models import EventName
from segmentation import evaluation, matching
from segmentation.difference import difference
from segmentation.matching import Preview
from segmentation.models import Segment
from segmentation.reach import of_document
from workspace import clock

SECOND = "<= 1 s"


def run_views(contacts: int, events: int) -> list[Row]:
    """Preview every shape, then open every page that reads much, twice each: the slower time counts for none of it."""
    prepare(contacts, events)
    groups()
    with connection.cursor() as cursor:
        cursor.execute("RESET work_mem")
        cursor.execute("ANALYZE")
    return [*run_previews(contacts), *run_pages(contacts)]


def run_previews(contacts: int) -> list[Row]:
    """Time the first answer to every shape and, where it was an estimate, the exact one after it."""
    rows, first_answers, off = [], [], []
    for name, document in SHAPES.items():
        seconds, first = _timed(partial(matching.preview, document, clock.now(), 5, exact=False))
        later, exact = (seconds, first) if first.exact else _timed(partial(matching.preview, document, clock.now(), 5))
        first_answers.append(seconds)
        if not exact.exact:
            said = f"{seconds * 1000:.0f} ms, about {first.count:,}; no exact number within {later:.0f} s"
        elif not first.exact:
            off.append(abs(first.count - exact.count) / contacts)
            said = f"{seconds * 1000:.0f} ms, about {first.count:,}; exactly {exact.count:,} after {later:.1f} s"
        else:
            said = f"{seconds * 1000:.0f} ms, exactly {first.count:,}"
        rows.append(Row(f"preview {name.replace('_', ' ')}", said, SECOND))
    told = f"{max(first_answers):.2f} s at most, {statistics.median(first_answers) * 1000:.0f} ms in the middle"
    wrong = f"{len(off)} estimates, {100 * max(off, default=0):.1f} % of all contacts off at most"
    return [
        *rows,
        Row(f"preview of {len(rows)} shapes, {contacts:,} contacts", told, SECOND, wrong, "", f"{peak_mb():.0f} MB"),
    ]


def _timed(ask: Callable[[], Preview]) -> tuple[float, Preview]:
    start = time.perf_counter()
    answer = ask()
    return time.perf_counter() - start, answer


def run_pages(contacts: int) -> list[Row]:
    """Open the pages of segments, contacts and the catalogue as a browser would, and time what stands behind them."""
    segment = made("bench-pages", {"operator": "AND", "conditions": [US]})
    evaluation.recompute(segment.pk, cause="edited")
    other = made("bench-buyers", {"operator": "AND", "conditions": [BOUGHT]})
    evaluation.recompute(other.pk, cause="edited")
    client = Client(HTTP_HOST="localhost", raise_request_exception=True)
    client.force_login(User.objects.filter(is_superuser=True)[0])
    rows = [_opened(name, partial(_got, client, url)) for name, url in _addresses(segment, other).items()]
    document = {"operator": "AND", "conditions": [US, OFTEN]}
    rows.append(_opened("difference before saving", lambda: difference(segment, document, at=clock.now())))
    rows.append(
        _opened("reach of a document", lambda: of_document({"operator": "AND", "conditions": [US]}, clock.now()))
    )
    slow = [row.workload for row in rows if row.notes]
    words = f"{len(slow)} of {len(rows)} take more than a second{': ' if slow else ''}{', '.join(slow)}"
    return [*rows, Row(f"pages, {contacts:,} contacts", words, SECOND, "", "", f"{peak_mb():.0f} MB")]


def _addresses(segment: Segment, other: Segment) -> dict[str, str]:
    """Name the pages and where they are."""
    at = (clock.now() - timedelta(days=1)).isoformat()
    one, event = segment.pk, EventName.objects.filter(name="page_view").values_list("pk", flat=True).get()
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(contact_id) FROM segmentation_membership WHERE segment_id = %s", [one])
        (member,) = cursor.fetchone() or (0,)
    return {
        "home": "/",
        "contacts": reverse("contacts"),
        "contacts, a search": f"{reverse('contacts')}?q=u4711",
        "contacts, a search of a name": f"{reverse('contacts')}?q=first12",
        "contacts, how many": reverse("contacts_count"),
        "a contact": reverse("contact", args=[member]),
        "a contact's timeline": reverse("contact_timeline", args=[member]),
        "a contact's segments": reverse("contact_why", args=[member]),
        "segments": reverse("segments"),
        "segments, who is reached": reverse("segments_reach"),
        "a segment": reverse("segment", args=[one]),
        "a segment's numbers": reverse("segment_stats", args=[one]),
        "a segment's growth": reverse("segment_growth", args=[one]),
        "a segment's members": reverse("segment_members", args=[one]),
        "a segment's members, a search": f"{reverse('segment_members', args=[one])}?q=u47",
        "a segment's members yesterday": f"{reverse('segment_members', args=[one])}?at={at.replace('+', '%2B')}",
        "a segment's moves": reverse("segment_transitions", args=[one]),
        "a segment's evaluations": reverse("segment_evaluations", args=[one]),
        "overlap of two segments": f"{reverse('segments_overlap')}?s={one}&s={other.pk}",
        "attributes": reverse("attributes"),
        "events": reverse("events"),
        "an event": reverse("event", args=[event]),
        "an event's days": reverse("event_days", args=[event]),
        "lists": reverse("lists"),
        "flows": reverse("flows"),
    }


def _got(client: Client, url: str) -> None:
    answer = client.get(url, follow=True)
    assert answer.status_code == 200, f"{url}: {answer.status_code}"


def _opened(name: str, work: Callable[[], object]) -> Row:
    """Do it twice and tell the better time; the first also loads templates and plans."""
    times = []
    for _ in range(2):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    best = min(times)
    return Row(
        name, f"{best * 1000:.0f} ms (the first time {times[0] * 1000:.0f} ms)", SECOND, notes=["slow"] * (best > 1)
    )
