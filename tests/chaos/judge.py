"""The judge: what the database and the witness say afterwards, and what a full recompute would say."""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from django.db import connection

from config.management.commands.check_invariants import checks
from contacts.models import Contact, List
from segmentation.catalogue import load_catalogue
from segmentation.compiler import q
from segmentation.criteria import parse
from segmentation.models import Membership, Segment
from tests.chaos import story
from workspace import clock

SHOWN = 5
Offenders = Iterable[Any]
MARKETING = "email"


@dataclass
class Case:
    """What happened to the shop, as far as the judge needs to know to say what must be."""

    people: int
    crashes: int = 0  # kills, and the workers that a database restart cut off
    in_doubt: int = 1  # messages that one crash may leave in doubt
    pm: bool = False

    @cached_property
    def calls(self) -> list[dict[str, Any]]:
        """Read the witness: every call that a provider saw, in order."""
        path = Path(os.environ["WITNESS_FILE"])
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @cached_property
    def messages(self) -> dict[str, dict[str, Any]]:
        """Return the messages by key."""
        found = rows(
            "SELECT key, channel, status, gate, address, extract(epoch FROM settled_at)::float AS settled"
            " FROM messaging_message"
        )
        return {one["key"]: one for one in found}

    @cached_property
    def users(self) -> dict[int, str]:
        """Return the user ids by contact."""
        return dict(Contact.objects.values_list("id", "user_id"))

    @property
    def everybody(self) -> set[str]:
        """Return the user ids that there must be."""
        return {story.person(number) for number in range(self.people)}

    def those(self, test: Callable[[int], bool]) -> int:
        """Count the people who are such."""
        return sum(test(number) for number in range(self.people))


def report(**given: Any) -> dict[str, Any]:
    """Return per check the first offenders (an empty list: it holds), and the counts behind them."""
    case = Case(**given)
    found = {name: list(check(case)) for name, check in CHECKS.items()}
    found |= {f"invariant {name}": rows(sql) for name, sql in checks()}
    return {
        "checks": {name: [len(those), *those[:SHOWN]] if those else [] for name, those in found.items()},
        "counts": counts(case),
    }


def rows(sql: str) -> list[dict[str, Any]]:
    """Return what a statement finds."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def counts(case: Case) -> dict[str, int]:
    """Return the numbers worth printing."""
    seen = Counter(call["key"] for call in case.calls)
    states = Counter(f"{one['channel']} {one['status']}" for one in case.messages.values())
    tables = "contacts_event segmentation_transition flows_entry flows_enrollment flows_step workspace_tick".split()
    stored = {table: rows(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in tables}
    repeats = sum(count - 1 for count in seen.values())
    return {**stored, **states, "provider calls": len(case.calls), "repeated calls": repeats}


def membership_equals_a_full_recompute(case: Case) -> Offenders:
    """I1: each dynamic segment has the members that its criteria match now."""
    at, catalogue = clock.now(), load_catalogue()
    for segment in Segment.objects.filter(kind="dynamic").select_related("rule"):
        assert segment.rule is not None
        criteria = parse(segment.rule.document, catalogue)
        truth = set(Contact.objects.filter(q(criteria, at=at, catalogue=catalogue)).values_list("id", flat=True))
        held = set(Membership.objects.filter(segment=segment).values_list("contact_id", flat=True))
        yield from [(segment.slug, "missing", one) for one in truth - held]
        yield from [(segment.slug, "too many", one) for one in held - truth]


def segments_have_the_sizes_of_the_story(case: Case) -> Offenders:
    """What the criteria must come to, counted without the compiler."""
    left = case.those(story.leaver) if case.pm else 0
    again = case.those(story.regular) if case.pm else 0
    wanted = {"pros": case.people - left, "buyers": case.people, "pro-buyers": case.people - left}
    wanted |= {"regulars": again, "welcomed-free": left}
    held = Counter(Membership.objects.values_list("segment__slug", flat=True))
    yield from [(slug, held[slug], size) for slug, size in wanted.items() if held[slug] != size]


def everybody_is_there_once(case: Case) -> Offenders:
    """No contact lost in a crash of the door, none made twice."""
    found = Counter(case.users.values())
    yield from case.everybody - set(found)
    yield from [(user, count) for user, count in found.items() if count > 1 or user not in case.everybody]


def every_event_is_stored_once(case: Case) -> Offenders:
    """Each order once, however often it was brought."""
    wanted = {f"order-am-{n}" for n in range(case.people)}
    wanted |= {f"order-pm-{n}" for n in range(case.people) if story.regular(n)} if case.pm else set()
    found = Counter(one["message_id"] for one in rows("SELECT message_id FROM contacts_event WHERE source = 'shop'"))
    yield from wanted ^ set(found)
    yield from [one for one, count in found.items() if count > 1]


def everybody_entered_each_flow_once(case: Case) -> Offenders:
    """One Entry that enrolled per person and flow; a second order is decided too, and refused."""
    found = rows("SELECT slug, contact_id, outcome FROM flows_entry y JOIN flows_flow f ON f.id = y.flow_id")
    enrolled = Counter((one["slug"], case.users[one["contact_id"]]) for one in found if one["outcome"] == "enrolled")
    wanted = {(slug, user) for slug in story.FLOWS for user in case.everybody}
    yield from wanted ^ set(enrolled)
    yield from [one for one, count in enrolled.items() if count > 1]
    refused = sum(one["outcome"] == "refused" for one in found)
    again = case.those(story.regular) if case.pm else 0
    yield from [] if refused == again else [("refused", refused, again)]


def every_enrollment_is_completed(case: Case) -> Offenders:
    """Nobody is stuck, failed or has met an error."""
    return rows(
        "SELECT id, status, node, parked, reason, left(error, 300) AS error FROM flows_enrollment"
        " WHERE status <> 'completed' OR error <> '' OR attempts > 0"
    )


def every_path_is_whole(case: Case) -> Offenders:
    """Each went through the nodes of the flow in their order."""
    walked: dict[int, list[str]] = defaultdict(list)
    for one in rows("SELECT enrollment_id, node FROM flows_step ORDER BY enrollment_id, visit"):
        walked[one["enrollment_id"]].append(one["node"])
    yield from [(one, path) for one, path in walked.items() if tuple(path) not in story.PATHS]


def nothing_waits(case: Case) -> Offenders:
    """The queues are empty."""
    yield from rows("SELECT contact_id, fact, stage, lane FROM contacts_change LIMIT 20")
    yield from rows("SELECT segment_id, contact_id FROM segmentation_owed LIMIT 20")
    yield from rows("SELECT key, status FROM messaging_message WHERE settled_at IS NULL LIMIT 20")


def each_was_put_on_the_lists_once(case: Case) -> Offenders:
    """The lists hold everybody."""
    for slug in story.FLOWS.values():
        held = List.objects.get(slug=slug).members.values_list("contact__user_id", flat=True)
        yield from [(slug, user) for user in case.everybody ^ set(held)]


def each_journey_was_counted_once(case: Case) -> Offenders:
    """The flows add one each to an attribute, which shows what was done twice or not at all."""
    for user, attributes in Contact.objects.values_list("user_id", "attributes"):
        if attributes.get("journeys") != len(story.FLOWS):
            yield user, attributes.get("journeys")


def each_journey_said_each_thing_once(case: Case) -> Offenders:
    """A mail per enrollment and a webhook for gold, at the visits where the flow speaks, none beside them."""
    said = Counter(_place(key) for key in case.messages)
    golden = {story.person(number) for number in range(case.people) if story.golden(number)}
    wanted = set()
    for one in rows("SELECT id, contact_id FROM flows_enrollment"):
        wanted.add((one["id"], story.MAIL_VISIT))
        if case.users[one["contact_id"]] in golden:
            wanted.add((one["id"], story.HOOK_VISIT))
    yield from [("missing or too many", one) for one in wanted ^ set(said)]
    yield from [("twice", one) for one, count in said.items() if count > 1]


def messages_end_as_they_must(case: Case) -> Offenders:
    """Refused: who never said yes. Unknown: at most what crashes left in doubt. Everything else: sent."""
    states = Counter((one["channel"], one["status"], one["gate"]) for one in case.messages.values())
    refused = states.pop(("email", "refused", "no consent"), 0)
    unknown = states.pop(("email", "unknown", ""), 0)
    wanted = case.those(story.silent) * len(story.FLOWS)
    yield from [] if refused == wanted else [("refused", refused, wanted)]
    yield from [] if unknown <= case.crashes * case.in_doubt else [("unknown", unknown, case.crashes)]
    flows = len(story.FLOWS)
    rest = {"email": case.people * flows - refused - unknown, "webhook": case.those(story.golden) * flows}
    yield from [(channel, str(states)) for channel, count in rest.items() if states[channel, "sent", ""] != count]


def marketing_is_said_at_most_once(case: Case) -> Offenders:
    """I17: the provider saw no second call for a step of a journey, whatever key it came under."""
    seen = Counter(_place(call["key"]) for call in case.calls if call["channel"] == MARKETING)
    yield from [(place, count) for place, count in seen.items() if count > 1]


def what_is_sent_was_called(case: Case) -> Offenders:
    """I17: no message says sent that no provider ever saw, and none was called that says refused."""
    seen = {call["key"] for call in case.calls}
    for key, one in case.messages.items():
        if (one["status"] == "sent" and key not in seen) or (one["status"] == "refused" and key in seen):
            yield key, one["status"]


def repeats_come_from_crashes_alone(case: Case) -> Offenders:
    """I17: webhooks repeat under the same key, at most once per crash."""
    seen = Counter(call["key"] for call in case.calls)
    yield from [(key, count) for key, count in seen.items() if count > 1 + case.crashes]
    yield from [("a key that no message has", key) for key in set(seen) - set(case.messages)]


def nothing_is_said_after_it_was_settled(case: Case) -> Offenders:
    """What has an end is not called again: a worker whose claim is gone neither calls nor records."""
    for call in case.calls:
        settled = case.messages.get(call["key"], {}).get("settled")
        if settled is not None and call["at"] > settled:
            yield call["key"], call["at"] - settled


def everything_goes_to_its_own_address(case: Case) -> Offenders:
    """The mails went to the contact of their enrollment."""
    addresses = {f"{user}@example.com" for user in case.everybody}
    for call in case.calls:
        message = case.messages.get(call["key"])
        if (call["channel"] == MARKETING and (not message or call["to"] != message["address"])) or (
            call["channel"] == MARKETING and call["to"] not in addresses
        ):
            yield call["key"], call["to"]


def _place(key: str) -> tuple[int, int]:
    """Return enrollment and visit, whatever else stands in the key."""
    _, enrollment, visit = key.split(":")[:3]
    return int(enrollment), int(visit)


CHECKS: dict[str, Callable[[Case], Offenders]] = {
    one.__name__.replace("_", " "): one
    for one in (
        membership_equals_a_full_recompute,
        segments_have_the_sizes_of_the_story,
        everybody_is_there_once,
        every_event_is_stored_once,
        everybody_entered_each_flow_once,
        every_enrollment_is_completed,
        every_path_is_whole,
        nothing_waits,
        each_was_put_on_the_lists_once,
        each_journey_was_counted_once,
        each_journey_said_each_thing_once,
        messages_end_as_they_must,
        marketing_is_said_at_most_once,
        what_is_sent_was_called,
        repeats_come_from_crashes_alone,
        nothing_is_said_after_it_was_settled,
        everything_goes_to_its_own_address,
    )
}
