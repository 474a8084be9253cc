"""When a flow begins, when it is over, and how many it takes."""

from datetime import timedelta

import pytest
from django.core import mail

from flows import limits, services
from flows.models import Enrollment, Flow
from messaging.noticing import mail_notices
from tests.flows.conftest import NOON, STARTS, WELCOME, World, wait
from workspace.audit import HOUSE
from workspace.models import Notice


def test_nobody_enters_before_the_flow_begins_and_those_who_come_then_do(world: World) -> None:
    world.flow(STARTS, wait("1h"), WELCOME, starts_at=(NOON + timedelta(days=1)).isoformat())
    world.does("mara", "Signed Up")
    assert world.refusals("mara") == ["not_started"]
    world.later("1d")
    world.does("ben", "Signed Up")
    assert len(world.journeys("ben")) == 1


def test_a_flow_drains_by_itself_when_it_is_over(world: World) -> None:
    flow = world.flow(STARTS, wait("2d"), WELCOME, ends_at=(NOON + timedelta(days=1)).isoformat())
    world.does("mara", "Signed Up")
    world.later("1d")
    world.does("ben", "Signed Up")
    assert world.refusals("ben") == ["over"]
    assert limits.keep() == 1
    flow.refresh_from_db()
    assert flow.status == Flow.Status.DRAINING
    world.later("1d")
    assert len(world.mails("mara")) == 1
    flow.refresh_from_db()
    assert flow.status == Flow.Status.ENDED


def test_a_ceiling_that_says_so_pauses_the_flow_and_tells_staff_once(
    world: World, admin_user: object, mailoutbox: list[mail.EmailMessage]
) -> None:
    flow = world.flow(STARTS, wait("2d"), WELCOME, ceilings={"daily": 2, "then": "pause"})
    for who in ("mara", "ben"):
        world.does(who, "Signed Up")
    assert limits.keep() == 0  # the ceiling is reached, nobody was turned away
    world.later("1s")
    world.does("zoe", "Signed Up")
    assert limits.keep() == 1
    assert limits.keep() == 0
    flow.refresh_from_db()
    assert flow.status == Flow.Status.PAUSED
    assert (mail_notices(), mail_notices()) == (1, 0)
    assert "more contacts wanted to enter than its ceiling allows" in mailoutbox[0].subject
    services.resume(flow, actor=HOUSE, settings={"ceilings": {"daily": 5, "then": "pause"}}, take_in=False)
    assert Notice.objects.get().settled_at is not None
    world.does("eli", "Signed Up")
    assert limits.keep() == 0
    assert Enrollment.objects.filter(contact__user_id="eli").exists()


def test_current_members_wait_until_the_flow_begins(world: World) -> None:
    segment = world.segment("gold", {"type": "PROPERTY", "propertyName": "firstName", "operator": "is_not_null"})
    world.meets("mara")
    world.settle()
    begins = (NOON + timedelta(days=1)).isoformat()
    world.flow(("start", "contact_segment", {"segment": segment.slug}), WELCOME, entry="both", starts_at=begins)
    world.settle()
    assert world.journeys("mara") == []
    world.later("1d")
    assert len(world.journeys("mara")) == 1


@pytest.mark.parametrize("then", ["refuse", None])
def test_a_ceiling_refuses_by_itself_and_lets_the_flow_run_on(world: World, then: str | None) -> None:
    flow = world.flow(STARTS, wait("2d"), WELCOME, ceilings={"total": 1, **({"then": then} if then else {})})
    world.does("mara", "Signed Up")
    world.does("ben", "Signed Up")
    assert (world.refusals("ben"), limits.keep()) == (["ceiling"], 0)
    flow.refresh_from_db()
    assert flow.status == Flow.Status.RUNNING
