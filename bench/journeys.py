"""W-c: ten thousand starts, a wait, an email through a provider that only records; and how many steps a worker makes a second."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection
from django.urls import reverse

from bench.data import clear
from bench.loop import both, by_hand
from bench.measure import Row, peak_mb, timed
from contacts.changes import drop_reads
from contacts.ingest import Source, take
from contacts.models import List
from flows import intake, runner
from flows import services as flows
from flows.models import Enrollment, Flow, Step
from messaging import outbox
from messaging.models import Message
from segmentation import evaluation
from workspace import clock
from workspace.audit import HOUSE

SOURCE = Source(name="bench", public=False)
CHUNK = 1_000
BODY = {
    "subject": "Hello {{ contact.firstName }}",
    "body": "<p>Hello {{ contact.firstName }}</p><a href='{{ unsubscribe_url }}'>Stop</a>",
}

PRO = {"type": "PROPERTY", "propertyName": "customProperties.plan", "operator": "=", "value": "pro"}


def run_c(starts: int) -> Row:
    """Bring so many contacts through trigger → wait → email → end; the wait itself is not counted."""
    flow = fresh_flow("bench-c", [("pause", "wait", {"duration": "1m"}), ("mail", "send_email", BODY)])
    begin(starts)
    reverse("unsubscribe", args=["x"])  # loads all addresses, as a worker has since its first mail
    spent = Spent(both())
    with timed() as whole, timed(connection.connection.info.backend_pid) as behind:
        crank(spent)
        with clock.at(clock.now() + timedelta(seconds=61)):
            crank(spent)
            spent.add("sending", outbox.deliver)
    finished(flow, starts)
    sent = Message.objects.filter(status="sent").count()
    assert sent == starts, f"{sent} of {starts} sent"
    figure = f"{whole.seconds:.1f} s: {spent.words()}"
    return Row(
        f"W-c {starts:,} starts, without the wait",
        figure,
        "<= 10 s at 10,000",
        "",
        f"{whole.cpu:.1f} s, database {behind.cpu:.1f} s: {spent.worked()}",
        f"{peak_mb():.0f} MB",
    )


def run_steps(starts: int) -> Row:
    """Bring so many contacts through a split, waits and changes, and count steps a second of the runner alone."""
    yes = {"operator": "AND", "conditions": [PRO]}
    List.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    nodes = [
        ("pause", "wait", {"duration": "1m"}),
        ("which", "split", {"branches": [{"port": "yes", "criteria": yes}]}),
        ("mark", "update_contact", {"changes": [{"attribute": "customProperties.seen", "set": True}]}),
        ("list", "add_to_list", {"list": "bench"}),
        ("rest", "wait", {"duration": "1m"}),
        ("again", "update_contact", {"changes": [{"attribute": "customProperties.seen", "set": False}]}),
    ]
    flow = fresh_flow("bench-steps", nodes)
    begin(starts)
    spent = Spent(both())
    crank(spent)
    for minutes in (2, 4):
        with clock.at(clock.now() + timedelta(minutes=minutes)):
            crank(spent)
    finished(flow, starts)
    steps = Step.objects.filter(flow=flow).count()
    free = (starts + 1) // 2  # the others are on "pro", and their journeys end at the split
    assert steps == starts * 3 + free * 4, f"{steps} steps of {starts}"
    hand = by_hand(starts, len(nodes) + 1)
    ours, theirs = steps / spent.cpu["running"], hand.steps / hand.reading.cpu
    return Row(
        f"runner, {steps:,} steps",
        f"{steps / spent.seconds['running']:,.0f} steps/s; {1_000_000 / ours:.0f} µs of processor a step",
        ">= 5,000 steps/s, >= 25 % of a loop by hand",
        f"{ours / theirs:.0%} of the loop by hand ({1_000_000 / theirs:.0f} µs), by processor time",
        f"{spent.cpu['running']:.1f} s with the database",
        f"{peak_mb():.0f} MB",
    )


@dataclass
class Spent:
    """Where the seconds of a worker went, and the processor seconds of it and of others that are watched with it."""

    watched: tuple[int, ...] = (0,)
    seconds: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)

    def add(self, part: str, work: Callable[[int], int]) -> int:
        """Do a part's work until there is none, and remember how long it took."""
        moved = 0
        with timed(*self.watched) as reading:
            while step := work(CHUNK):
                moved += step
        self.seconds[part] = self.seconds.get(part, 0.0) + reading.seconds
        self.cpu[part] = self.cpu.get(part, 0.0) + reading.cpu
        return moved

    def words(self) -> str:
        """Say where they went."""
        return ", ".join(f"{part} {seconds:.1f} s" for part, seconds in self.seconds.items())

    def worked(self) -> str:
        """Say what of that was work of processors."""
        return ", ".join(f"{part} {seconds:.1f} s" for part, seconds in self.cpu.items())


def fresh_flow(slug: str, nodes: list[tuple[str, str, dict[str, Any]]]) -> Flow:
    """Make and activate a flow of these nodes in a row, started by the event "start", which starts no other any more."""
    clear()
    retire()
    row = [("start", "event", {"event_name": "start"}), *nodes]
    draft = {
        "nodes": [{"id": key, "kind": kind, "name": "", "settings": settings} for key, kind, settings in row],
        "edges": [
            {"from": one[0], "port": "else" if one[1] == "split" else "next", "to": two[0]}
            for one, two in itertools.pairwise(row)
        ],
    }
    flow = flows.create_flow(name=slug, slug=slug, draft=draft, actor=HOUSE)
    return flows.activate(flow, settings={"entry": "new"}, actor=HOUSE)


def retire() -> None:
    """Take the flows of earlier workloads out of the way: they would start with the same event."""
    for flow in Flow.objects.filter(slug__startswith="bench-").exclude(status="draft"):
        drop_reads(f"version:{flow.version_id}")
        flow.slug, flow.version, flow.status = f"{flow.slug}-{flow.pk}", None, Flow.Status.DRAFT
        flow.save()


def begin(starts: int) -> None:
    """Send the start events, and consent with them."""
    at = clock.now()
    for first in range(0, starts, CHUNK):
        people = range(first, min(first + CHUNK, starts))
        take([known(n) for n in people], source=SOURCE, received_at=at)
        take([started(n) for n in people], source=SOURCE, received_at=at)


def known(n: int) -> dict[str, Any]:
    """Return the call that makes a contact known."""
    traits = {
        "email": f"c{n}@example.com",
        "firstName": f"C{n}",
        "plan": "pro" if n % 2 else "free",
        "emailSubscribed": True,
    }
    return {"type": "identify", "messageId": f"k{n}-{clock.now():%H%M%S%f}", "userId": f"c{n}", "traits": traits}


def started(n: int) -> dict[str, Any]:
    """Return the event that starts a contact."""
    return {
        "type": "track",
        "messageId": f"s{n}-{clock.now():%H%M%S%f}",
        "userId": f"c{n}",
        "event": "start",
        "properties": {},
    }


def crank(spent: Spent) -> None:
    """Turn every crank until nothing moves."""
    parts = {"looking": evaluation.take_changes, "entering": intake.take, "running": runner.run}
    while sum(spent.add(part, work) for part, work in parts.items()):
        pass


def finished(flow: Flow, starts: int) -> None:
    """Fail unless everybody came through."""
    done = Enrollment.objects.filter(flow=flow, status="completed").count()
    assert done == starts, f"{done} of {starts} came through"
