"""A flow's own quiet hours, clock and frequency cap, before its messages go."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contacts.services import record_consent
from messaging import outbox
from messaging.models import Message
from tests.flows.conftest import STARTS, World, wait
from workspace.audit import HOUSE
from workspace.models import Workspace

OFFER = ("mail", "send_email", {"template": "offer"})
NIGHT = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
QUIET = {"from": "22:00", "to": "07:00"}


@pytest.fixture
def shop(world: World) -> World:
    world.template("offer")
    world.meets("mara")
    mara = world.contact("mara").pk
    record_consent(contact_id=mara, channel="email", status="subscribed", source="form", actor=HOUSE)
    record_consent(contact_id=mara, channel="email", topic="news", status="subscribed", source="form", actor=HOUSE)
    return world


def told(world: World, **settings: Any) -> Message:
    """Let Mara start at half past ten at night, and return her message after the outbox looked at it."""
    world.turn_clock(NIGHT)
    world.flow(STARTS, OFFER, **settings)
    world.does("mara", "Signed Up")
    outbox.deliver()
    return Message.objects.get()


def test_rule_39_a_flow_has_quiet_hours_of_its_own(shop: World) -> None:
    message = told(shop, quiet_hours=QUIET)
    assert (message.status, message.gate) == ("queued", "quiet hours")
    assert message.due_at == datetime(2026, 3, 3, 7, tzinfo=UTC)


def test_rule_39_quiet_hours_may_skip_the_message(shop: World) -> None:
    message = told(shop, quiet_hours={**QUIET, "then": "skip"})
    assert (message.status, message.gate) == ("refused", "quiet hours")


def test_a_flow_may_go_by_no_quiet_hours_though_the_house_has_some(shop: World) -> None:
    Workspace.objects.update(quiet_hours=QUIET)
    assert told(shop, ignore_quiet_hours=True).gate != "quiet hours"


def test_rule_3_quiet_hours_go_by_the_contacts_zone_else_the_flows_else_the_houses(shop: World) -> None:
    message = told(shop, quiet_hours=QUIET, timezone="America/New_York")  # half past five in the afternoon there
    assert message.gate != "quiet hours"


def test_a_flow_may_go_by_its_own_clock_for_everybody(shop: World) -> None:
    contact = shop.contact("mara")
    contact.timezone = "America/New_York"
    contact.save()
    message = told(shop, quiet_hours=QUIET, timezone="Europe/Lisbon", zone="flow")
    assert message.gate == "quiet hours"


@pytest.mark.parametrize(("cap_class", "gate"), [("counted", "frequency cap"), ("exempt", "")])
def test_a_flow_may_be_exempt_from_the_frequency_cap(shop: World, cap_class: str, gate: str) -> None:
    Workspace.objects.update(caps={"email": {"count": 1, "per": "1d"}})
    shop.flow(STARTS, wait("1h"), OFFER)
    shop.does("mara", "Signed Up")
    shop.later("1h")
    outbox.deliver()
    shop.flow(("start", "event", {"event_name": "Came Back"}), OFFER, cap_class=cap_class)
    shop.does("mara", "Came Back")
    outbox.deliver()
    assert Message.objects.order_by("-id").values_list("gate", flat=True)[0] == gate
