"""What must be true of the town afterwards: by the database, by what the servers outside heard, by every invariant."""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from config.management.commands.check_invariants import checks
from contacts.models import Contact
from flows.nodes import KINDS
from messaging.models import CaughtMail
from tests.chaos import judge, town
from tests.chaos.judge import SHOWN, rows
from tests.chaos.story import golden, person, silent

PROMISED = (7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 23, 26, 28, 30, 32)  # of reliability.md, for a run like this
QUEUES = ("send_sms", "send_whatsapp", "send_push", "send_onsite")


@dataclass
class Case:
    """What happened to the town, as far as the judge needs to know to say what must be."""

    people: int
    crashes: int
    in_doubt: int
    stood: list[list[str]] = field(default_factory=list)  # between these instants `welcome` certainly stood still
    drained: str = ""

    @cached_property
    def calls(self) -> list[dict[str, Any]]:
        """Read what the servers outside heard, in order."""
        return [json.loads(line) for line in Path(os.environ["WITNESS_FILE"]).read_text().splitlines()]

    @cached_property
    def messages(self) -> dict[str, dict[str, Any]]:
        """Return the messages by key."""
        found = rows(
            "SELECT key, channel, class, status, gate, address, contact_id, extract(epoch FROM settled_at)::float AS settled"
            " FROM messaging_message"
        )
        return {one["key"]: one for one in found}

    @cached_property
    def users(self) -> dict[int, str]:
        """Return the user id of every contact, of one that was merged that of the other; "erased" of those."""
        into = dict(Contact.objects.exclude(merged_into=None).values_list("pk", "merged_into_id"))
        names = dict(Contact.objects.values_list("pk", "user_id"))
        return {pk: names[into.get(pk) or pk] or "erased" for pk in names}

    @property
    def everybody(self) -> set[str]:
        """Return the user ids that there must be."""
        return {person(number) for number in range(self.people)}


def report(**given: Any) -> dict[str, Any]:
    """Return per check and per invariant the first offenders (an empty list: it holds), and the counts behind them."""
    case = Case(**given)
    found = {name: list(check(case)) for name, check in CHECKS.items()}
    asked = {name: rows(sql) for name, sql in checks()}
    shown = {name: [len(those), *those[:SHOWN]] if those else [] for name, those in (found | asked).items()}
    return {"checks": shown, "invariants": _by_number(asked), "counts": counts(case)}


def _by_number(asked: dict[str, list[Any]]) -> dict[str, list[int]]:
    """Return per promised invariant how many queries ask it and how many rows break it."""
    found: dict[str, list[int]] = {f"I{number}": [0, 0] for number in PROMISED}
    for name, broken in asked.items():
        number = name.split()[0]
        if number in found:
            found[number] = [found[number][0] + 1, found[number][1] + len(broken)]
    return found


def counts(case: Case) -> dict[str, int]:
    """Return the numbers worth printing."""
    tables = "contacts_contact contacts_event segmentation_transition flows_entry flows_enrollment flows_step".split()
    stored = {table: rows(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in tables}
    ends = {f"enrollments {one['status']}": one["n"] for one in rows(_ENDS)}
    ends |= {f"{one['slug']} took nobody in: {one['reason']}": one["n"] for one in rows(_NOT_IN)}
    states = Counter(f"{one['channel']} {one['status']}" for one in case.messages.values())
    seen = Counter(call["key"] for call in case.calls)
    heard = {"calls heard outside": len(case.calls), "repeated calls": sum(n - 1 for n in seen.values())}
    kinds = {"kinds of nodes passed": len(rows("SELECT DISTINCT kind FROM flows_step"))}
    return {**stored, **ends, **dict(sorted(states.items())), **heard, **kinds}


_NOT_IN = """
SELECT slug, reason, count(*) AS n FROM flows_entry y JOIN flows_flow f ON f.id = y.flow_id
WHERE outcome <> 'enrolled' GROUP BY 1, 2 ORDER BY 1, 2"""
_ENDS = "SELECT status, count(*) AS n FROM flows_enrollment GROUP BY 1 ORDER BY 1"


def every_kind_of_node_was_passed(case: Case) -> Iterator[Any]:
    """All but notes, by which nobody comes."""
    passed = {one["kind"] for one in rows("SELECT DISTINCT kind FROM flows_step")}
    yield from {kind for kind, node in KINDS.items() if not node.is_note} - passed


def everybody_is_there_once(case: Case) -> Iterator[Any]:
    """No contact lost or made twice; guests are erased, and anonymous visitors became whom they turned out to be."""
    there = Counter(Contact.objects.filter(merged_into=None, erased_at=None).values_list("user_id", flat=True))
    yield from case.everybody ^ set(there)
    yield from [(user, n) for user, n in there.items() if n > 1]
    gone = Contact.objects.exclude(erased_at=None).count()
    yield from [] if gone == town.guests(case.people) else [("erased", gone, town.guests(case.people))]


def everybody_entered_each_flow_as_often_as_they_must(case: Case) -> Iterator[Any]:
    """One Entry that enrolled per person and flow, per order in `thanks`; guests in `noon` alone."""
    found = rows(
        "SELECT slug, contact_id FROM flows_entry y JOIN flows_flow f ON f.id = y.flow_id WHERE outcome = 'enrolled'"
    )
    entered = Counter((one["slug"], case.users[one["contact_id"]]) for one in found)
    wanted = {(slug, user): 1 for slug in town.PER_PERSON for user in case.everybody}
    wanted |= {("thanks", person(number)): town.orders(number) for number in range(case.people)}
    wanted["noon", "erased"] = town.guests(case.people)
    yield from [
        (one, entered[one], wanted.get(one, 0)) for one in {*entered, *wanted} if entered[one] != wanted.get(one)
    ]


def who_loops_was_stopped(case: Case) -> Iterator[Any]:
    """I32: past twenty entries within the hour the flow refuses, and says why."""
    sql = "SELECT contact_id, count(*) AS n FROM flows_entry WHERE reason = 'loop' GROUP BY 1"
    stopped = {case.users[one["contact_id"]]: one["n"] for one in rows(sql)}
    loopers = {person(number): 1 + town.TOO_MANY - town.TAKEN for number in range(case.people) if town.looper(number)}
    yield from set(stopped.items()) ^ set(loopers.items())


def every_journey_has_ended_as_it_may(case: Case) -> Iterator[Any]:
    """Nobody is stuck, failed or has met an error; who left did so for a reason of the story."""
    ends = {
        ("parting", "exited", "read"),
        ("waiting-room", "exited", "taken out by the flow club"),
        ("noon", "exited", "contact erased"),
    }
    found = rows(
        "SELECT e.id, slug, e.status, node, parked, reason, left(error, 200) AS error, attempts FROM flows_enrollment e"
        " JOIN flows_flow f ON f.id = e.flow_id WHERE e.status <> 'completed' OR error <> '' OR attempts > 0"
    )
    yield from [one for one in found if (one["slug"], one["status"], one["reason"]) not in ends or one["error"]]


def nothing_waits(case: Case) -> Iterator[Any]:
    """The queues are empty."""
    yield from judge.nothing_waits(judge.Case(case.people))
    yield from rows("SELECT id, kind, status, error FROM segmentation_delivery WHERE status <> 'delivered'")
    yield from rows("SELECT id FROM flows_reentry")
    yield from rows("SELECT id, kind, status FROM workspace_job WHERE status <> 'done'")


def membership_equals_a_full_recompute(case: Case) -> Iterator[Any]:
    """I1: the dynamic segment has the members that its criteria match now."""
    yield from judge.membership_equals_a_full_recompute(judge.Case(case.people))


def what_flows_wrote_on_contacts_was_written_once(case: Case) -> Iterator[Any]:
    """Counters that flows add to show what was done twice or not at all; the webhook's answer came back."""
    numbers = {person(number): number for number in range(case.people)}
    for user, held in Contact.objects.filter(user_id__in=numbers).values_list("user_id", "attributes"):
        number = numbers[str(user)]
        if held.get("level") != "gold" or (held.get("heard") == "heard") is not golden(number):
            yield user, held
        journeys = 2 + town.orders(number)  # welcome, after, and one per order
        if held.get("journeys") != journeys and not town.wanderer(number):  # of two counters the later stands
            yield user, held.get("journeys"), journeys
        if held.get("rounds") not in (3, 2, 1, None):  # fewer for who reached the goal before
            yield user, "rounds", held.get("rounds")


def the_club_did_as_the_person_said(case: Case) -> Iterator[Any]:
    """Who was approved is out of the queue, who was refused is in it still; and the CRM heard of each approved once."""
    queue = rows(
        "SELECT contact_id FROM segmentation_membership m JOIN segmentation_segment s ON s.id = m.segment_id"
        " WHERE s.slug = 'queue'"
    )
    decided = rows("SELECT contact_id, port FROM flows_step WHERE kind = 'approval'")
    yield from [one for one in decided if (one["port"] == "refused") is not town.refused(one["contact_id"])]
    yield from {one["contact_id"] for one in queue} ^ {one["contact_id"] for one in decided if one["port"] == "refused"}
    told = Counter(one["contact_id"] for one in rows("SELECT contact_id FROM segmentation_handed"))
    yield from [(one, n) for one, n in told.items() if n > 1]
    yield from set(told) ^ {one["contact_id"] for one in decided if one["port"] == "next"}


def messages_end_as_they_must(case: Case) -> Iterator[Any]:
    """Refused: who never said yes. Unknown: at most what crashes left in doubt. Everything else: sent."""
    states: dict[str, Counter[Any]] = defaultdict(Counter)
    for one in case.messages.values():
        states[one["class"]][one["channel"], one["status"], one["gate"]] += 1
    marketing = states["marketing"]
    refused = marketing.pop(("email", "refused", "no consent"), 0)
    unknown = marketing.pop(("email", "unknown", ""), 0)
    wanted = sum(golden(n) and silent(n) for n in range(case.people))
    yield from [] if refused == wanted else [("refused", refused, wanted)]
    yield from [] if unknown <= case.crashes * case.in_doubt else [("unknown", unknown, case.crashes)]
    rest = [(one, n) for all_of in states.values() for one, n in all_of.items()]
    yield from [(one, n) for one, n in rest if one[1:] != ("sent", "")]


def texts_were_caught_once(case: Case) -> Iterator[Any]:
    """Each text in the mailbox is one message, and each that says sent is there."""
    caught = Counter(CaughtMail.objects.exclude(channel="email").values_list("message_key", flat=True))
    yield from [(key, n) for key, n in caught.items() if n > 1 or key not in case.messages]
    texts = {key for key, one in case.messages.items() if one["channel"] in ("sms", "whatsapp", "push", "onsite")}
    yield from texts ^ set(caught)


def marketing_is_said_at_most_once(case: Case) -> Iterator[Any]:
    """I17: the mail server took no marketing mail twice, and none that was refused."""
    marketing = {key for key, one in case.messages.items() if one["class"] == "marketing"}
    seen = Counter(call["key"] for call in case.calls if call["key"] in marketing or call["marketing"])
    yield from [(key, n) for key, n in seen.items() if n > 1 or case.messages[key]["status"] == "refused"]


def what_is_sent_was_heard(case: Case) -> Iterator[Any]:
    """I17: no mail, call or delivery is said to be sent that nobody outside heard."""
    heard = {call["key"] for call in case.calls}
    outside = ("email", "webhook", "staff")
    yield from [
        k
        for k, one in case.messages.items()
        if one["channel"] in outside and one["status"] == "sent" and k not in heard
    ]
    yield from [one for one in rows("SELECT key FROM segmentation_delivery") if one["key"] not in heard]


def repeats_come_from_crashes_alone(case: Case) -> Iterator[Any]:
    """I17: what may repeat does so under the same key, at most once per crash."""
    seen = Counter(call["key"] for call in case.calls)
    deliveries = {one["key"] for one in rows("SELECT key FROM segmentation_delivery")}
    yield from [(key, n) for key, n in seen.items() if n > 1 + case.crashes]
    yield from [("a key that nothing has", key) for key in set(seen) - set(case.messages) - deliveries]


def everything_goes_to_its_own_address(case: Case) -> Iterator[Any]:
    """Mails went to the contact of their enrollment; of erased guests nothing is left to compare with."""
    for call in case.calls:
        one = case.messages.get(call["key"])
        if call["channel"] == "email" and one and case.users[one["contact_id"]] != "erased":
            wanted = "desk@example.com" if one["channel"] == "staff" else f"{case.users[one['contact_id']]}@example.com"
            if call["to"] != wanted:
                yield call["key"], call["to"], wanted


def nobody_moved_while_the_flow_was_paused(case: Case) -> Iterator[Any]:
    """I20: no step of `welcome` between pause and resume."""
    for since, until in case.stood:
        yield from rows(
            "SELECT enrollment_id, visit, at FROM flows_step s JOIN flows_flow f ON f.id = s.flow_id"
            f" WHERE slug = 'welcome' AND at > '{since}' AND at < '{until}'"
        )


def nobody_entered_once_it_drained(case: Case) -> Iterator[Any]:
    """I20: `waiting-room` took nobody in after it was closed, and ended by itself when it was empty."""
    yield from rows(
        "SELECT y.id FROM flows_entry y JOIN flows_flow f ON f.id = y.flow_id"
        f" WHERE slug = 'waiting-room' AND outcome = 'enrolled' AND y.at > '{case.drained}'"
    )
    yield from rows("SELECT status FROM flows_flow WHERE slug = 'waiting-room' AND status <> 'ended'")


CHECKS: dict[str, Callable[[Case], Iterator[Any]]] = {
    one.__name__.replace("_", " "): one
    for one in (
        every_kind_of_node_was_passed,
        everybody_is_there_once,
        everybody_entered_each_flow_as_often_as_they_must,
        who_loops_was_stopped,
        every_journey_has_ended_as_it_may,
        nothing_waits,
        membership_equals_a_full_recompute,
        what_flows_wrote_on_contacts_was_written_once,
        the_club_did_as_the_person_said,
        messages_end_as_they_must,
        texts_were_caught_once,
        marketing_is_said_at_most_once,
        what_is_sent_was_heard,
        repeats_come_from_crashes_alone,
        everything_goes_to_its_own_address,
        nobody_moved_while_the_flow_was_paused,
        nobody_entered_once_it_drained,
    )
}
