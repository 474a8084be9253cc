"""Loading the demo: the purchases through the ingest service, then what it defines through the services."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction

from config.demo import definitions, people
from config.demo.items import history
from config.demo.purchases import Purchase, purchases
from contacts import services as contacts
from contacts.ingest import Source, take
from contacts.models import ConsentNow, List, Topic
from flows import services as flows
from flows.models import Flow
from messaging import services as messaging
from messaging.models import Template
from segmentation import evaluation
from segmentation import services as segmentation
from segmentation.models import Segment
from workspace import clock
from workspace.audit import HOUSE
from workspace.purchases import PurchaseMapping, change_mapping, mapping

SOURCE = Source(name="demo", public=False)
CHUNK = 2_000
BACKLOG = 5
Say = Callable[[str], None]


def load(say: Say, customers: int = 0) -> None:
    """Bring the whole demo in, or only the first so many customers; repeating it changes nothing."""
    today = clock.now()
    rows = [row for row in purchases() if not customers or int(row.customer) <= customers]
    say(f"{len({row.customer for row in rows}):,} customers and {len(rows):,} orders of 1997-98, moved to today")
    bring(rows, today, say)
    agree(rows, today, say)
    define(say)


def bring(rows: list[Purchase], today: datetime, say: Say) -> None:
    """Take everything in through the ingest service, firing nothing."""
    done = 0
    for chunk in chunks(history(rows, today), CHUNK):
        faults = [fault for fault in take(chunk, source=SOURCE, received_at=today, lane=BACKLOG, fires=False) if fault]
        if faults:
            raise RuntimeError(f"The demo's own data was refused: {faults[0]}")
        done += len(chunk)
        if done % 20_000 == 0:
            say(f"{done:,} facts taken in")
    say(f"{done:,} facts taken in")


def chunks(items: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    """Yield lists of at most this many."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def agree(rows: list[Purchase], today: datetime, say: Say) -> None:
    """Record the invented consents (source "demo") on the topic of offers, of those who never said anything."""
    Topic.objects.get_or_create(slug=definitions.OFFERS["slug"], defaults=definitions.OFFERS)
    names = sorted({row.user_id for row in rows if people.consents(row.customer)})
    contact_ids = contacts.contacts_by_user_id(names)
    for topic in ("", "offers"):
        spoken = ConsentNow.objects.filter(channel="email", topic=topic).values_list("contact_id", flat=True)
        silent = set(contact_ids.values()) - set(spoken)
        with transaction.atomic():
            contacts.record_consents(
                contact_ids=silent,
                channel="email",
                topic=topic,
                status="subscribed",
                source="demo",
                at=today,
            )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # the planner has not seen the new rows yet
    say(f"{len(contact_ids):,} of them said yes to offers (invented)")


def define(say: Say) -> None:
    """Make lists, templates, segments and flows that are not there yet, and let the flows run."""
    if mapping() == PurchaseMapping():
        change_mapping({"engagement": ["Newsletter Opened", "Email Opened", "Email Link Clicked"]}, actor=HOUSE)
    for wanted in definitions.LISTS:
        if not List.objects.filter(slug=wanted["slug"]).exists():
            contacts.create_list(**wanted, actor=HOUSE)
    for wanted in definitions.TEMPLATES:
        if not Template.objects.filter(slug=wanted["slug"]).exists():
            template = messaging.create_template(channel="email", topic="offers", actor=HOUSE, **wanted)
            messaging.publish_template(template, actor=HOUSE)
    for wanted in definitions.SEGMENTS:
        if not Segment.objects.filter(slug=wanted["slug"]).exists():
            segment = segmentation.create_segment(kind="dynamic", actor=HOUSE, **wanted)
            evaluation.recompute(segment.pk, cause="edited", fires=False)
            say(f"{segment.name}: {segmentation.size_of(segment):,}")
    for wanted in definitions.FLOWS:
        if not Flow.objects.filter(slug=wanted["slug"]).exists():
            run_flow(wanted)
            say(f"Flow running: {wanted['name']}")


def run_flow(wanted: dict[str, Any]) -> None:
    """Make a flow from its document and activate it."""
    owner = User.objects.filter(is_superuser=True).order_by("pk").first()
    flow = flows.create_flow(name=wanted["name"], slug=wanted["slug"], draft=wanted["draft"], actor=HOUSE)
    if owner is not None:
        Flow.objects.filter(pk=flow.pk).update(owner=owner)
    flows.activate(flow, settings=wanted["settings"], actor=HOUSE)
