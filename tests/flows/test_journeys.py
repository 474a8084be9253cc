"""Journeys that events start: in, through and out, in the words of the rules."""

from typing import Any

import pytest
from django.db import connection

from contacts import changes
from contacts.models import Change
from contacts.services import erase_contact
from flows import intake, runner, services, speaking, stats
from flows.models import Enrollment, Entry, Step
from messaging.models import Message
from tests.flows.conftest import STARTS, WELCOME, World, property_is, wait
from workspace.audit import HOUSE
from workspace.problems import Refused


def test_mara_signs_up_and_gets_the_welcome_mail_after_the_wait(world: World) -> None:
    world.flow(STARTS, wait("1d"), WELCOME)
    world.does("mara", "Signed Up")
    assert world.journeys("mara") == [("active", "wait", "")]
    world.later("23h")
    assert world.mails("mara") == []
    world.later("1h")
    assert world.mails("mara") == [("queued", "Welcome")]
    assert world.journeys("mara") == [("completed", "mail", "")]
    assert world.path("mara") == ["start", "wait", "mail"]


def test_rule_5_a_waits_due_moment_is_fixed_on_arrival(world: World) -> None:
    flow = world.flow(STARTS, wait("1d"), WELCOME)
    world.does("mara", "Signed Up")
    due = Enrollment.objects.get().due_at
    services.drafts.change_node(flow, "wait", settings={"duration": "1h"})
    services.publish_flow(flow, actor=HOUSE)
    world.later("2h")
    assert Enrollment.objects.get().due_at == due


def test_rule_17_the_same_event_enrolls_once_however_often_it_is_looked_at(world: World) -> None:
    flow = world.flow(STARTS, WELCOME, reentry={"allowed": True, "after": "1h"})
    world.did("mara", "Signed Up")
    again = Change.objects.filter(stage=2, fact="event:Signed Up").values().get()
    world.settle()
    world.turn_clock(world.at.replace(hour=20))
    Change.objects.create(**again)
    world.settle()
    assert Entry.objects.filter(flow=flow).count() == 1


def test_rule_17_the_trigger_filter_is_asked_after_all_facts_of_the_batch_are_stored(world: World) -> None:
    pro = property_is("customProperties.plan", "pro")
    world.flow(("start", "event", {"event_name": "Signed Up", "filter": pro}), WELCOME)
    world.did("mara", "Signed Up")
    world.meets("mara", plan="pro")
    world.does("ben", "Signed Up")
    assert len(world.journeys("mara")) == 1
    assert world.refusals("ben") == ["filter"]


def test_an_event_trigger_takes_only_events_whose_properties_match(world: World) -> None:
    dear = {"operator": "AND", "conditions": [{"propertyName": "total", "operator": ">", "value": 50}]}
    world.flow(("start", "event", {"event_name": "Order Completed", "where": dear}), WELCOME)
    world.does("mara", "Order Completed", total=20)
    world.does("mara", "Order Completed", total=80)
    world.does("ben", "Order Completed", total="80")
    assert len(world.journeys("mara")) == 1
    assert (world.journeys("ben"), world.refusals("ben")) == ([], [])


def test_rule_18_one_journey_per_order_number(world: World) -> None:
    world.flow(("start", "event", {"event_name": "Order Completed", "entry_key": "orderId"}), wait("1d"), WELCOME)
    for order in ("A-1", "A-2", "A-1"):
        world.does("mara", "Order Completed", orderId=order)
    assert sorted(Enrollment.objects.values_list("entry_key", flat=True)) == ["A-1", "A-2"]
    assert world.refusals("mara") == ["already_inside"]


def test_rule_19_who_left_does_not_enter_again_by_default(world: World) -> None:
    world.flow(STARTS, WELCOME)
    world.does("mara", "Signed Up")
    world.later("30d")
    world.does("mara", "Signed Up")
    assert world.refusals("mara") == ["no_reentry"]


def test_rule_19_who_is_refused_only_for_the_gap_is_asked_again_when_it_ends(world: World) -> None:
    world.flow(STARTS, WELCOME, reentry={"allowed": True, "after": "2h"})
    world.does("mara", "Signed Up")
    world.later("1h")
    world.does("mara", "Signed Up", nth=2)
    assert world.refusals("mara") == ["gap"]
    world.later("59m")
    assert len(world.journeys("mara")) == 1
    world.later("1m")
    assert len(world.journeys("mara")) == 2
    assert Enrollment.objects.latest("id").context["trigger"]["event"]["nth"] == 2


def test_rule_20_a_restart_ends_the_old_journey_and_begins_a_new_one_at_once(world: World) -> None:
    vip = property_is("customProperties.tier", "vip")
    world.flow(STARTS, wait("10d"), WELCOME, restart_when=vip)
    world.meets("mara")
    world.does("mara", "Signed Up")
    world.later("1d")
    world.meets("mara", tier="vip")
    world.settle()
    assert [status for status, _, _ in world.journeys("mara")] == ["restarted", "active"]
    world.meets("mara", tier="vip", city="Utrecht")
    world.settle()
    assert len(world.journeys("mara")) == 2  # it stays true: not again
    world.meets("mara", tier="none")
    world.settle()
    world.meets("mara", tier="vip")
    world.settle()
    assert [status for status, _, _ in world.journeys("mara")] == ["restarted", "restarted", "active"]


def test_rule_22_erasing_a_contact_ends_the_journey_and_withdraws_what_was_not_said(world: World) -> None:
    world.flow(STARTS, WELCOME, wait("1d"))
    world.meets("mara")
    world.does("mara", "Signed Up")
    erase_contact(contact=world.contact("mara"), actor=HOUSE)
    world.settle()
    assert Enrollment.objects.values_list("status", "reason").get() == ("exited", "contact erased")
    assert Message.objects.get().status == "refused"


def test_rule_22_a_merge_keeps_the_older_journey(world: World) -> None:
    world.flow(STARTS, wait("10d"), WELCOME)
    world.meets("mara", "mary")
    world.does("mary", "Signed Up")
    world.later("1d")
    world.does("mara", "Signed Up")
    mara, mary = world.contact("mara"), world.contact("mary")
    mary.merged_into = mara
    mary.save()
    Change.objects.create(contact=mary, fact="contact", cause="merged", at=world.at, stage=2)
    world.settle()
    assert sorted(Enrollment.objects.values_list("contact_id", "status", "reason")) == [
        (mara.pk, "active", ""),
        (mara.pk, "exited", "merged"),
    ]
    assert Enrollment.objects.get(status="active").entered_at < Enrollment.objects.get(status="exited").entered_at


def test_rule_23_an_exit_condition_is_asked_when_its_fact_changes(world: World) -> None:
    world.flow(STARTS, wait("2d"), WELCOME, exit_when={"type": "EVENT", "eventName": "Order Completed"})
    world.does("mara", "Signed Up")
    world.does("mara", "Order Completed")
    assert world.journeys("mara") == [("exited", "wait", "exit condition")]
    world.later("3d")
    assert world.mails("mara") == []


def test_rule_23_an_exit_condition_is_asked_again_just_before_every_message(world: World) -> None:
    world.flow(STARTS, wait("2d"), WELCOME, exit_when={"type": "EVENT", "eventName": "Order Completed"})
    world.does("mara", "Signed Up")
    world.turn_clock(world.at.replace(day=5))
    world.did("mara", "Order Completed")
    Change.objects.all().delete()  # the fact is there, but nobody was told
    world.settle()
    assert world.journeys("mara") == [("exited", "mail", "exit condition")]
    assert world.mails("mara") == []


def test_rule_23_an_exit_condition_that_time_makes_true_is_found_by_the_clock(world: World) -> None:
    silent = {"type": "EVENT", "eventName": "Visit", "window": {"last": "2d"}, "negate": True}
    world.flow(STARTS, wait("9d"), WELCOME, exit_when=silent)
    world.did("mara", "Visit")
    world.does("mara", "Signed Up")
    world.later("1d")
    assert world.journeys("mara") == [("active", "wait", "")]
    world.later("25h")
    assert world.journeys("mara") == [("exited", "wait", "exit condition")]


def test_who_meets_the_exit_condition_already_does_not_enter(world: World) -> None:
    world.flow(STARTS, WELCOME, exit_when={"type": "EVENT", "eventName": "Order Completed"})
    world.did("mara", "Order Completed")
    world.does("mara", "Signed Up")
    assert world.refusals("mara") == ["exit_condition"]


def test_the_goal_ends_the_journey(world: World) -> None:
    world.flow(STARTS, wait("2d"), WELCOME, goal={"type": "EVENT", "eventName": "Order Completed"})
    world.does("mara", "Signed Up")
    world.does("mara", "Order Completed")
    assert world.journeys("mara") == [("exited", "wait", "goal")]


SPLIT: dict[str, Any] = {
    "branches": [
        {"port": "vip", "criteria": property_is("customProperties.tier", "vip")},
        {"port": "dutch", "criteria": property_is("country", "NL")},
    ]
}


def test_rule_25_a_split_takes_the_first_branch_that_holds(world: World) -> None:
    for slug in ("a", "b", "c"):
        world.make_list(slug)
    world.flow(
        STARTS,
        ("split", "split", SPLIT),
        *[(slug, "add_to_list", {"list": slug}) for slug in ("a", "b", "c")],
        edges="start:next>split split:vip>a split:dutch>b split:else>c",
    )
    world.meets("mara", tier="vip", country="NL")
    world.meets("ben", country="NL")
    world.meets("zoe")
    for who in ("mara", "ben", "zoe"):
        world.did(who, "Signed Up")
    world.settle()
    assert [world.listed(slug) for slug in ("a", "b", "c")] == [["mara"], ["ben"], ["zoe"]]
    assert Step.objects.get(node="split", port="vip").saw == {"held": ["dutch", "vip"]}


def test_an_update_is_seen_by_the_split_behind_it(world: World) -> None:
    world.make_list("a")
    world.flow(
        STARTS,
        ("set", "update_contact", {"changes": [{"attribute": "customProperties.tier", "set": "vip"}]}),
        ("split", "split", SPLIT),
        ("a", "add_to_list", {"list": "a"}),
        edges="start:next>set set:next>split split:vip>a",
    )
    world.does("mara", "Signed Up")
    assert world.listed("a") == ["mara"]
    assert world.contact("mara").attributes["tier"] == "vip"


def test_lists_are_added_to_and_removed_from(world: World) -> None:
    world.make_list("new")
    world.flow(STARTS, ("on", "add_to_list", {"list": "new"}), wait("1d"), ("off", "remove_from_list", {"list": "new"}))
    world.does("mara", "Signed Up")
    assert world.listed("new") == ["mara"]
    world.later("1d")
    assert world.listed("new") == []


def test_rule_26_a_journey_of_a_thousand_steps_fails_with_that_reason(world: World) -> None:
    world.flow(STARTS, wait("1m"), ("a", "update_contact", {"changes": [{"attribute": "city", "set": "Here"}]}),
               edges="start:next>wait wait:next>a a:next>wait")  # fmt: skip
    world.does("mara", "Signed Up")
    Enrollment.objects.update(visit=1000)
    world.later("1m")
    status, _, reason = world.journeys("mara")[0]
    assert (status, reason) == ("failed", "loop: more than 1,000 steps")
    forget_steps()


def forget_steps() -> None:
    """Undo the thousand steps that this story only claimed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('tributary.erasing', 'on', true)")
        cursor.execute("DELETE FROM flows_step")
        cursor.execute("UPDATE flows_enrollment SET visit = 1")
        cursor.execute("SELECT set_config('tributary.erasing', '', true)")


def test_rule_26_a_hundred_steps_without_a_wait_fail_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.batch.MOST_STEPS_IN_A_RUN", 3)
    city = {"changes": [{"attribute": "city", "set": "Here"}]}
    world.flow(STARTS, *[(f"n{i}", "update_contact", city) for i in range(6)])
    world.does("mara", "Signed Up")
    status, node, reason = world.journeys("mara")[0]
    assert (status, node, reason) == ("failed", "n3", "loop: more than 3 steps without a wait")


def test_rule_27_a_step_that_fails_is_tried_again_with_growing_gaps_then_listed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.flow(STARTS, wait("1h"), WELCOME)
    for who in ("mara", "poison", "zoe"):
        world.meets(who)
        world.did(who, "Signed Up")
    world.settle()
    bad = Enrollment.objects.get(contact__user_id="poison").pk
    fall_over(monkeypatch, bad)
    world.later("1h")
    assert [len(world.mails(who)) for who in ("mara", "poison", "zoe")] == [1, 0, 1]
    for gap in ("5m", "30m", "3h", "20h"):
        assert world.journeys("poison")[0][0] == "active"
        world.later(gap)
    status, node, reason = world.journeys("poison")[0]
    assert (status, node, reason) == ("failed", "mail", "failed at mail after 5 tries")
    monkeypatch.undo()
    services.retry_enrollments([bad], actor=HOUSE)
    world.settle()
    assert world.journeys("poison") == [("completed", "mail", "")]


def fall_over(monkeypatch: pytest.MonkeyPatch, enrollment: int) -> None:
    """Let the database refuse whatever is said for this enrollment."""
    real = speaking.queue

    def queue(drafts: Any) -> int:
        if any(one.key.startswith(f"e:{enrollment}:") for one in drafts):
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")
        return int(real(drafts))

    monkeypatch.setattr("flows.speaking.queue", queue)


def test_a_node_that_cannot_do_its_work_blocks_those_who_stand_there_until_it_can(world: World) -> None:
    world.make_list("gone")
    world.flow(STARTS, wait("1h"), ("on", "add_to_list", {"list": "gone"}))
    world.does("mara", "Signed Up")
    world.make_list("gone").delete()
    world.later("1h")
    stuck = Enrollment.objects.get()
    assert (stuck.status, stuck.node, stuck.parked[:8]) == ("active", "on", "blocked:")
    world.make_list("gone")
    world.later("5m")
    assert world.journeys("mara") == [("completed", "on", "")]


def test_staff_skip_the_step_that_somebody_is_stuck_at(world: World) -> None:
    world.flow(STARTS, wait("9d"), WELCOME)
    world.does("mara", "Signed Up")
    services.skip_enrollments([Enrollment.objects.get().pk], actor=HOUSE)
    world.settle()
    assert world.mails("mara") == [("queued", "Welcome")]
    with pytest.raises(Refused):
        services.skip_enrollments([Enrollment.objects.get().pk], actor=HOUSE)


def test_staff_take_somebody_out(world: World) -> None:
    world.flow(STARTS, WELCOME, wait("9d"))
    world.does("mara", "Signed Up")
    services.exit_enrollments([Enrollment.objects.get().pk], actor=HOUSE)
    assert world.journeys("mara") == [("exited", "wait", "taken out by hand")]
    assert world.mails("mara") == [("refused", "Welcome")]


def test_the_exit_node_ends_the_journey_with_its_reason(world: World) -> None:
    world.flow(STARTS, ("out", "exit", {"reason": "Not today"}))
    world.does("mara", "Signed Up")
    assert world.journeys("mara") == [("exited", "out", "Not today")]


@pytest.mark.parametrize(("status", "port"), [("sent", "next"), ("failed", "failed")])
def test_a_webhook_waits_for_its_answer_and_goes_on_by_it(world: World, status: str, port: str) -> None:
    world.flow(STARTS, ("hook", "webhook", {"url": "https://example.com/hook"}))
    world.does("mara", "Signed Up")
    journey = Enrollment.objects.get()
    assert (journey.status, journey.node, journey.parked) == ("active", "hook", "Waits for the webhook's answer")
    message = Message.objects.get(channel="webhook")
    Message.objects.filter(pk=message.pk).update(status=status)
    noted = changes.note([changes.NewChange(message.contact_id, f"message:{message.key}", at=world.at)])
    assert noted == 1
    world.settle()
    assert Step.objects.get(node="hook").port == port


def test_a_ceiling_refuses_whoever_comes_after_it(world: World) -> None:
    world.flow(STARTS, wait("1d"), ceilings={"total": 2})
    for who in ("mara", "ben", "zoe"):
        world.did(who, "Signed Up")
    world.settle()
    assert [world.refusals(who) for who in ("mara", "ben", "zoe")].count(["ceiling"]) == 1


def test_counts_come_from_deltas_and_add_up(world: World) -> None:
    flow = world.flow(STARTS, wait("1d"), WELCOME, exit_when={"type": "EVENT", "eventName": "Order Completed"})
    for who in ("mara", "ben", "zoe"):
        world.did(who, "Signed Up")
    world.settle()
    world.does("zoe", "Order Completed")
    counted = stats.counts(flow)
    stands = {"started": 3, "active": 2, "completed": 0, "exited": 1, "failed": 0, "restarted": 0, "converted": 0}
    assert {name: counted["totals"][name] for name in stands} == stands
    assert counted["nodes"]["wait"]["waiting"] == 2
    assert counted["nodes"]["start"]["passed"] == 3
    world.later("1d")
    stats.compact()
    assert stats.counts(flow)["totals"]["completed"] == 2
    assert stats.totals([flow.pk])[flow.pk]["active"] == 0
    assert stats.growth(flow)[-1]["left"] == 2


def test_a_thousand_people_move_in_a_handful_of_statements(world: World, django_assert_max_num_queries: Any) -> None:
    world.flow(STARTS, wait("1h"), ("split", "split", SPLIT), WELCOME,
               edges="start:next>wait wait:next>split split:else>mail")  # fmt: skip
    people = [f"p{n}" for n in range(300)]
    world.meets(*people)
    for who in people[:3]:
        world.did(who, "Signed Up")
    with django_assert_max_num_queries(60):
        intake.take()
        runner.run()
    for who in people[3:]:
        world.did(who, "Signed Up")
    with django_assert_max_num_queries(60):
        intake.take()
        runner.run()
    assert Enrollment.objects.filter(node="wait", waiting=True).count() == 300
