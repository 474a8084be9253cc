"""What starts a journey, told about people: lists, attributes, dates, schedules, other flows, and who is still in."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts import services as contacts
from contacts.models import Attribute
from flows import audiences, crank, drafts, joining, services
from flows.models import Entry
from flows.trigger_models import Mark
from tests.flows.conftest import WELCOME, World, property_is, wait
from workspace.audit import HOUSE
from workspace.models import Job, Workspace
from workspace.problems import Refused

Start = tuple[str, str, dict[str, Any]]


def start(kind: str, **settings: Any) -> Start:
    return "start", kind, settings


def put(world: World, slug: str, who: str, **more: Any) -> None:
    contacts.add_to_list(world.make_list(slug), [world.contact(who).pk], cause="data", at=world.at, **more)
    world.settle()


def take_off(world: World, slug: str, who: str) -> None:
    contacts.remove_from_list(world.make_list(slug), [world.contact(who).pk], cause="data", at=world.at)
    world.settle()


def said(world: World, who: str) -> dict[str, Any]:
    """Return what the newest journey of somebody remembers of what started it."""
    event: dict[str, Any] = world.contact(who).enrollments.order_by("-id")[0].context["trigger"]["event"]
    return event


def date(name: str, kind: str = "date") -> None:
    Attribute.objects.update_or_create(name=name, defaults={"type": kind, "declared": True})


# Lists ----------------------------------------------------------------------------------------------------------------


def test_mara_is_welcomed_when_she_is_put_on_the_newsletter_and_not_when_she_is_taken_off(world: World) -> None:
    world.make_list("newsletter")
    world.flow(start("list_added", list="newsletter"), WELCOME)
    world.meets("mara")
    put(world, "newsletter", "mara")
    assert len(world.journeys("mara")) == 1
    take_off(world, "newsletter", "mara")
    assert len(world.journeys("mara")) == 1


def test_ben_is_asked_why_when_he_is_taken_off_the_list(world: World) -> None:
    world.make_list("newsletter")
    world.flow(start("list_removed", list="newsletter"), WELCOME)
    world.meets("ben")
    put(world, "newsletter", "ben")
    assert world.journeys("ben") == []
    take_off(world, "newsletter", "ben")
    assert len(world.journeys("ben")) == 1


def test_rule_21_who_is_put_on_a_list_by_an_import_starts_nothing_unless_it_says_so(world: World) -> None:
    world.make_list("newsletter")
    world.flow(start("list_added", list="newsletter"), WELCOME)
    world.meets("mara", "ben")
    put(world, "newsletter", "mara", fires=False)
    put(world, "newsletter", "ben", fires=True)
    assert (world.refusals("mara"), len(world.journeys("ben"))) == (["silent"], 1)


# Attributes -----------------------------------------------------------------------------------------------------------


def plan(who: str, world: World, value: Any) -> None:
    world.meets(who, plan=value)
    world.settle()


def test_mara_who_upgrades_to_pro_is_thanked_and_ben_who_goes_to_team_is_not(world: World) -> None:
    world.flow(start("attribute_changed", attribute="customProperties.plan", becomes="pro"), WELCOME)
    for who, value in (("mara", "free"), ("ben", "free"), ("mara", "pro"), ("ben", "team")):
        plan(who, world, value)
    assert (len(world.journeys("mara")), world.journeys("ben")) == (1, [])
    assert (said(world, "mara")["was"], said(world, "mara")["becomes"]) == ("free", "pro")


def test_only_who_comes_from_a_trial_counts(world: World) -> None:
    world.flow(start("attribute_changed", attribute="customProperties.plan", was="trial", becomes="pro"), WELCOME)
    for who, first in (("mara", "trial"), ("ben", "free")):
        plan(who, world, first)
        plan(who, world, "pro")
    assert (len(world.journeys("mara")), world.journeys("ben")) == (1, [])


def test_saying_the_same_again_is_no_change(world: World) -> None:
    world.flow(
        start("attribute_changed", attribute="customProperties.plan"), WELCOME, reentry={"allowed": True, "after": "1h"}
    )
    for value in ("pro", "pro"):
        plan("mara", world, value)
        world.later("2h")
    assert len(world.journeys("mara")) == 1


def test_two_changes_that_came_at_once_are_two_reasons(world: World) -> None:
    """Between two looks of the engine she went to pro and back to free: both changes count."""
    world.flow(start("attribute_changed", attribute="customProperties.plan", becomes="pro"), WELCOME)
    plan("mara", world, "free")
    world.meets("mara", plan="pro")
    world.meets("mara", plan="free")
    world.settle()
    assert len(world.journeys("mara")) == 1


@pytest.mark.parametrize(("how", "whom"), [("filled", "mara"), ("cleared", "ben")])
def test_a_value_that_comes_or_goes(world: World, how: str, whom: str) -> None:
    plan("ben", world, "pro")
    world.flow(start("attribute_changed", attribute="customProperties.plan", how=how), WELCOME)
    plan("mara", world, "pro")
    plan("ben", world, None)
    assert [who for who in ("mara", "ben") if world.journeys(who)] == [whom]


def test_a_standard_attribute_and_one_within_another(world: World) -> None:
    world.flow(start("attribute_changed", attribute="city", becomes="Delft"), WELCOME)
    world.flow(start("attribute_changed", attribute="customProperties.car.color", was="red"), wait("1d"))
    world.meets("mara", city="Gouda", car={"color": "red", "seats": 4})
    world.settle()
    world.meets("mara", city="Delft", car={"color": "red", "seats": 5})
    world.settle()
    assert world.path("mara") == ["start", "mail"]
    world.meets("mara", car={"color": "blue", "seats": 5})
    world.settle()
    assert len(world.journeys("mara")) == 2


def test_true_is_not_1_and_1_is_1_point_0(world: World) -> None:
    world.flow(start("attribute_changed", attribute="customProperties.level", becomes=1), WELCOME)
    for who, value in (("mara", True), ("ben", 1.0)):
        world.meets(who, level=value)
    world.settle()
    assert (world.journeys("mara"), len(world.journeys("ben"))) == ([], 1)


def test_a_change_made_by_another_flow_starts_this_one(world: World) -> None:
    change = ("set", "update_contact", {"changes": [{"attribute": "customProperties.stage", "set": "won"}]})
    world.flow(("start", "event", {"event_name": "Signed Up"}), change)
    world.flow(start("attribute_changed", attribute="customProperties.stage", becomes="won"), WELCOME)
    world.does("mara", "Signed Up")
    assert len(world.mails("mara")) == 1


def test_the_filter_may_name_what_the_attribute_was(world: World) -> None:
    was_free = {
        "type": "PROPERTY",
        "propertyName": "customProperties.before",
        "operator": "=",
        "value": {"trigger": "was"},
    }
    world.flow(start("attribute_changed", attribute="customProperties.plan", filter=was_free), WELCOME)
    world.meets("mara", plan="free", before="free")
    world.meets("ben", plan="team", before="free")
    world.settle()
    for who in ("mara", "ben"):
        plan(who, world, "pro")
    assert (len(world.journeys("mara")), world.refusals("mara")[:1], len(world.journeys("ben"))) == (1, ["filter"], 0)


# Dates of the contact -------------------------------------------------------------------------------------------------


def test_mara_is_congratulated_at_nine_in_the_morning_where_she_lives(world: World) -> None:
    date("birthday")
    world.flow(start("date_attribute", attribute="customProperties.birthday", yearly=True, time="09:00"), WELCOME)
    world.meets("mara", birthday="1990-03-03", timezone="Asia/Tokyo")
    world.meets("ben", birthday="1985-03-03", timezone="America/New_York")
    world.settle()
    world.turn_clock(datetime(2026, 3, 2, 23, 59, tzinfo=UTC))
    world.settle()
    assert world.journeys("mara") == []
    world.turn_clock(datetime(2026, 3, 3, 0, 1, tzinfo=UTC))  # 09:01 in Tokyo
    world.settle()
    assert (len(world.journeys("mara")), world.journeys("ben")) == (1, [])
    world.turn_clock(datetime(2026, 3, 3, 14, 1, tzinfo=UTC))  # 09:01 in New York
    world.settle()
    assert (len(world.journeys("mara")), len(world.journeys("ben"))) == (1, 1)


def test_a_birthday_comes_every_year_and_one_of_29_february_on_the_28th_rule_4(world: World) -> None:
    date("birthday")
    world.flow(start("date_attribute", attribute="customProperties.birthday", yearly=True, time="09:00"), WELCOME)
    world.meets("lea", birthday="2000-02-29", timezone="UTC")
    entered = []
    for year, day in ((2027, 28), (2028, 28), (2028, 29)):
        world.turn_clock(datetime(year, 2, day, 9, 1, tzinfo=UTC))
        world.settle()
        entered.append(len(world.journeys("lea")))
    assert entered == [1, 1, 2]


@pytest.mark.parametrize(("when", "days"), [("before", -3), ("on", 0), ("after", 3)])
def test_a_renewal_is_announced_before_on_or_after_it(world: World, when: str, days: int) -> None:
    date("renews")
    offset = {} if when == "on" else {"offset": "3d"}
    world.flow(start("date_attribute", attribute="customProperties.renews", when=when, time="10:00", **offset), WELCOME)
    world.meets("mara", renews="2026-04-10", timezone="UTC")
    due = datetime(2026, 4, 10, 10, tzinfo=UTC) + timedelta(days=days)
    for at in (due - timedelta(minutes=2), due + timedelta(minutes=1)):
        world.turn_clock(at)
        world.settle()
        assert len(world.journeys("mara")) == (at > due)
    assert said(world, "mara")["date"] == "2026-04-10"


def test_two_hours_before_an_appointment_at_the_instant_itself(world: World) -> None:
    date("appointment", "datetime")
    reminder = start("date_attribute", attribute="customProperties.appointment", when="before", offset="2h", time="")
    world.flow(reminder, WELCOME)
    world.meets("mara", appointment="2026-03-02T18:00:00+01:00", timezone="Asia/Tokyo")
    world.turn_clock(datetime(2026, 3, 2, 14, 58, tzinfo=UTC))
    world.settle()
    assert world.journeys("mara") == []
    world.turn_clock(datetime(2026, 3, 2, 15, 1, tzinfo=UTC))
    world.settle()
    assert len(world.journeys("mara")) == 1


def test_a_date_that_is_moved_before_it_comes_fires_at_the_new_one_only(world: World) -> None:
    date("renews")
    world.flow(start("date_attribute", attribute="customProperties.renews", time="10:00"), WELCOME)
    world.meets("mara", renews="2026-03-10", timezone="UTC")
    world.settle()
    world.meets("mara", renews="2026-03-12")
    entered = []
    for day in (10, 12):
        world.turn_clock(datetime(2026, 3, day, 10, 2, tzinfo=UTC))
        world.settle()
        entered.append(len(world.journeys("mara")))
    assert entered == [0, 1]


def test_a_date_told_late_on_its_own_day_still_counts_one_long_past_does_not(world: World) -> None:
    date("renews")
    world.flow(start("date_attribute", attribute="customProperties.renews", time="09:00"), WELCOME)
    world.turn_clock(datetime(2026, 3, 5, 12, tzinfo=UTC))
    world.settle()
    world.meets("mara", renews="2026-03-05", timezone="UTC")
    world.meets("ben", renews="2026-02-05", timezone="UTC")
    world.settle()
    assert (len(world.journeys("mara")), world.journeys("ben")) == (1, [])
    assert Entry.objects.filter(contact__user_id="ben").count() == 0


def test_a_date_before_the_activation_starts_nobody(world: World) -> None:
    date("renews")
    world.meets("mara", renews="2026-03-02", timezone="UTC")
    world.flow(start("date_attribute", attribute="customProperties.renews", time="09:00"), WELCOME)
    world.later("2h")
    world.meets("mara", city="Delft", timezone="Europe/London")
    world.settle()
    assert world.journeys("mara") == []


def test_moving_to_another_zone_neither_loses_nor_doubles_the_day(world: World) -> None:
    date("renews")
    world.flow(start("date_attribute", attribute="customProperties.renews", time="09:00"), WELCOME)
    world.meets("mara", "ben", renews="2026-03-05", timezone="America/New_York")
    world.turn_clock(datetime(2026, 3, 5, 10, 0, tzinfo=UTC))  # 05:00 in New York, 19:00 in Tokyo
    world.settle()
    world.meets("mara", timezone="Asia/Tokyo")  # her 09:00 lies behind the clock now
    world.settle()
    assert (len(world.journeys("mara")), world.journeys("ben")) == (1, [])
    world.turn_clock(datetime(2026, 3, 5, 14, 5, tzinfo=UTC))
    world.settle()
    world.meets("mara", "ben", timezone="America/Los_Angeles")
    world.later("8h")
    assert (len(world.journeys("mara")), len(world.journeys("ben"))) == (1, 1)
    assert world.refusals("mara") == world.refusals("ben") == []


@pytest.mark.parametrize(
    ("day", "time", "instant"),
    [
        ("2026-03-29", "02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # does not exist: 03:30, by the gap
        ("2026-10-25", "02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # twice: the first
        ("2026-10-25", "03:30", datetime(2026, 10, 25, 2, 30, tzinfo=UTC)),
    ],
)
def test_rule_4_a_time_that_does_not_exist_or_exists_twice(
    world: World, day: str, time: str, instant: datetime
) -> None:
    date("renews")
    world.flow(start("date_attribute", attribute="customProperties.renews", time=time), WELCOME)
    world.meets("mara", renews=day, timezone="Europe/Amsterdam")
    entered = []
    for at in (instant - timedelta(minutes=3), instant + timedelta(minutes=1)):
        world.turn_clock(at)
        world.settle()
        entered.append(len(world.journeys("mara")))
    assert entered == [0, 1]


def test_a_contact_without_a_zone_lives_in_the_flows_else_in_the_workspaces(world: World) -> None:
    Workspace.objects.update(timezone="America/New_York")
    date("renews")
    trigger = start("date_attribute", attribute="customProperties.renews", time="09:00")
    world.flow(trigger, WELCOME)
    world.flow(trigger, wait("1d"), timezone="Asia/Tokyo")
    world.meets("mara", renews="2026-03-05")
    world.turn_clock(datetime(2026, 3, 5, 0, 5, tzinfo=UTC))
    world.settle()
    assert world.mails("mara") == []
    assert len(world.journeys("mara")) == 1
    world.turn_clock(datetime(2026, 3, 5, 14, 5, tzinfo=UTC))
    world.settle()
    assert len(world.mails("mara")) == 1


def test_three_days_after_a_contact_was_made(world: World) -> None:
    world.flow(start("date_attribute", attribute="createdAt", when="after", offset="3d", time=""), WELCOME)
    world.meets("mara")
    world.later("71h")
    assert world.journeys("mara") == []
    world.later("62m")
    assert len(world.journeys("mara")) == 1


def test_dates_that_fell_due_while_the_flow_was_paused_can_be_taken_in(world: World) -> None:
    date("renews")
    flow = world.flow(start("date_attribute", attribute="customProperties.renews", time="09:00"), WELCOME)
    world.meets("mara", renews="2026-03-05", timezone="UTC")
    world.settle()
    services.pause(flow, actor=HOUSE)
    world.turn_clock(datetime(2026, 3, 5, 9, 30, tzinfo=UTC))
    world.settle()
    assert (world.journeys("mara"), world.refusals("mara")) == ([], ["paused"])
    services.resume(flow, actor=HOUSE, take_in=True)
    world.settle()
    assert len(world.journeys("mara")) == 1


def test_an_hour_of_silence_is_made_up_for_and_a_second_pass_finds_nothing(world: World) -> None:
    date("renews")
    flow = world.flow(start("date_attribute", attribute="customProperties.renews", time="09:00"), WELCOME)
    world.meets(*(f"p{n}" for n in range(7)), renews="2026-03-05", timezone="UTC")
    world.settle()
    world.turn_clock(datetime(2026, 3, 5, 10, 0, tzinfo=UTC))
    world.settle()
    assert Entry.objects.filter(source_kind="date").count() == 7
    Mark.objects.filter(flow=flow).update(at=datetime(2026, 3, 5, 8, tzinfo=UTC))  # as if the pass had not been noted
    world.settle()
    assert Entry.objects.filter(source_kind="date").count() == 7


# Schedules ------------------------------------------------------------------------------------------------------------


def test_every_monday_at_nine_the_pros_are_taken_in_each_once(world: World) -> None:
    world.segment("pros", property_is("customProperties.plan", "pro"))
    world.meets("mara", plan="pro")
    world.meets("ben", plan="free")
    world.settle()
    monday = start("schedule", starts="2026-03-09T09:00", repeat="FREQ=WEEKLY;BYDAY=MO", segment="pros")
    world.flow(monday, WELCOME)
    entered = []
    for at in ((9, 8, 59), (9, 9, 1), (9, 9, 5), (16, 9, 1)):
        world.turn_clock(datetime(2026, 3, *at, tzinfo=UTC))
        world.settle()
        entered.append(len(world.journeys("mara")))
    assert entered == [0, 1, 1, 2]
    assert world.journeys("ben") == []
    assert Job.objects.filter(kind=audiences.MEMBERS, status="done").count() == 2


def test_a_date_in_the_flows_zone_for_all_who_match(world: World) -> None:
    world.meets("mara", plan="pro")
    world.meets("ben", plan="free")
    pros = property_is("customProperties.plan", "pro")
    world.flow(start("schedule", starts="2026-03-09T09:00", audience=pros), WELCOME, timezone="America/New_York")
    world.turn_clock(datetime(2026, 3, 9, 12, 59, tzinfo=UTC))
    world.settle()
    assert world.journeys("mara") == []
    world.turn_clock(datetime(2026, 3, 9, 13, 1, tzinfo=UTC))
    world.settle()
    assert (len(world.journeys("mara")), world.journeys("ben")) == (1, [])
    assert Mark.objects.count() == 0


def test_of_dates_missed_by_a_silence_the_newest_is_made_up_for(world: World) -> None:
    world.meets("mara")
    everyone = {"type": "EVERYONE"}
    world.flow(start("schedule", starts="2026-03-03T09:00", repeat="FREQ=DAILY", audience=everyone), WELCOME)
    world.turn_clock(datetime(2026, 3, 8, 11, tzinfo=UTC))
    world.settle()
    assert list(Entry.objects.values_list("source_kind", "source_id")) == [("schedule", "2026-03-08T09:00:00Z")]


def test_a_schedule_that_was_changed_does_not_make_up_for_dates_of_the_new_one(world: World) -> None:
    everyone = {"type": "EVERYONE"}
    flow = world.flow(
        start("schedule", starts="2026-03-02T13:00", repeat="FREQ=WEEKLY", audience=everyone), wait("1h"), WELCOME
    )
    world.meets("mara")
    world.turn_clock(datetime(2026, 3, 5, 12, tzinfo=UTC))
    world.settle()

    settings = {"starts": "2026-03-02T11:30", "repeat": "FREQ=DAILY", "audience": everyone}
    drafts.change_node(flow, "start", settings=settings)
    services.publish_flow(flow, actor=HOUSE)
    world.settle()
    before = Entry.objects.count()
    world.turn_clock(datetime(2026, 3, 6, 11, 31, tzinfo=UTC))
    world.settle()
    assert Entry.objects.count() == before + 1


def test_while_a_flow_is_paused_its_dates_pass_by(world: World) -> None:
    world.meets("mara")
    flow = world.flow(
        start("schedule", starts="2026-03-03T09:00", repeat="FREQ=DAILY", audience={"type": "EVERYONE"}), WELCOME
    )
    services.pause(flow, actor=HOUSE)
    world.turn_clock(datetime(2026, 3, 3, 9, 1, tzinfo=UTC))
    world.settle()
    services.resume(flow, actor=HOUSE)
    world.settle()
    assert world.journeys("mara") == []


# Another flow ---------------------------------------------------------------------------------------------------------


def test_who_completed_the_welcome_is_asked_for_an_opinion_who_left_it_is_not(world: World) -> None:
    welcome = world.flow(("start", "event", {"event_name": "Signed Up"}), wait("1d"))
    asks = start("flow_finished", flow=welcome.slug, outcome="completed")
    world.flow(asks, WELCOME)
    world.does("mara", "Signed Up", source="shop")
    world.does("ben", "Signed Up")
    services.exit_enrollments([world.contact("ben").enrollments.get().pk], actor=HOUSE)
    world.later("1d")
    assert (len(world.mails("mara")), world.mails("ben")) == (1, [])
    assert (said(world, "mara")["outcome"], said(world, "mara")["source"]) == ("completed", "shop")


def test_who_reached_the_goal_starts_by_its_reason(world: World) -> None:
    bought = {"type": "EVENT", "eventName": "Order Completed"}
    welcome = world.flow(("start", "event", {"event_name": "Signed Up"}), wait("1d"), goal=bought)
    world.flow(start("flow_finished", flow=welcome.slug, outcome="exited", reason="goal"), WELCOME)
    for who in ("mara", "ben"):
        world.does(who, "Signed Up")
    world.does("mara", "Order Completed")
    services.exit_enrollments([world.contact("ben").enrollments.get().pk], actor=HOUSE)
    world.settle()
    assert (len(world.mails("mara")), world.mails("ben")) == (1, [])


def test_a_contact_who_is_erased_starts_nothing_by_leaving(world: World) -> None:
    welcome = world.flow(("start", "event", {"event_name": "Signed Up"}), wait("1d"))
    world.flow(start("flow_finished", flow=welcome.slug), WELCOME)
    world.does("mara", "Signed Up")
    mara = world.contact("mara")
    contacts.erase_contact(contact=mara, actor=HOUSE)
    world.settle()
    assert list(mara.enrollments.values_list("reason", flat=True)) == ["contact erased"]


def test_f49_two_flows_that_start_each_other_stop_by_the_loop_guard(world: World) -> None:
    again = {"reentry": {"allowed": True, "after": "1h"}}
    first = world.drawn(start("manual"), WELCOME)
    second = world.drawn(start("flow_finished", flow=first.slug), WELCOME)
    services.activate(second, actor=HOUSE, settings=again)

    document = drafts.document(first)
    document["nodes"][0] |= {"kind": "flow_finished", "settings": {"flow": second.slug}}
    drafts.replace_draft(first, document)
    services.activate(first, actor=HOUSE, settings=again)
    world.meets("mara")
    services.enrol(first, contact_ids=[world.contact("mara").pk], actor=HOUSE)
    world.settle()
    for _ in range(30):
        world.later("1h")
    assert 2 <= len(world.journeys("mara")) <= 3
    assert set(world.refusals("mara")) <= {"gap", "loop"}


def test_a_flow_cannot_start_itself_by_ending(world: World) -> None:
    flow = world.drawn(start("flow_finished", flow="flow-0"), WELCOME)
    with pytest.raises(Refused, match="start itself"):
        services.activate(flow, actor=HOUSE)


# Still in (rule 19) ---------------------------------------------------------------------------------------------------


def test_rule_19_who_is_still_in_when_the_delay_ends_enters_again_and_who_left_does_not(world: World) -> None:
    world.segment("idle", property_is("customProperties.idle", True))
    world.flow(start("contact_segment", segment="idle", or_still_in_after="30d"), WELCOME)
    world.meets("mara", "ben", idle=True)
    world.settle()
    world.later("20d")
    world.meets("ben", idle=False)
    world.settle()
    assert (len(world.journeys("mara")), len(world.journeys("ben"))) == (1, 1)
    world.later("10d")
    assert (len(world.journeys("mara")), len(world.journeys("ben"))) == (2, 1)
    world.later("30d")
    assert len(world.journeys("mara")) == 3
    assert world.refusals("ben") == ["no_longer_so"]


def test_rule_19_a_member_for_whom_the_filter_did_not_hold_is_asked_again_after_another_delay(world: World) -> None:
    world.segment("idle", property_is("customProperties.idle", True))
    pro = property_is("customProperties.plan", "pro")
    world.flow(start("contact_segment", segment="idle", or_still_in_after="1d", filter=pro), WELCOME)
    world.meets("mara", idle=True, plan="pro")
    world.settle()
    world.meets("mara", plan="free")
    world.later("1d")
    assert (len(world.journeys("mara")), world.refusals("mara")) == (1, ["filter"])
    world.meets("mara", plan="pro")
    world.later("1d")
    assert len(world.journeys("mara")) == 2


@pytest.mark.parametrize("delay", ["59m", "366d", "0h", "x", "1y"])
def test_the_delay_of_who_is_still_in_is_from_an_hour_to_365_days(world: World, delay: str) -> None:
    with pytest.raises(Refused):
        world.drawn(start("contact_segment", segment="idle", or_still_in_after=delay), WELCOME)


# By hand --------------------------------------------------------------------------------------------------------------


def test_a_whole_segment_is_enrolled_by_hand_in_chunks_each_once(world: World) -> None:
    world.segment("pros", property_is("customProperties.plan", "pro"))
    people = [f"p{n}" for n in range(12)]
    world.meets(*people, plan="pro")
    world.settle()
    flow = world.flow(start("manual"), wait("1d"))
    job = services.enrol_segment(flow, segment="pros", actor=HOUSE)
    looked = [audiences.take(5) for _ in range(4)]
    job.refresh_from_db()
    assert (looked, job.status, job.done, job.total) == ([5, 5, 2, 0], "done", 12, 12)
    assert all(len(world.journeys(who)) == 1 for who in people)


def test_enrolling_a_segment_can_be_cancelled_and_who_is_in_stays_in(world: World) -> None:
    world.segment("pros", property_is("customProperties.plan", "pro"))
    world.meets(*(f"p{n}" for n in range(12)), plan="pro")
    world.settle()
    flow = world.flow(start("manual"), wait("1d"))
    job = services.enrol_segment(flow, segment="pros", actor=HOUSE)
    audiences.take(5)
    audiences.cancel(job)
    world.settle()
    job.refresh_from_db()
    assert (job.status, job.done, Entry.objects.count()) == ("cancelled", 5, 5)


def test_a_flow_with_another_trigger_takes_in_by_hand_too_and_its_filter_is_asked(world: World) -> None:
    pro = property_is("customProperties.plan", "pro")
    flow = world.flow(("start", "event", {"event_name": "Signed Up", "filter": pro}), wait("1d"))
    world.meets("mara", plan="pro")
    world.meets("ben")
    refused = services.enrol(flow, contact_ids=[world.contact(who).pk for who in ("mara", "ben")], actor=HOUSE)
    assert list(refused.values()) == ["filter"]


# Marks ----------------------------------------------------------------------------------------------------------------


def test_only_running_flows_whose_trigger_is_times_have_a_mark(world: World) -> None:
    date("renews")
    flow = world.flow(start("date_attribute", attribute="customProperties.renews"), wait("1d"))
    world.flow(start("manual"), wait("1d"))
    assert list(Mark.objects.values_list("flow", flat=True)) == [flow.pk]
    services.drain(flow, actor=HOUSE)
    assert Mark.objects.count() == 0


def test_nothing_is_asked_of_flows_whose_minute_is_not_over(world: World) -> None:
    date("renews")
    world.flow(start("date_attribute", attribute="customProperties.renews"), wait("1d"))
    world.later("2m")
    at = Mark.objects.get().at
    assert at == world.at
    world.turn_clock(world.at + timedelta(seconds=30))
    crank.turn_once()
    assert Mark.objects.get().at == at
    assert joining.ask_again() == 0
