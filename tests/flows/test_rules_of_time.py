"""Waiting by the clock on the wall, in the words of rules 4 and 5: nine o'clock where Mara lives."""

from datetime import UTC, datetime
from typing import Any

import pytest

from flows import services
from flows.models import Enrollment, Step
from tests.flows.conftest import STARTS, WELCOME, World, wait
from workspace.audit import HOUSE
from workspace.models import Workspace


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def until(**settings: Any) -> tuple[str, str, dict[str, Any]]:
    return "until", "wait_until", settings


def due(who: str) -> datetime | None:
    found: datetime | None = Enrollment.objects.get(contact__user_id=who).due_at
    return found


NINE = until(until="time", time="09:00")


def test_mara_in_new_york_and_ben_in_tokyo_each_get_the_mail_at_their_nine_o_clock(world: World) -> None:
    world.flow(STARTS, NINE, WELCOME)
    world.meets("mara", timezone="America/New_York")
    world.meets("ben", timezone="Asia/Tokyo")
    for who in ("mara", "ben"):
        world.does(who, "Signed Up")
    assert due("mara") == utc("2026-03-02T14:00")
    assert due("ben") == utc("2026-03-03T00:00")
    world.turn_clock(utc("2026-03-02T14:00"))
    world.settle()
    assert (len(world.mails("mara")), len(world.mails("ben"))) == (1, 0)


def test_whoever_has_no_zone_has_the_flows_and_else_the_houses(world: World) -> None:
    Workspace.objects.update_or_create(pk=1, defaults={"timezone": "Europe/Amsterdam"})
    world.flow(STARTS, NINE, WELCOME)
    world.does("mara", "Signed Up")
    assert due("mara") == utc("2026-03-03T08:00")
    world.flow(("start", "event", {"event_name": "Visited"}), NINE, WELCOME, timezone="Asia/Tokyo")
    world.does("ben", "Visited")
    assert due("ben") == utc("2026-03-03T00:00")


def test_only_on_weekdays(world: World) -> None:
    world.flow(STARTS, until(until="time", time="09:00", days=["mon", "tue", "wed", "thu", "fri"]), WELCOME)
    world.turn_clock(utc("2026-03-06T10:00"))  # a Friday
    world.does("mara", "Signed Up")
    assert due("mara") == utc("2026-03-09T09:00")


def test_three_days_before_the_renewal_at_nine(world: World) -> None:
    world.flow(
        STARTS,
        until(until="attribute", attribute="customProperties.renewal", offset="3d", direction="before", time="09:00"),
        WELCOME,
    )
    world.meets("mara", renewal="2026-03-20", timezone="Europe/Amsterdam")
    world.does("mara", "Signed Up")
    assert due("mara") == utc("2026-03-17T08:00")
    world.turn_clock(utc("2026-03-17T08:00"))
    world.settle()
    saw = Step.objects.get(node="until").saw
    assert (saw["zone"], saw["value"]) == ("Europe/Amsterdam", "2026-03-20")
    assert len(world.mails("mara")) == 1


def test_rule_24_a_date_that_is_past_passes_at_once(world: World) -> None:
    world.flow(STARTS, until(until="date", date="2026-03-01"), WELCOME)
    world.does("mara", "Signed Up")
    assert world.path("mara") == ["start", "until", "mail"]


def test_who_has_no_such_date_takes_the_way_of_their_own(world: World) -> None:
    renewal = until(until="attribute", attribute="customProperties.renewal")
    world.flow(STARTS, renewal, WELCOME, ("gone", "exit", {"reason": "no renewal"}), edges=(
        "start:next>until until:next>mail until:missing>gone"
    ))  # fmt: skip
    world.meets("mara", renewal="soon")
    world.does("mara", "Signed Up")
    world.does("ben", "Signed Up")
    assert [one[2] for who in ("mara", "ben") for one in world.journeys(who)] == ["no renewal"] * 2


def test_every_year_again_on_the_birthday(world: World) -> None:
    birthday = until(until="attribute", attribute="customProperties.born", yearly=True, time="08:00")
    flow = world.flow(STARTS, birthday, ("gift", "update_contact", {"changes": [
        {"attribute": "customProperties.gifts", "increment": 1}]}), edges="start:next>until until:next>gift gift:next>until",
    )  # fmt: skip
    assert flow.status == "running"


def test_a_loop_through_a_birthday_is_refused_when_it_could_pass_at_once(world: World) -> None:
    once = until(until="attribute", attribute="customProperties.born")
    drawn = world.drawn(STARTS, once, ("gift", "update_contact", {"changes": [
        {"attribute": "customProperties.gifts", "increment": 1}]}), edges="start:next>until until:next>gift gift:next>until",
    )  # fmt: skip
    with pytest.raises(Exception, match="loop has no wait"):
        services.activate(drawn, actor=HOUSE)


def test_rule_5_a_wait_not_yet_due_follows_a_changed_zone(world: World) -> None:
    world.flow(STARTS, NINE, WELCOME)
    world.meets("mara", timezone="Europe/Amsterdam")
    world.does("mara", "Signed Up")
    assert due("mara") == utc("2026-03-03T08:00")
    world.meets("mara", timezone="America/New_York")
    world.settle()
    assert due("mara") == utc("2026-03-02T14:00")
    assert world.mails("mara") == []


def test_rule_5_a_wait_not_yet_due_follows_a_changed_date(world: World) -> None:
    world.flow(STARTS, until(until="attribute", attribute="customProperties.renewal", time="09:00"), WELCOME)
    world.meets("mara", renewal="2026-03-20")
    world.does("mara", "Signed Up")
    world.meets("mara", renewal="2026-04-20")
    world.settle()
    assert due("mara") == utc("2026-04-20T09:00")


def test_f17_a_zone_that_changes_after_the_wait_never_fires_it_again(world: World) -> None:
    world.flow(STARTS, NINE, WELCOME, wait("30d", "rest"))
    world.meets("mara", timezone="Asia/Tokyo")
    world.does("mara", "Signed Up")
    world.turn_clock(utc("2026-03-03T00:00"))
    world.settle()
    for zone in ("America/New_York", "Europe/Amsterdam", "Asia/Tokyo"):
        world.meets("mara", timezone=zone)
        world.later("1h")
    world.later("7d")
    assert len(world.mails("mara")) == 1
    assert world.path("mara").count("until") == 1


def test_f15_a_clock_that_goes_back_delays_and_never_repeats(world: World) -> None:
    world.flow(STARTS, NINE, WELCOME)
    world.does("mara", "Signed Up")
    world.turn_clock(utc("2026-03-03T08:30"))
    world.settle()
    world.turn_clock(utc("2026-03-03T07:30"))
    world.settle()
    world.turn_clock(utc("2026-03-04T09:00"))  # forward a day
    world.settle()
    world.turn_clock(utc("2026-03-03T09:00"))
    world.settle()
    assert len(world.mails("mara")) == 1


@pytest.mark.parametrize(("mode", "expected"), [("hold_clock", "2026-03-03T09:00"), ("hold_due", "2026-03-03T09:00")])
def test_f28_a_pause_holds_no_clock_on_the_wall(world: World, mode: str, expected: str) -> None:
    flow = world.flow(STARTS, NINE, WELCOME)
    world.does("mara", "Signed Up")
    services.pause(flow, actor=HOUSE, mode=mode)
    world.later("3h")
    services.resume(flow, actor=HOUSE)
    assert due("mara") == utc(expected)  # nine stays nine


def test_f28_what_fell_due_in_a_pause_goes_on_when_it_ends(world: World) -> None:
    flow = world.flow(STARTS, NINE, WELCOME)
    world.does("mara", "Signed Up")
    services.pause(flow, actor=HOUSE)
    world.later("2d")
    assert world.mails("mara") == []
    services.resume(flow, actor=HOUSE)
    world.settle()
    assert len(world.mails("mara")) == 1


OFFICE = ("office", "time_window", {"opens": "09:00", "closes": "18:00", "days": ["mon", "tue", "wed", "thu", "fri"]})


def test_office_hours_let_mara_through_now_and_keep_ben_until_his_morning(world: World) -> None:
    world.flow(STARTS, OFFICE, WELCOME)
    world.meets("mara", timezone="Europe/Amsterdam")  # 13:00 there
    world.meets("ben", timezone="America/Los_Angeles")  # 04:00 there
    world.meets("cleo", timezone="Pacific/Auckland")  # 01:00 on Tuesday there
    for who in ("mara", "ben", "cleo"):
        world.does(who, "Signed Up")
    assert len(world.mails("mara")) == 1
    assert (due("ben"), due("cleo")) == (utc("2026-03-02T17:00"), utc("2026-03-02T20:00"))


def test_a_window_that_has_closed_again_when_the_worker_comes_late_waits_for_the_next(world: World) -> None:
    world.flow(STARTS, OFFICE, WELCOME)
    world.turn_clock(utc("2026-03-02T20:00"))
    world.does("mara", "Signed Up")
    world.turn_clock(utc("2026-03-03T19:00"))  # nobody worked all day
    world.settle()
    assert world.mails("mara") == []
    assert due("mara") == utc("2026-03-04T09:00")


def test_a_window_follows_a_changed_zone(world: World) -> None:
    world.flow(STARTS, OFFICE, WELCOME)
    world.meets("ben", timezone="America/Los_Angeles")
    world.does("ben", "Signed Up")
    world.meets("ben", timezone="Europe/Amsterdam")
    world.settle()
    assert len(world.mails("ben")) == 1
