"""Three hundred generated people, in the database and as the oracle knows them."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Model

from contacts.models import (
    Activity,
    Address,
    Attribute,
    ConsentNow,
    Contact,
    Event,
    EventName,
    List,
    ListMember,
    Suppression,
    Topic,
    name_id,
)
from flows.models import Enrollment, Flow, Version
from segmentation.models import Membership, Segment, Transition
from tests.segmentation.documents import DAYS, DECLARED, EVENTS, HOSTILE, INSTANTS, NUMBERS, TEXTS
from tests.segmentation.oracle import Did, Person, World
from workspace.models import Workspace

AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
WORLD = World(declared=DECLARED, zone="Europe/Athens")
ZONES = ["", "", "America/New_York", "Pacific/Auckland", "Asia/Kathmandu", "not/a zone", "A5"]
NAMES = {"email": "email", "firstName": "first_name", "country": "country", "timezone": "timezone"}
MISSING = object()
VALUES: list[Any] = [
    *TEXTS, *NUMBERS, *DAYS, *INSTANTS, True, False, None, "", MISSING, MISSING, [], ["pro", 5, True], [5.0, "5"],
    {"b": 5}, "2026-02-30", "2026-01-15T25:00:00Z", "1e5", "99999999999", "2026-01-15 09:30", "2026-01-15T09:30:00+0530",
]  # fmt: skip


def settle(count: int = 300, seed: int = 7) -> list[Person]:
    """Make the people and return what the oracle must know of them."""
    rng = random.Random(seed)
    Workspace.objects.update_or_create(pk=1, defaults={"timezone": WORLD.zone})
    for name, kind in DECLARED.items():
        Attribute.objects.create(name=name, type=kind, declared=True)
    for name in EVENTS:
        promoted = "price" if name != "a__b" else ""
        EventName.objects.create(id=name_id(name), name=name, value_property=promoted, properties={})
    contacts = Contact.objects.bulk_create([_contact(rng, number) for number in range(count)])
    people = [_person(one) for one in contacts]
    _deaths(rng, contacts, people)
    _events(rng, people)
    _belongings(rng, people)
    _reached(rng, people)
    _journeys(rng, people)
    _merges(people)
    _count_rows()
    return people


# As autovacuum does: plans without statistics try every row with every other. Named, because without names the catalogs
# that all databases of the server share are locked too, and tests beside this one wait.
COUNTED = (
    Contact, Event, Activity, Address, ConsentNow, ListMember, Suppression, Segment, Transition, Membership, Enrollment,
)  # fmt: skip


def _count_rows() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(model._meta.db_table for model in COUNTED)}")


def _contact(rng: random.Random, number: int) -> Contact:
    attributes: dict[str, Any] = {}
    for path in [*HOSTILE, *DECLARED]:
        value = rng.choice(VALUES)
        if value is not MISSING:
            head, _, tail = path.partition(".")
            attributes[head] = {tail: value} if tail and rng.random() < 0.8 else value
    return Contact(
        email=rng.choice(["", "Anna@Example.com", f"p{number}@example.com", "pro"]),
        first_name=rng.choice(["", "pro", "Pro", "É", "5"]),
        country=rng.choice(["", "US", "pro", "é"]),
        timezone=rng.choice(ZONES),
        attributes=attributes,
        created_at=_when(rng),
    )


def _when(rng: random.Random) -> datetime:
    edge = rng.choice([0, 30, 5400, 86400, 7 * 86400, 28 * 86400, 31 * 86400, 365 * 86400])
    near = rng.choice([0, 0, 1, -1, rng.randint(-40000, 40000), rng.randint(-4000000, 4000000)])
    return min(AT - timedelta(seconds=edge + near), AT + timedelta(seconds=rng.choice([0, 0, 60])))


def _person(one: Contact) -> Person:
    columns = {name: getattr(one, column) for name, column in NAMES.items()}
    return Person(id=one.pk, columns=columns, attributes=one.attributes, created_at=one.created_at)


def _deaths(rng: random.Random, contacts: list[Contact], people: list[Person]) -> None:
    for one, person in list(zip(contacts, people, strict=True))[1::40]:
        person.alive = False
        Contact.objects.filter(pk=one.pk).update(
            **({"erased_at": AT} if rng.random() < 0.5 else {"merged_into": contacts[0]})
        )


def _events(rng: random.Random, people: list[Person]) -> None:
    rows = []
    for person in people:
        for _ in range(rng.choice([0, 1, 2, 3, 6])):
            rows.append(_event(rng, person))
    for row, made in zip(rows, Event.objects.bulk_create([one for _, one in rows]), strict=True):
        row[0].events.append(Did(made.pk, EVENTS_BY_ID[made.name_id], made.at, made.properties))


EVENTS_BY_ID = {name_id(name): name for name in EVENTS}


def _event(rng: random.Random, person: Person) -> tuple[Person, Event]:
    name = rng.choice(EVENTS)
    properties = {
        path: value
        for path in ("price", "cartId", "note", "gt", "when", "a")
        if (value := rng.choice(VALUES)) is not MISSING
    }
    if rng.random() < 0.6:
        properties["products"] = [
            rng.choice([{"price": rng.choice(NUMBERS), "sku": rng.choice(TEXTS)}, 5, {"price": "5"}, {}, None])
            for _ in range(rng.choice([0, 1, 2]))
        ]
    if rng.random() < 0.5:
        properties["tags"] = rng.sample(TEXTS, 2)
    at = _when(rng)
    price = properties.get("price")
    number = isinstance(price, int | float) and not isinstance(price, bool) and name != "a__b"
    return person, Event(
        contact_id=person.id,
        name_id=name_id(name),
        at=at,
        occurred_at=at,
        received_at=at,
        source="tests",
        message_id="",
        value=Decimal(str(price)) if number else None,
        properties=properties,
    )


def _belongings(rng: random.Random, people: list[Person]) -> None:
    team = List.objects.create(name="Team", slug="team")
    vip, staff = (Segment.objects.create(name=slug, slug=slug) for slug in ("vip", "staff"))
    rows: dict[type[Model], list[Any]] = {one: [] for one in (ListMember, Activity, ConsentNow, Transition, Membership)}
    for person in people:
        if rng.random() < 0.3:
            rows[ListMember].append(ListMember(list=team, contact_id=person.id))
            person.lists.add("team")
        if rng.random() < 0.7:
            person.last_seen_at = _when(rng)
            rows[Activity].append(Activity(contact_id=person.id, last_seen_at=person.last_seen_at))
        for channel in ("email", "sms"):
            if status := rng.choice(["", "subscribed", "unsubscribed"]):
                person.consents[channel] = status
                rows[ConsentNow].append(ConsentNow(contact_id=person.id, channel=channel, status=status, at=AT))
        _join(rng, person, vip, rows)
        if rng.random() < 0.3:
            _join(rng, person, staff, rows)
    for model, every in rows.items():
        model._default_manager.bulk_create(every)


def _reached(rng: random.Random, people: list[Person]) -> None:
    """Give some an address, suppressed for some, and some a word about a topic."""
    Topic.objects.create(name="News", slug="news")
    addresses, consents, suppressed = [], [], []
    for person in people:
        for channel in ("email", "sms"):
            if rng.random() < 0.7:
                digest = f"{channel}{person.id}"
                addresses.append(Address(contact_id=person.id, channel=channel, value="x", digest=digest))
                if rng.random() < 0.2:
                    suppressed.append(Suppression(channel=channel, digest=digest, reason="manual"))
                else:
                    person.reachable.add(channel)
            if status := rng.choice(["", "subscribed", "unsubscribed"]):
                person.topics[channel, "news"] = status
                consents.append(ConsentNow(contact_id=person.id, channel=channel, topic="news", status=status, at=AT))
    Address.objects.bulk_create(addresses)
    ConsentNow.objects.bulk_create(consents)
    Suppression.objects.bulk_create(suppressed)


def _journeys(rng: random.Random, people: list[Person]) -> None:
    """Put some into flows, once or twice."""
    welcome, other = (Flow.objects.create(name=slug, slug=slug) for slug in ("welcome", "other"))
    versions = {
        one.pk: Version.objects.create(flow=one, number=1, graph={}, digest=one.slug) for one in (welcome, other)
    }
    rows = []
    for person in people:
        for flow in rng.choice([[], [welcome], [welcome, welcome], [other], [other, welcome]]):
            before = [slug for slug, _ in person.flows]
            status = rng.choice(
                ["completed", "exited", "failed", "restarted", *(["active"] * (flow.slug not in before))]
            )
            person.flows.append((flow.slug, status))
            rows.append(_enrollment(flow, versions[flow.pk], person.id, status))
    Enrollment.objects.bulk_create(rows)


def _merges(people: list[Person]) -> None:
    """Let the first know what those went through who were merged into it."""
    lost = set(Contact.objects.filter(merged_into=people[0].id).values_list("pk", flat=True))
    for person in people:
        if person.id in lost:
            people[0].lost.append(person.moves)
            people[0].flows += person.flows


def _enrollment(flow: Flow, version: Version, contact: int, status: str) -> Enrollment:
    active = status == "active"
    return Enrollment(
        flow=flow,
        version=version,
        contact_id=contact,
        status=status,
        node="start",
        parked="waits" if active else "",
        ended_at=None if active else AT,
        entered_at=AT,
        entered_on=AT.date(),
    )


def _join(rng: random.Random, person: Person, segment: Segment, rows: dict[type[Model], list[Any]]) -> None:
    moves = sorted({min(_when(rng), AT) for _ in range(rng.choice([0, 1, 2, 3]))})
    for seq, when in enumerate(moves, 1):
        kind = "entered" if seq % 2 else "exited"
        rows[Transition].append(
            Transition(segment=segment, contact_id=person.id, seq=seq, kind=kind, cause="manual", at=when)
        )
        person.moves.append((segment.slug, kind, when))
    if len(moves) % 2:
        rows[Membership].append(Membership(segment=segment, contact_id=person.id, seq=len(moves), since=moves[-1]))
        person.segments[segment.slug] = moves[-1]
