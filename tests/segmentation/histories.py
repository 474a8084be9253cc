"""A small world that lives through a history: facts arrive, time passes, segments are looked at."""

import random
from datetime import timedelta
from typing import Any

from contacts.models import Contact, Event, ListMember
from segmentation import evaluation
from segmentation.models import Membership, Segment, Transition
from tests import factories
from tests.segmentation import oracle
from workspace import clock

WORLD = oracle.World(declared={}, zone="UTC")
ORDER, ADDED = "Order Completed", "Product Added"


def event(name: str = ORDER, **said: Any) -> dict[str, Any]:
    return {"type": "EVENT", "eventName": name, **said}


def attribute(name: str, operator: str, value: Any = None) -> dict[str, Any]:
    asked = {"type": "PROPERTY", "propertyName": name, "operator": operator}
    return asked if value is None else {**asked, "value": value}


RULES: dict[str, dict[str, Any]] = {
    "buyers": event(aggregate={"function": "count", "operator": ">=", "value": 2}, window={"last": "7d"}),
    "spenders": event(aggregate={"function": "sum", "propertyName": "price", "operator": ">", "value": 20}),
    "month": event(window={"last": "1mo"}, where={"propertyName": "price", "operator": ">=", "value": 5}),
    "lapsed": {
        "operator": "AND",
        "conditions": [event(window={"beforeLast": "7d"}), {**event(window={"last": "7d"}), "negate": True}],
    },
    "silent": event(aggregate={"function": "count", "operator": "=", "value": 0}, window={"last": "1d"}),
    "carts": event(ADDED, window={"last": "3d"}, followedBy={"eventName": ORDER, "within": "1d", "negate": True}),
    "pro": attribute("customProperties.plan", "=", "pro"),
    "not-pro": attribute("customProperties.plan", "!=", "pro"),
    "trial": attribute("customProperties.until", "in_last", "7d"),
    "birthday": attribute("customProperties.born", "anniversary_in_next", "7d"),
    "both": {
        "operator": "AND",
        "conditions": [{"type": "SEGMENT", "segment": "buyers"}, {"type": "SEGMENT", "segment": "not-pro"}],
    },
    "above": {
        "operator": "OR",
        "conditions": [
            {"type": "SEGMENT", "segment": "both", "negate": True},
            {"type": "LIST", "list": "team"},
        ],
    },
    "steady": {"type": "SEGMENT", "segment": "buyers", "for": "2d"},
}


class History:
    """A seeded history of a few people, with the oracle looking on."""

    def __init__(self, seed: int, people: int = 8) -> None:
        self.rng = random.Random(seed)
        self.now = factories.JANUARY
        with clock.at(self.now):
            factories.put_on("team")
            self.segments = {slug: factories.segment(slug, rule, slug=slug) for slug, rule in RULES.items()}
            evaluation.recompute_waiting()
            self.people = [factories.person(f"Person {number}") for number in range(people)]

    def go_on(self, steps: int) -> None:
        for _ in range(steps):
            with clock.at(self.now):
                for _ in range(self.rng.choice([1, 1, 3])):
                    self.fact()
                if self.rng.random() < 0.7:
                    evaluation.take_changes(self.rng.choice([1, 3, 1000]))
            self.now += timedelta(seconds=self.rng.choice([0, 15, 3600, 40_000, 86_400, 5 * 86_400]))
            if self.rng.random() < 0.4:
                with clock.at(self.now):
                    evaluation.pass_time()

    def fact(self) -> None:
        who = self.rng.choice(self.people)
        choice = self.rng.random()
        if choice < 0.55:
            late = self.rng.choice([0, 0, 0, 3600, 86_400, 8 * 86_400, 31 * 86_400])
            name, price = self.rng.choice([ORDER, ORDER, ADDED]), self.rng.choice([1, 5, 30, "7", None])
            factories.did(who, name, self.now - timedelta(seconds=late), price=price)
        elif choice < 0.7:
            factories.say(who, plan=self.rng.choice(["pro", "free", 5, None, ""]))
        elif choice < 0.8:
            day = (self.now + timedelta(days=self.rng.choice([-8, -1, 0, 2, 6]))).date()
            factories.say(who, until=day.isoformat(), born=day.replace(year=1990).isoformat() if day.day < 29 else None)
        elif choice < 0.9:
            factories.put_on("team", who)
        else:
            factories.change(who, timezone=self.rng.choice(["", "America/New_York", "Pacific/Auckland"]))

    def come_to_rest(self) -> None:
        """Let everything that waits be looked at, and the clock reach now."""
        with clock.at(self.now):
            while evaluation.take_changes():
                pass
            evaluation.pass_time()
            while evaluation.take_changes():
                pass

    def members(self) -> dict[str, set[int]]:
        return {slug: set(one.memberships.values_list("contact_id", flat=True)) for slug, one in self.segments.items()}

    def wanted(self) -> dict[str, set[int]]:
        """Ask the oracle, level by level: segments that stand on others see those as they are."""
        people = self.known()
        return {
            slug: {one.id for one in people if oracle.matches(one, rule, self.now, WORLD)}
            for slug, rule in RULES.items()
        }

    def known(self) -> list[oracle.Person]:
        people = {
            one.pk: oracle.Person(one.pk, {"timezone": one.timezone}, one.attributes) for one in Contact.objects.all()
        }
        for made in Event.objects.select_related("name"):
            people[made.contact_id].events.append(oracle.Did(made.pk, made.name.name, made.at, made.properties))
        for entry in ListMember.objects.select_related("list"):
            people[entry.contact_id].lists.add(entry.list.slug)
        for membership in Membership.objects.select_related("segment"):
            people[membership.contact_id].segments[membership.segment.slug] = membership.since
        return list(people.values())


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
