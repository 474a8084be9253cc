"""Changes to what runs wait for another person, where the workspace asks for that."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from flows import services
from flows.models import Flow
from tests.flows.conftest import STARTS, WELCOME, World, wait
from workspace import reviews
from workspace.approval import NeedsApproval
from workspace.audit import HOUSE, Actor
from workspace.filing import file_it
from workspace.models import Review, Workspace
from workspace.problems import Refused


@pytest.fixture
def asked(world: World) -> World:
    Workspace.objects.update(approvals={"flows": True})
    return world


def person(name: str) -> Actor:
    made = User.objects.create_superuser(name, f"{name}@example.com", "x")
    return Actor(user_id=made.pk)


def files(verb: Any, flow: Flow, actor: Actor, **said: Any) -> Review:
    """Return the review that a change was filed as."""
    with pytest.raises(NeedsApproval) as needed:
        verb(flow, actor=actor, **said)
    return file_it(needed.value)


def approve(review: Review, actor: Actor) -> None:
    reviews.approve(review, actor=actor)


def test_a_flow_is_activated_when_another_person_approves(asked: World) -> None:
    ann, ben = person("ann"), person("ben")
    flow = asked.drawn(STARTS, wait("1h"), WELCOME)
    review = files(services.activate, flow, ann, settings={"max_event_age": "2d"})
    flow.refresh_from_db()
    assert (flow.status, review.verb, review.kind) == ("draft", "activate", "flow")
    approve(review, ben)
    flow.refresh_from_db()
    assert (flow.status, flow.settings) == ("running", {"max_event_age": "2d"})


def test_a_draft_that_changed_since_is_not_published_by_an_old_approval(asked: World) -> None:
    ann, ben = person("ann"), person("ben")
    flow = asked.drawn(STARTS, wait("1h"), WELCOME)
    services.activate(flow, actor=HOUSE)
    services.drafts.change_node(flow, "wait", settings={"duration": "2h"})
    review = files(services.publish_flow, flow, ann, inside="move", waits=True)
    services.drafts.change_node(flow, "wait", settings={"duration": "9y"})
    with pytest.raises(Refused, match="The draft has changed since this was asked"):
        approve(review, ben)
    flow.refresh_from_db()
    assert flow.version is not None
    assert flow.version.number == 1


def test_a_faulty_flow_is_refused_at_once_and_no_review_is_filed(asked: World) -> None:
    flow = asked.drawn(STARTS, ("wait", "wait", {}), WELCOME)
    with pytest.raises(Refused):
        services.activate(flow, actor=person("ann"))
    assert not Review.objects.exists()


def test_running_on_as_before_needs_nobody_and_by_other_settings_somebody(asked: World) -> None:
    ann = person("ann")
    flow = asked.drawn(STARTS, wait("1h"), WELCOME)
    services.activate(flow, actor=HOUSE)
    services.pause(flow, actor=ann)
    review = files(services.resume, flow, ann, settings={"reentry": {"allowed": True, "after": "2d"}})
    assert review.verb == "resume"
    services.resume(flow, actor=ann)
    flow.refresh_from_db()
    assert flow.status == "running"


def test_rolling_back_waits_too_and_the_page_of_the_review_says_what_it_is(asked: World, admin_client: Any) -> None:
    ann, ben = person("ann"), person("ben")
    flow = asked.drawn(STARTS, wait("1h"), WELCOME)
    services.activate(flow, actor=HOUSE)
    services.drafts.change_node(flow, "wait", settings={"duration": "2h"})
    services.publish_flow(flow, actor=HOUSE)
    review = files(services.roll_back, flow, ann, version=1)
    page = admin_client.get(f"/reviews/{review.pk}/").content.decode()
    assert "Publish an old version again: version 1" in page
    approve(review, ben)
    flow.refresh_from_db()
    assert flow.version is not None
    assert flow.version.number == 3
