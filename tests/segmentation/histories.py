"""A small world that lives through a history: facts arrive as they do, time passes, segments are looked at, edited and made."""

import random
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache

from contacts.erasing import erase_contact
from contacts.ingest import Source, take
from contacts.lists import add_to_list, remove_from_list
from contacts.models import Activity, Address, ConsentNow, Contact, Event, ListMember, Suppression
from segmentation import evaluation
from segmentation.models import Membership, Segment, Transition
from segmentation.rules import remembered
from segmentation.services import add_members, change_segment, create_segment, remove_members
from tests import factories
from tests.segmentation import oracle
from workspace import clock
from workspace.audit import HOUSE

WORLD = oracle.World(declared={}, zone="UTC")
ORDER, ADDED = "Order Completed", "Product Added"
SOURCE = Source("tests")


def event(name: str = ORDER, **said: Any) -> dict[str, Any]:
    return {"type": "EVENT", "eventName": name, **said}


def attribute(name: str, operator: str, value: Any = None) -> dict[str, Any]:
    asked = {"type": "PROPERTY", "propertyName": name, "operator": operator}
    return asked if value is None else {**asked, "value": value}


def within(slug: str, **said: Any) -> dict[str, Any]:
    return {"type": "SEGMENT", "segment": slug, **said}


def all_of(*conditions: dict[str, Any], **said: Any) -> dict[str, Any]:
    return {"operator": "AND", "conditions": list(conditions), **said}


RULES: dict[str, dict[str, Any]] = {
    "buyers": event(aggregate={"function": "count", "operator": ">=", "value": 2}, window={"last": "7d"}),
    "spenders": event(aggregate={"function": "sum", "propertyName": "price", "operator": ">", "value": 20}),
    "month": event(window={"last": "1mo"}, where={"propertyName": "price", "operator": ">=", "value": 5}),
    "lapsed": all_of(event(window={"beforeLast": "7d"}), event(window={"last": "7d"}, negate=True)),
    "silent": event(aggregate={"function": "count", "operator": "=", "value": 0}, window={"last": "1d"}),
    "carts": event(ADDED, window={"last": "3d"}, followedBy={"eventName": ORDER, "within": "1d", "negate": True}),
    "first": event(occurrence="first", window={"last": "7d"}),
    "busy": event(aggregate={"function": "days", "operator": ">=", "value": 2}, window={"after": "2026-01-20"}),
    "pro": attribute("customProperties.plan", "=", "pro"),
    "not-pro": attribute("customProperties.plan", "!=", "pro"),
    "trial": attribute("customProperties.until", "in_last", "7d"),
    "birthday": attribute("customProperties.born", "anniversary_in_next", "7d"),
    "recent": attribute("createdAt", "in_last", "2d"),
    "seen": attribute("lastSeenAt", "not_in_last", "3d"),
    "reached": {"type": "REACHABILITY", "channel": "email"},
    "by-hand": within("hand"),
    "both": all_of(within("buyers"), within("not-pro")),
    "above": {"operator": "OR", "conditions": [within("both", negate=True), {"type": "LIST", "list": "team"}]},
    "steady": within("buyers", **{"for": "2d"}),
    "came": within("pro", membership="entered", window={"last": "3d"}),
    "was": within("buyers", membership="ever", window={"beforeLast": "4d"}),
    "gone": within("hand", membership="left", window={"last": "6d"}),
    "put": within("hand", membership="ever"),
}
OTHERS = [
    event(window={"last": "5d"}),
    attribute("customProperties.plan", "is_null"),
    all_of(attribute("customProperties.plan", "=", "free"), event(window={"last": "7d"}), negate=True),
    event(ADDED, aggregate={"function": "max", "propertyName": "price", "operator": ">=", "value": 5}),
    attribute("customProperties.until", "in_next", "3d"),
    attribute("timezone", "is_not_null"),
]
EDITED = ("spenders", "month", "pro", "trial", "silent")  # others stand on some of these


class History:
    """A seeded history of a few people, with the oracle looking on."""

    def __init__(self, seed: int, people: int = 8, *, edits: bool = True) -> None:
        self.rng = random.Random(seed)
        self.now = factories.JANUARY
        self.edits = edits
        self.rules = dict(RULES)
        self.sent: list[dict[str, Any]] = []
        self.gone: set[str] = set()
        with clock.at(self.now):
            self.team = factories.put_on("team")
            self.hand = create_segment(name="Hand", slug="hand", actor=HOUSE)
            self.segments = {slug: factories.segment(slug, rule, slug=slug) for slug, rule in RULES.items()}
            evaluation.recompute_waiting()
            self.names = [f"p{number}" for number in range(people)]
            for name in self.names:
                self.tell({"type": "identify", "userId": name, "traits": {"email": f"{name}@example.com"}})

    def tell(self, item: dict[str, Any], late: float = 0) -> None:
        """Have something arrive now that is said to have happened earlier, or later."""
        stamped = {
            "messageId": f"m{len(self.sent)}",
            "timestamp": (self.now - timedelta(seconds=late)).isoformat(),
            **item,
        }
        self.sent.append(stamped)
        assert take([stamped], source=SOURCE, received_at=self.now) == [None]

    def go_on(self, steps: int) -> None:
        for _ in range(steps):
            with clock.at(self.now):
                for _ in range(self.rng.choice([1, 1, 3])):
                    self.fact()
                if self.edits and self.rng.random() < 0.12:
                    self.edit()
                if self.rng.random() < 0.7:
                    evaluation.take_changes(self.rng.choice([1, 3, 1000]))
            self.now += timedelta(seconds=self.rng.choice([0, 15, 3600, 40_000, 86_400, 5 * 86_400]))
            if self.rng.random() < 0.4:
                with clock.at(self.now):
                    evaluation.pass_time()

    def fact(self) -> None:
        name = self.rng.choice(self.names)
        chosen = self.rng.choices([one for one, _ in FACTS], [weight for _, weight in FACTS])[0]
        getattr(self, chosen)(name)

    def track(self, name: str) -> None:
        late = self.rng.choice([0, 0, 0, 3600, 86_400, 8 * 86_400, 31 * 86_400, -3600, -86_400])
        what, price = self.rng.choice([ORDER, ORDER, ADDED]), self.rng.choice([1, 5, 30, "7", None])
        who = {"userId": name} if self.rng.random() < 0.8 else {"anonymousId": f"a{self.rng.randint(0, 3)}"}
        self.tell({"type": "track", **who, "event": what, "properties": {"price": price}}, late)

    def repeat(self, name: str) -> None:
        item = self.rng.choice(self.sent)
        assert take([item], source=SOURCE, received_at=self.now) == [None]

    def traits(self, name: str) -> None:
        day = (self.now + timedelta(days=self.rng.choice([-8, -1, 0, 2, 6]))).date()
        said = {
            "plan": self.rng.choice(["pro", "free", 5, None, ""]),
            "until": self.rng.choice([day.isoformat(), f"{day}T23:30:00+05:30", None, "soon"]),
            "born": day.replace(year=1990).isoformat() if (day.month, day.day) != (2, 29) else "1992-02-29",
            "timezone": self.rng.choice([None, "America/New_York", "Pacific/Auckland"]),
            "emailSubscribed": self.rng.choice([True, True, False]),
        }
        chosen = self.rng.sample(sorted(said), 2)
        late = self.rng.choice([0, 0, 86_400])  # an older word than the one that stands
        self.tell({"type": "identify", "userId": name, "traits": {key: said[key] for key in chosen}}, late)

    def merge(self, name: str) -> None:
        self.tell({"type": "identify", "userId": name, "anonymousId": f"a{self.rng.randint(0, 3)}", "traits": {}})

    def listed(self, name: str) -> None:
        verb = add_to_list if self.rng.random() < 0.6 else remove_from_list
        verb(self.team, self.ids(name), cause="manual")

    def put(self, name: str) -> None:
        verb = add_members if self.rng.random() < 0.6 else remove_members
        if ids := self.ids(name) if self.rng.random() < 0.7 else self.unknown():
            verb(self.hand, ids, actor=HOUSE)

    def erase(self, name: str) -> None:
        if len(self.gone) < 2 and name not in self.gone and (ids := self.ids(name)):
            self.gone.add(name)
            erase_contact(contact=Contact.objects.get(pk=ids[0]), actor=HOUSE)

    def unknown(self) -> list[int]:
        """Return somebody who has not said who they are, and may yet be merged."""
        found = Contact.objects.filter(user_id=None, erased_at=None, merged_into=None).order_by("pk")
        return self.rng.sample(every, 1) if (every := list(found.values_list("pk", flat=True))) else []

    def ids(self, name: str) -> list[int]:
        return list(Contact.objects.filter(user_id=name, erased_at=None).values_list("pk", flat=True))

    def edit(self) -> None:
        """Edit criteria, make a segment, or begin with a process that remembers nothing."""
        way = self.rng.random()
        if way < 0.5:
            slug = self.rng.choice(EDITED)
            self.rules[slug] = self.rng.choice([RULES[slug], *OTHERS])
            change_segment(self.segments[slug], criteria=self.rules[slug], actor=HOUSE)
        elif way < 0.75:
            slug = f"late-{len(self.rules)}"
            self.rules[slug] = self.rng.choice(OTHERS)
            self.segments[slug] = create_segment(
                name=slug, slug=slug, kind="dynamic", criteria=self.rules[slug], actor=HOUSE
            )
        else:
            remembered.cache_clear()
            cache.clear()
        if self.rng.random() < 0.5:
            evaluation.recompute_waiting()

    def come_to_rest(self) -> None:
        """Let everything that waits be looked at, and the clock reach now."""
        with clock.at(self.now):
            for _ in range(2):
                evaluation.recompute_waiting()
                while evaluation.take_changes():
                    pass
                evaluation.pass_time()
                while evaluation.take_changes():
                    pass

    def members(self) -> dict[str, set[int]]:
        return {slug: set(one.memberships.values_list("contact_id", flat=True)) for slug, one in self.segments.items()}

    def wanted(self) -> dict[str, set[int]]:
        """Ask the oracle, level by level: segments that stand on others see those as they are."""
        people = known()
        return {
            slug: {one.id for one in people if oracle.matches(one, rule, self.now, WORLD)}
            for slug, rule in self.rules.items()
        }


FACTS = [("track", 50), ("repeat", 8), ("traits", 20), ("merge", 6), ("listed", 6), ("put", 6), ("erase", 2)]


def known() -> list[oracle.Person]:
    """Return everybody as the oracle knows them, from the rows that stand."""
    people = {one.pk: person(one) for one in Contact.objects.all()}
    for made in Event.objects.select_related("name"):
        people[made.contact_id].events.append(oracle.Did(made.pk, made.name.name, made.at, made.properties))
    for entry in ListMember.objects.select_related("list"):
        people[entry.contact_id].lists.add(entry.list.slug)
    for said in ConsentNow.objects.filter(topic=""):
        people[said.contact_id].consents[said.channel] = said.status
    suppressed = set(Suppression.objects.values_list("channel", "digest"))
    for address in Address.objects.all():
        if (address.channel, address.digest) not in suppressed:
            people[address.contact_id].reachable.add(address.channel)
    for active in Activity.objects.all():
        people[active.contact_id].last_seen_at = active.last_seen_at
    for membership in Membership.objects.select_related("segment"):
        people[membership.contact_id].segments[membership.segment.slug] = membership.since
    lost: dict[int, list[tuple[str, str, datetime]]] = {}
    for moved in Transition.objects.select_related("segment").order_by("segment_id", "contact_id", "seq"):
        kind = "merged" if (moved.kind, moved.cause) == ("exited", "merged") else moved.kind
        people[moved.contact_id].moves.append((moved.segment.slug, moved.kind, moved.at))
        lost.setdefault(moved.contact_id, []).append((moved.segment.slug, kind, moved.at))
    for loser, winner in Contact.objects.exclude(merged_into=None).values_list("pk", "merged_into"):
        people[winner].lost.append(lost.get(loser, []))
    return list(people.values())


def person(one: Contact) -> oracle.Person:
    """Return a contact as the oracle knows it."""
    made: datetime = one.created_at
    return oracle.Person(one.pk, {"timezone": one.timezone}, one.attributes, created_at=made, alive=one.alive)


def check_log() -> None:
    """Hold the log against the memberships: alternating kinds, seq without gaps, entered - exited = members."""
    kinds: dict[tuple[int, int], list[tuple[int, str]]] = {}
    for one in Transition.objects.order_by("segment_id", "contact_id", "seq"):
        kinds.setdefault((one.segment_id, one.contact_id), []).append((one.seq, one.kind))
    inside = set(Membership.objects.values_list("segment_id", "contact_id"))
    for pair, every in kinds.items():
        assert [seq for seq, _ in every] == list(range(1, len(every) + 1))
        assert [kind for _, kind in every] == [("entered", "exited")[n % 2] for n in range(len(every))]
        assert (every[-1][1] == "entered") == (pair in inside)
    assert inside <= kinds.keys()
    for segment in Segment.objects.all():
        rows = segment.tally_set.all()
        assert sum(row.entered - row.exited for row in rows) == segment.memberships.count()
