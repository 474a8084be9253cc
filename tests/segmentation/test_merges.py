"""Rule 43 in criteria: what a loser went through counts for the winner, and the winner takes its place where it was put by hand."""

from datetime import timedelta
from typing import Any

import pytest

from contacts.ingest import Source, take
from contacts.models import Contact
from flows.models import Enrollment, Flow, Version
from segmentation import evaluation, services
from segmentation.explaining import explain
from segmentation.matching import who
from segmentation.models import Segment
from segmentation.rules import save_rule
from tests.factories import JANUARY, members, segment
from tests.segmentation.histories import check_log
from tests.segmentation.test_stories import log, look
from workspace import clock
from workspace.audit import HOUSE

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def say(at: Any, **item: Any) -> None:
    said = {"type": "identify", "messageId": f"{at}{item}", "traits": {}, **item}
    assert take([said], source=Source("tests"), received_at=at) == [None]


def visitor() -> Contact:
    """Somebody visits whom nobody knows yet, and Anna is known."""
    say(clock.now(), userId="anna", traits={"firstName": "Anna"})
    say(clock.now() - DAY, anonymousId="a1", traits={"firstName": "Visitor"})
    return Contact.objects.get(first_name="Visitor")


def past(slug: str, **said: Any) -> dict[str, Any]:
    return {"type": "SEGMENT", "segment": slug, **said}


def test_rule_43_a_visitor_who_turns_out_to_be_anna_brings_her_past_memberships_along() -> None:
    with clock.at(JANUARY):
        services.create_segment(name="Trial", actor=HOUSE)
        came = segment("Came", past("trial", membership="entered", window={"last": "30d"}))
        left = segment("Left", past("trial", membership="left"))
        ever = segment("Ever", past("trial", membership="ever", window={"beforeLast": "2d"}))
        evaluation.recompute_waiting()
        loser = visitor()
        services.add_members(Segment.objects.get(slug="trial"), [loser.pk], actor=HOUSE)
    with clock.at(JANUARY + DAY):
        services.remove_members(Segment.objects.get(slug="trial"), [loser.pk], actor=HOUSE)
        look()
        assert (members(came), members(left)) == ({"Visitor"}, {"Visitor"})
    with clock.at(JANUARY + 2 * DAY):
        say(clock.now(), userId="anna", anonymousId="a1")
        look()
        assert members(came) == members(left) == {"Anna"}
        anna = Contact.objects.get(user_id="anna")
        told = explain(Segment.objects.select_related("rule").get(pk=left.pk), anna, clock.now())
        assert told.holds
        assert "left the segment “trial” last at" in told.root.parts[0].said  # type: ignore[union-attr]
        rule = save_rule({"operator": "AND", "conditions": [past("trial", membership="left")]})
        assert who([rule], [anna.pk, loser.pk], clock.now()) == {rule.pk: {anna.pk}}
        assert evaluation.recompute_all() == []
    with clock.at(JANUARY + 4 * DAY):  # by time alone: the stay of the visitor lies far enough behind
        evaluation.pass_time()
        assert members(ever) == {"Anna"}
        assert evaluation.recompute_all() == []
    check_log()


def test_rule_43_anna_takes_the_visitors_place_in_a_segment_kept_by_hand_and_has_not_left_it() -> None:
    with clock.at(JANUARY):
        trial = services.create_segment(name="Trial", actor=HOUSE)
        inside = segment("Inside", past("trial"))
        left = segment("Left", past("trial", membership="left"))
        evaluation.recompute_waiting()
        services.add_members(trial, [visitor().pk], actor=HOUSE)
        look()
    with clock.at(JANUARY + DAY):
        say(clock.now(), userId="anna", anonymousId="a1")
        look()
    assert members(trial) == members(inside) == {"Anna"}
    assert members(left) == set()
    assert ("Anna", "entered", "merged", False) in log("trial")
    check_log()


def test_rule_43_whoever_is_in_it_already_stays_once() -> None:
    trial = services.create_segment(name="Trial", actor=HOUSE)
    loser = visitor()
    anna = Contact.objects.get(user_id="anna")
    services.add_members(trial, [loser.pk, anna.pk], actor=HOUSE)
    say(clock.now(), userId="anna", anonymousId="a1")
    look()
    assert members(trial) == {"Anna"}
    assert services.size_of(trial) == 1
    check_log()


def journey(contact: Contact, status: str, reason: str = "") -> None:
    flow, _ = Flow.objects.get_or_create(slug="welcome", defaults={"name": "Welcome"})
    version, _ = Version.objects.get_or_create(flow=flow, number=1, defaults={"graph": {}, "digest": "x"})
    now = clock.now()
    Enrollment.objects.create(
        flow=flow, version=version, contact=contact, status=status, reason=reason, node="start", ended_at=now,
        entered_at=now, entered_on=now.date(),
    )  # fmt: skip


def test_rule_43_a_journey_that_the_visitor_completed_counts_for_anna() -> None:
    loser = visitor()
    journey(loser, "completed")
    journey(loser, "exited", "merged")
    done = segment("Done", {"type": "FLOW", "flow": "welcome", "state": "completed"})
    gone = segment("Gone", {"type": "FLOW", "flow": "welcome", "state": "exited"})
    ever = segment("Ever", {"type": "FLOW", "flow": "welcome", "state": "ever"})
    evaluation.recompute_waiting()
    assert members(done) == {"Visitor"}
    say(clock.now(), userId="anna", anonymousId="a1")
    look()
    assert members(done) == members(ever) == {"Anna"}
    assert members(gone) == set()
    assert evaluation.recompute_all() == []
    anna = Contact.objects.get(user_id="anna")
    told = explain(Segment.objects.select_related("rule").get(pk=done.pk), anna, clock.now())
    assert told.root is not None
    assert told.root.parts[0].found == "completed"
