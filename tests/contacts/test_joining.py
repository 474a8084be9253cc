"""Two names for one thing: joined, and one from then on."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from contacts import declaring, ingest, joining, working
from contacts.ingest import take
from contacts.invariants import CHECKS
from contacts.models import Attribute, Contact
from contacts.readers import readers_of
from contacts.storing import run
from contacts.updates import update_attributes
from flows.models import Flow, Node
from messaging.services import change_template, create_template
from segmentation import evaluation
from segmentation.models import Membership, Transition
from segmentation.services import change_segment, create_segment
from tests.contacts.conftest import NOON, SERVER, identify, tell
from tests.contacts.test_hazards import at_once
from workspace.audit import HOUSE
from workspace.models import Audit, Job
from workspace.problems import Refused

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def named(name: str) -> Attribute:
    return Attribute.objects.get(name=name)


def join() -> Attribute:
    return declaring.join_attribute(named("Plan"), into=named("plan"), actor=HOUSE)


def asking(name: str, value: str = "pro") -> dict[str, Any]:
    return {"type": "PROPERTY", "propertyName": f"customProperties.{name}", "operator": "=", "value": value}


def plans() -> dict[str, Any]:
    return dict(Contact.objects.order_by("pk").values_list("user_id", "attributes"))


def test_names_that_differ_only_in_case_and_blanks_are_pointed_out() -> None:
    assert joining.alike(["Plan", "plan", "plan_name", "Plan Name", "planName", "tier"]) == {
        "Plan": ["plan"],
        "plan": ["Plan"],
        "plan_name": ["Plan Name", "planName"],
        "Plan Name": ["plan_name", "planName"],
        "planName": ["plan_name", "Plan Name"],
    }


def test_the_newer_of_two_values_stands_and_segments_hear_of_it_without_firing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(joining, "CHUNK", 2)
    tell(
        identify("ann", Plan="pro"),
        identify("bo", plan="free"),
        identify("cy", plan="free"),
        identify("di", Plan="pro"),
    )
    tell(identify("bo", Plan="pro"), identify("di", plan="free"), at=NOON + HOUR)
    tell(identify("ed", Plan="pro"))
    tell(identify("ed", plan=None), at=NOON + HOUR)
    pro = create_segment(name="Pro", kind="dynamic", criteria=asking("plan"), actor=HOUSE)
    evaluation.recompute_waiting()
    join()
    working.work()
    assert plans() == {
        "ann": {"plan": "pro"},
        "bo": {"plan": "pro"},
        "cy": {"plan": "free"},
        "di": {"plan": "free"},
        "ed": {},
    }
    evaluation.take_changes()
    members = Membership.objects.filter(segment=pro).values_list("contact__user_id", flat=True)
    assert set(members) == {"ann", "bo"}
    assert set(Transition.objects.values_list("cause", "fires")) == {("edited", False)}
    assert (named("Plan").hidden, named("Plan").joined_into) == (True, named("plan"))
    assert (Job.objects.get().status, Audit.objects.filter(verb="attribute.joined").count()) == ("done", 1)


def test_what_arrives_by_the_old_name_is_stored_by_the_one_that_stands() -> None:
    tell(identify("ann", Plan="a", plan="b"))
    join()
    working.work()
    declaring.change_attribute(named("plan"), actor=HOUSE, type="number")
    tell(identify("bo", Plan="12"), identify("cy", Plan="1", plan="2"), at=NOON + HOUR)
    di = Contact.objects.create(user_id="di")
    update_attributes([di.pk], [{"attribute": "customProperties.Plan", "set": "7"}], cause="manual", at=NOON)
    assert {who: said["plan"] for who, said in plans().items()} == {"ann": "b", "bo": 12, "cy": 2, "di": 7}
    update_attributes([di.pk], [{"attribute": "customProperties.Plan", "increment": 1}], cause="manual", at=NOON + HOUR)
    assert plans()["di"] == {"plan": 8}


def test_a_name_that_criteria_use_is_not_joined_until_they_are_changed() -> None:
    tell(identify("ann", Plan="pro", plan="pro"))
    pro = create_segment(name="Pro", kind="dynamic", criteria=asking("Plan"), actor=HOUSE)
    flow = Flow.objects.create(name="Win back", slug="win-back")
    Node.objects.create(flow=flow, key="a", kind="split", settings={"criteria": asking("Plan")})
    with pytest.raises(Refused, match="Segment Pro, Flow Win back") as refused, transaction.atomic():
        join()
    assert refused.value.status == 409
    change_segment(pro, criteria=asking("plan"), actor=HOUSE)
    Node.objects.update(settings={"criteria": asking("plan")})
    assert join().joined_into == named("plan")


def test_what_cannot_be_joined_is_refused_with_why() -> None:
    tell(identify("ann", Plan={"name": "pro"}, plan="pro"))
    for one, other in (("plan", "plan"), ("Plan.name", "plan")):
        with pytest.raises(Refused), transaction.atomic():
            declaring.join_attribute(named(one), into=named(other), actor=HOUSE)


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_did_not_know_of_the_joining_is_joined_too() -> None:
    tell(identify("ann", Plan="a", plan="b"))
    read, go_on = threading.Event(), threading.Event()
    standing = ingest.learn_attributes

    def slowly(said: Any) -> Any:
        types = standing(said)
        read.set()
        assert go_on.wait(10)
        return types

    def bring() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ingest, "learn_attributes", slowly)
            assert take([identify("gil", Plan="c")], source=SERVER, received_at=NOON) == [None]

    def change() -> None:
        assert read.wait(10)
        join()
        working.work()
        go_on.set()

    at_once(bring, change)
    assert plans()["gil"] == {"Plan": "c"}
    working.work()
    assert plans()["gil"] == {"plan": "c"}
    assert Job.objects.get().status == "done"


def test_nothing_that_must_hold_of_the_catalogue_is_broken_afterwards() -> None:
    tell(identify("ann", Plan="3", plan="2", seats="4"))
    join()
    declaring.change_attribute(named("plan"), actor=HOUSE, type="number")
    assert [name for name, sql in CHECKS.items() if "joined" in name and run(sql)] == []
    working.work()
    assert [name for name, sql in CHECKS.items() if run(sql)] == []
    Contact.objects.update(attributes={"Plan": "3"})
    assert run(CHECKS["an attribute that was joined has handed its values over"])


def test_a_joining_that_is_stopped_leaves_the_rest_under_a_name_that_stands_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(joining, "CHUNK", 1)
    tell(identify("ann", Plan="a"), identify("ben", Plan="b"), identify("cleo", plan="c"))
    join()
    working._step(Job.objects.get().pk)
    assert declaring.stop_joining(named("Plan"), actor=HOUSE)
    working.work()
    assert Job.objects.get().status == "cancelled"
    assert plans() == {"ann": {"plan": "a"}, "ben": {"Plan": "b"}, "cleo": {"plan": "c"}}
    assert (named("Plan").joined_into, named("Plan").hidden) == (None, False)
    tell(identify("ann", Plan="again"))
    assert plans()["ann"] == {"plan": "a", "Plan": "again"}
    assert not declaring.stop_joining(named("Plan"), actor=HOUSE)
    assert [name for name, sql in CHECKS.items() if run(sql)] == []


def test_a_template_that_says_the_name_keeps_it_from_being_joined_and_is_named() -> None:
    tell(identify("ann", Plan="a", plan="b"))
    made = create_template(
        name="Welcome", channel="email", subject="Hi", body="{{ contact.customProperties.Plan }}", topic="", actor=HOUSE
    )
    create_template(
        name="Other", channel="email", subject="Hi", body="{{ contact.customProperties.Planet }} Plan", topic="",
        actor=HOUSE,
    )  # fmt: skip
    assert [one.label for one in readers_of("attribute:customProperties.Plan")] == ["Template Welcome"]
    with pytest.raises(Refused, match="Plan is named by Template Welcome"):
        join()
    change_template(made, body='{{ contact.customProperties["plan"] }}', actor=HOUSE)
    assert [one.slug for one in readers_of("attribute:customProperties.plan")] == ["welcome"]
    join()
