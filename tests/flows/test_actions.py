"""What is done for contacts on the way, told about people with names: one story for each kind of action, and its troubles."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.db import connection

from contacts import consents
from contacts.ingest import take
from contacts.models import Consent, Contact, Event
from contacts.services import erase_contact, record_consents, suppress
from flows import blocking, crank, runner, services
from flows.checking import check
from flows.models import Enrollment, Entry, Step
from messaging import outbox
from messaging.models import CaughtMail, Message
from messaging.services import create_template, publish_template
from segmentation import syncing
from segmentation.delivering import claim
from segmentation.destinations import create_destination, delete_destination
from segmentation.models import Delivery, Destination
from tests.flows.conftest import NOON, SHOP, STARTS, World, broken, property_is, wait
from tests.flows.test_together import CRASH
from tests.messaging.test_roads import Hooks, hooks
from workspace import notices
from workspace.audit import HOUSE
from workspace.uses import InUse

__all__ = ["hooks"]
Node = tuple[str, str, dict[str, Any]]


def text(kind: str, key: str = "text", **settings: Any) -> Node:
    return key, kind, {"body": "Hello {{ contact.firstName }}", "transactional": True, **settings}


def agrees(world: World, who: str, channel: str, topic: str = "news") -> None:
    record_consents(
        contact_ids=[world.contact(who).pk],
        channel=channel,
        topic=topic,
        status="subscribed",
        source="test",
        at=world.at,
    )


def caught(channel: str) -> list[tuple[str, str, str]]:
    rows = CaughtMail.objects.filter(channel=channel).order_by("pk").values_list("sender", "recipient", "raw")
    return [(sender, recipient, bytes(raw).decode()) for sender, recipient, raw in rows]


def gates(who: str) -> list[tuple[str, str, str]]:
    rows = Message.objects.filter(contact__user_id=who).order_by("pk")
    return list(rows.values_list("channel", "status", "gate"))


def said(who: str, event: str) -> list[dict[str, Any]]:
    rows = Event.objects.filter(contact__user_id=who, name__name=event).order_by("pk")
    return list(rows.values_list("properties", flat=True))


# Messages ---------------------------------------------------------------------------------------------------------------


def test_maras_mail_goes_with_the_subject_preheader_sender_and_reply_address_of_the_node(world: World) -> None:
    world.template("welcome")
    over = {"subject": "Dear {{ contact.firstName }}", "preheader": "A word", "reply_to": "help@example.com"}
    world.flow(STARTS, ("mail", "send_email", {"template": "welcome", "campaign": "spring", **over}))
    world.meets("mara")
    agrees(world, "mara", "email")
    world.does("mara", "Signed Up")
    outbox.deliver()
    sent = mail.outbox[-1]
    assert (sent.subject, sent.reply_to, sent.to) == ("Dear Mara", ["help@example.com"], ["mara@example.com"])
    assert "A word" in str(sent.alternatives[0][0])
    assert said("mara", "Email Sent")[0]["campaign"] == "spring"


def test_mara_gets_an_sms_that_ends_with_a_way_out(world: World) -> None:
    world.make_topic("news")
    world.flow(STARTS, text("send_sms", transactional=False, topic="news", sender_name="Shop"))
    world.meets("mara", phone="+31612345678")
    agrees(world, "mara", "sms")
    world.does("mara", "Signed Up")
    outbox.deliver()
    ((sender, recipient, words),) = caught("sms")
    assert (sender, recipient) == ("Shop", "+31612345678")
    assert words.startswith("Hello Mara\nOpt out: http")
    assert said("mara", "SMS Sent")[0]["node"] == "text"


def test_the_way_out_of_an_sms_unsubscribes_from_sms_alone(world: World, client: Any) -> None:
    world.make_topic("news")
    world.flow(STARTS, text("send_sms", transactional=False, topic="news", opt_out="No more? {{ unsubscribe_url }}"))
    world.meets("mara", phone="+31612345678")
    agrees(world, "mara", "sms")
    agrees(world, "mara", "email")
    world.does("mara", "Signed Up")
    outbox.deliver()
    link = caught("sms")[0][2].rpartition("No more? ")[2]
    assert client.post("/m/" + link.partition("/m/")[2], {"List-Unsubscribe": "One-Click"}).status_code == 200
    mara = world.contact("mara").pk
    standing = consents.standing([mara])
    assert (standing[mara, "sms", "news"], standing[mara, "email", "news"]) == ("unsubscribed", "subscribed")


def test_whatsapp_by_template_goes_only_to_those_who_agreed_to_it_there(world: World) -> None:
    world.make_topic("news")
    made = create_template(
        name="Ready", channel="whatsapp", body="<Ready>, {{ contact.firstName }}!", topic="news", actor=HOUSE
    )
    publish_template(made, actor=HOUSE)
    world.flow(STARTS, ("say", "send_whatsapp", {"template": "ready"}))
    for who, phone in (("mara", "+31612345678"), ("ben", "+31687654321"), ("zoe", "")):
        world.meets(who, phone=phone)
        world.did(who, "Signed Up")
    agrees(world, "mara", "whatsapp")
    agrees(world, "ben", "sms")
    world.settle()
    outbox.deliver()
    assert [words for _, _, words in caught("whatsapp")] == ["<Ready>, Mara!"]
    assert gates("ben") == [("whatsapp", "refused", "no consent")]
    assert gates("zoe") == [("whatsapp", "refused", "no address")]


def test_a_suppressed_number_gets_no_sms_not_even_a_receipt(world: World) -> None:
    world.flow(STARTS, text("send_sms"))
    world.meets("mara", phone="+31612345678")
    suppress(channel="sms", address="+31612345678", reason="manual")
    world.does("mara", "Signed Up")
    outbox.deliver()
    assert gates("mara") == [("sms", "refused", "suppressed")]


def test_push_and_on_site_messages_are_caught_with_what_they_open(world: World) -> None:
    world.flow(
        STARTS,
        text("send_push", "push", subject="Back again", link="https://shop.example/{{ event.product }}"),
        text("send_onsite", "site", transactional=False),
    )
    world.meets("mara")
    world.does("mara", "Signed Up", product="red shoes")
    outbox.deliver()
    assert caught("onsite") == []  # the later message of a journey waits for the earlier one
    outbox.deliver()
    assert caught("push")[0][1:] == ("mara", "Hello Mara\nhttps://shop.example/red%20shoes")
    assert caught("onsite")[0][1:] == ("mara", "Hello Mara")  # who is on the site is asked for no consent
    assert CaughtMail.objects.get(channel="push").subject == "Back again"


def test_a_text_that_is_sent_twice_with_one_key_is_caught_once(world: World) -> None:
    world.flow(STARTS, text("send_sms"))
    world.meets("mara", phone="+31612345678")
    world.does("mara", "Signed Up")
    outbox.deliver()
    Message.objects.update(status="queued", settled_at=None)
    outbox.deliver()
    assert len(caught("sms")) == 1


def test_staff_are_told_with_a_link_to_mara_and_she_hears_nothing_of_it(world: World) -> None:
    ada = get_user_model().objects.create_user("ada", "ada@shop.example", "x")
    gone = get_user_model().objects.create_user("gus", "gus@shop.example", "x")
    note = {"users": [ada.pk, gone.pk], "addresses": "sales@shop.example", "subject": "Call {{ contact.firstName }}"}
    world.flow(STARTS, ("tell", "notify_staff", note))
    gone.is_active = False
    gone.save()
    world.meets("mara")
    world.does("mara", "Signed Up")
    outbox.deliver()
    sent = mail.outbox[-1]
    assert (sent.to, sent.subject) == (["ada@shop.example", "sales@shop.example"], "Call Mara")
    assert f"/contacts/{world.contact('mara').pk}/" in str(sent.alternatives[0][0])
    assert "List-Unsubscribe" not in sent.extra_headers
    assert said("mara", "Email Sent") == []


# What is known of the contact -------------------------------------------------------------------------------------------


def test_maras_attributes_are_set_cleared_increased_and_appended_from_constants_and_from_the_event(
    world: World,
) -> None:
    changes = [
        {"attribute": "customProperties.plan", "set": "pro"},
        {"attribute": "customProperties.lastOrder", "set": {"trigger": "orderId"}},
        {"attribute": "customProperties.spent", "increment": {"trigger": "total"}},
        {"attribute": "customProperties.colors", "append": {"trigger": "item.color"}},
        {"attribute": "customProperties.coupon", "clear": True},
        {"attribute": "customProperties.gift", "set": {"trigger": "gift"}},
        {"attribute": "city", "set": {"trigger": "city"}},
    ]
    start = ("start", "event", {"event_name": "Order Completed", "entry_key": "orderId"})
    world.flow(start, ("update", "update_contact", {"changes": changes}), reentry={"allowed": True, "after": "1h"})
    world.meets("mara", coupon="X", gift="socks")
    world.did("mara", "Order Completed", orderId="A-1", total=20, item={"color": "red"}, city="Utrecht")
    world.did("mara", "Order Completed", orderId="A-2", total=5.5, item={"color": "blue"})
    world.settle()
    mara = world.contact("mara")
    assert mara.attributes == {
        "plan": "pro",
        "lastOrder": "A-2",
        "spent": 25.5,
        "colors": ["red", "blue"],
        "gift": "socks",
    }
    assert mara.city == "Utrecht"


def test_a_value_that_does_not_fit_is_bens_trouble_alone(world: World) -> None:
    change = {"attribute": "timezone", "set": {"trigger": "zone"}}
    world.flow(STARTS, ("update", "update_contact", {"changes": [change]}))
    for who, zone in (("mara", "Europe/Lisbon"), ("ben", "Nowhere/Else")):
        world.meets(who)
        world.did(who, "Signed Up", zone=zone)
    world.settle()
    assert world.contact("mara").timezone == "Europe/Lisbon"
    assert world.journeys("mara")[0][0] == "completed"
    ben = Enrollment.objects.get(contact__user_id="ben")
    assert (ben.attempts, ben.parked.startswith("tries again:")) == (1, True)


def test_a_value_from_an_event_needs_a_flow_that_an_event_starts(world: World) -> None:
    world.segment("vip")
    change = {"attribute": "customProperties.plan", "set": {"trigger": "plan"}}
    drawn = world.drawn(
        ("start", "contact_segment", {"segment": "vip"}), ("u", "update_contact", {"changes": [change]})
    )
    assert [(one.node, one.field) for one in check(drawn)] == [("u", "changes[0].set")]


def test_mara_is_subscribed_with_the_flow_as_the_source_and_an_unsubscribe_is_not_undone(world: World) -> None:
    world.make_topic("news")
    world.flow(STARTS, ("yes", "subscribe", {"channel": "email", "topic": "news"}))
    world.meets("mara", "ben")
    ben = world.contact("ben").pk
    record_consents(contact_ids=[ben], channel="email", topic="", status="unsubscribed", source="link", at=world.at)
    for who in ("mara", "ben"):
        world.did(who, "Signed Up")
    world.settle()
    assert list(Consent.objects.filter(contact=world.contact("mara")).values_list("topic", "status", "source")) == [
        ("news", "subscribed", "flow flow-0")
    ]
    assert [one.status for one in Consent.objects.filter(contact=ben)] == ["unsubscribed"]


def test_who_asks_for_it_again_is_subscribed_again_and_who_wants_no_more_is_unsubscribed(world: World) -> None:
    world.flow(STARTS, ("yes", "subscribe", {"channel": "sms", "again": True}))
    world.flow(("start", "event", {"event_name": "Had Enough"}), ("no", "unsubscribe", {"channel": "sms"}))
    world.meets("mara")
    world.does("mara", "Had Enough")
    world.later("1m")
    world.does("mara", "Signed Up")
    found = Consent.objects.filter(contact=world.contact("mara")).order_by("pk")
    assert [one.status for one in found] == ["unsubscribed", "subscribed"]


def test_an_event_that_a_flow_records_is_seen_by_segments_and_starts_another_flow(world: World) -> None:
    gold = {"type": "EVENT", "eventName": "Level Reached", "where": {
        "operator": "AND", "conditions": [{"propertyName": "level", "operator": "=", "value": "gold"}]}}  # fmt: skip
    world.segment("gold", gold)
    world.make_list("party")
    world.flow(("start", "event", {"event_name": "Level Reached"}), ("on", "add_to_list", {"list": "party"}))
    properties = [{"name": "level", "value": "gold"}, {"name": "order", "value": {"trigger": "orderId"}}]
    record = ("record", "record_event", {"event": "Level Reached", "properties": properties})
    world.flow(STARTS, record, wait("1d"))
    world.meets("mara")
    world.does("mara", "Signed Up", orderId="A-1")
    assert world.listed("party") == ["mara"]
    assert world.transitions("mara") == [("gold", "entered")]
    told = said("mara", "Level Reached")
    assert told == [{"level": "gold", "order": "A-1", "flow": "flow-1", "node": "record"}]


def test_i32_a_flow_whose_own_event_would_start_it_again_goes_round_once(world: World) -> None:
    ping = ("start", "event", {"event_name": "Ping"})
    world.flow(ping, ("again", "record_event", {"event": "Ping"}), reentry={"allowed": True, "after": "1h"})
    world.meets("mara")
    world.does("mara", "Ping")
    assert len(world.journeys("mara")) == 1
    assert world.refusals("mara") == ["gap"]


# Other flows, and the end -----------------------------------------------------------------------------------------------


def test_mara_enters_another_flow_by_its_own_rules_and_takes_what_began_her_journey_along(world: World) -> None:
    only = {"filter": property_is("country", "NL")}
    other = world.flow(("start", "event", {"event_name": "Never", **only}), wait("1d"))
    world.flow(STARTS, ("begin", "start_flow", {"flow": other.slug}), wait("1d"))
    for who, country in (("mara", "NL"), ("ben", "PT")):
        world.meets(who, country=country)
        world.did(who, "Signed Up", orderId=who)
    world.settle()
    inside = Enrollment.objects.get(flow=other)
    assert (inside.contact.user_id, inside.context["trigger"]["event"]["orderId"]) == ("mara", "mara")
    assert world.refusals("ben") == ["filter"]
    assert Entry.objects.filter(flow=other, source_kind="start_flow").count() == 2


def test_leaving_another_flow_withdraws_what_that_flow_had_not_yet_said(world: World) -> None:
    other = world.flow(STARTS, ("mail", "send_email", {"subject": "A", "body": "B", "transactional": True}), wait("9d"))
    world.flow(("start", "event", {"event_name": "Bought"}), ("out", "leave_flow", {"flow": other.slug}), wait("1d"))
    world.meets("mara")
    world.does("mara", "Signed Up")
    world.does("mara", "Bought")
    assert world.journeys("mara") == [("exited", "wait", "taken out by the flow flow-1"), ("active", "wait", "")]
    assert gates("mara") == [("email", "refused", "exited")]


def test_who_is_in_both_flows_of_one_batch_leaves_the_other_and_enters_a_third(world: World) -> None:
    third = world.flow(("start", "event", {"event_name": "Never"}), wait("1d"))
    other = world.flow(STARTS, wait("2h"), ("on", "update_contact", {"changes": [SEEN]}), wait("9d", "long"))
    world.flow(
        STARTS,
        wait("2h"),
        ("out", "leave_flow", {"flow": other.slug}),
        ("in", "start_flow", {"flow": third.slug}),
        wait("1d", "rest"),
    )
    world.meets("mara")
    world.does("mara", "Signed Up")
    world.later("2h")
    states = dict(Enrollment.objects.values_list("flow__slug", "status"))
    assert states == {third.slug: "active", other.slug: "exited", "flow-2": "active"}


SEEN = {"attribute": "customProperties.seen", "increment": 1}


def test_mara_is_deleted_only_when_her_goodbye_has_gone(world: World) -> None:
    goodbye = ("bye", "send_email", {"subject": "Goodbye", "body": "Farewell", "transactional": True})
    world.flow(STARTS, goodbye, ("gone", "delete_contact", {"sure": True}))
    other = world.flow(STARTS, wait("9d"))
    world.meets("mara")
    world.does("mara", "Signed Up")
    mara = world.contact("mara")
    assert Enrollment.objects.get(contact=mara, node="gone").parked == "Waits until earlier messages have gone"
    outbox.deliver()
    world.settle()
    mara.refresh_from_db()
    assert mail.outbox[-1].subject == "Goodbye"
    assert (mara.email, mara.erased_at is not None) == ("", True)
    reasons = Enrollment.objects.filter(contact=mara).values_list("status", "reason")
    assert set(reasons) == {("exited", "contact erased")}
    assert Enrollment.objects.get(flow=other).context == {}
    assert Step.objects.filter(kind="delete_contact").count() == 1


def test_many_are_deleted_in_a_few_statements(world: World, django_assert_max_num_queries: Any) -> None:
    world.flow(STARTS, wait("1h"), ("gone", "delete_contact", {"sure": True}))
    for n in range(30):
        world.did(f"p{n}", "Signed Up")
    world.settle()
    world.turn_clock(world.at.replace(hour=14))
    with django_assert_max_num_queries(90):
        runner.run()
    assert Contact.objects.filter(erased_at=None).count() == 0
    world.settle()


# Other programs ---------------------------------------------------------------------------------------------------------


def test_the_answer_of_a_webhook_is_kept_for_later_steps(world: World, hooks: Hooks) -> None:
    hooks.answers = [(201, {}, b'{"score": 7, "tier": {"name": "gold"}}')]
    changes = [
        {"attribute": "customProperties.score", "set": {"answer": "hook.body.score"}},
        {"attribute": "customProperties.status", "set": {"answer": "hook.status"}},
    ]
    says = {"subject": "You are {{ answers.hook.body.tier.name }}", "body": "x", "transactional": True}
    world.flow(
        STARTS,
        ("hook", "webhook", {"url": hooks.url, "body": '{"who": "{{ contact.firstName }}"}', "headers": {"X-A": "b"}}),
        ("update", "update_contact", {"changes": changes}),
        ("mail", "send_email", says),
    )
    world.meets("mara")
    world.does("mara", "Signed Up")
    outbox.deliver()
    world.settle()
    headers, body = hooks.heard[0]
    assert (json.loads(body), headers["X-A"], headers["webhook-signature"][:3]) == ({"who": "Mara"}, "b", "v1,")
    assert world.contact("mara").attributes == {"score": 7, "status": 201}
    outbox.deliver()
    assert mail.outbox[-1].subject == "You are gold"


@pytest.mark.parametrize(
    "answer", [b"NaN", b'{"a": "\\u0000"}', b"\xff\xfe", b'{"a": "\\ud800"}', b"[" * 3000, b"x" * 9000]
)
def test_an_odd_answer_is_kept_as_text_of_at_most_4_kb_and_breaks_nothing(
    world: World, hooks: Hooks, answer: bytes
) -> None:
    hooks.answers = [(200, {}, answer)]
    world.flow(STARTS, ("hook", "webhook", {"url": hooks.url}), wait("1d"))
    world.meets("mara")
    world.does("mara", "Signed Up")
    outbox.deliver()
    world.settle()
    kept = Enrollment.objects.get().context["answers"]["hook"]
    assert world.journeys("mara") == [("active", "wait", "")]
    assert len(json.dumps(kept, ensure_ascii=False).encode()) < 4400


def test_a_contact_is_exported_to_a_destination_with_its_log_and_retries(world: World, hooks: Hooks) -> None:
    crm, _ = create_destination(name="CRM", segment=world.segment("vip"), url=hooks.url, actor=HOUSE)
    world.flow(STARTS, ("out", "export", {"destination": "crm"}), wait("1d"))
    for who in ("mara", "ben"):
        world.meets(who)
        world.did(who, "Signed Up", orderId=f"of {who}")
    world.settle()
    delivery = Delivery.objects.get(kind="contacts")
    assert (delivery.status, delivery.size) == ("queued", 2)
    hooks.answers = [(503, {}, b""), (200, {}, b"")]
    for _ in range(2):
        Delivery.objects.update(due_at=world.at)
        Destination.objects.update(due_at=world.at)
        syncing.serve(claim(1)[0])
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, len(hooks.heard)) == ("delivered", 2, 2)
    assert hooks.heard[0][0]["webhook-id"] == hooks.heard[1][0]["webhook-id"]
    heard = json.loads(hooks.heard[-1][1])
    assert heard["type"] == "flow.contacts"
    told = {one["contact"]["userId"]: (one["event"]["orderId"], one["node"]) for one in heard["data"]["contacts"]}
    assert told == {"mara": ("of mara", "out"), "ben": ("of ben", "out")}
    with pytest.raises(InUse):
        delete_destination(crm, actor=HOUSE)


# Failure policies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "ends"),
    [
        ("skip", ("active", "wait", "")),
        ("exit", ("failed", "update", "failed at update after 5 tries")),
        ("hold", ("active", "update", "")),
        ("", ("failed", "update", "failed at update after 5 tries")),
    ],
)
def test_what_becomes_of_ben_when_a_step_fails_five_times_is_what_its_policy_says(
    world: World, policy: str, ends: tuple[str, str, str]
) -> None:
    change = {"attribute": "timezone", "set": {"trigger": "zone"}}
    world.flow(STARTS, ("update", "update_contact", {"changes": [change], "on_failure": policy}), wait("9d"))
    world.meets("ben")
    world.does("ben", "Signed Up", zone="Nowhere/Else")
    for gap in ("5m", "30m", "3h", "20h"):
        world.later(gap)
    assert world.journeys("ben") == [ends]
    if policy == "hold":
        assert Enrollment.objects.get().parked == "held: failed at update after 5 tries"
        services.skip_enrollments([Enrollment.objects.get().pk], actor=HOUSE)
        world.settle()
        assert world.journeys("ben") == [("active", "wait", "")]
    if policy == "skip":
        assert Step.objects.get(node="update").saw["skipped"] is True


@pytest.mark.parametrize(("policy", "ends"), [("skip", "completed"), ("exit", "failed"), ("hold", "active")])
def test_a_sending_step_waits_for_its_message_when_its_failure_policy_says_so(
    world: World, policy: str, ends: str
) -> None:
    world.flow(
        STARTS, ("mail", "send_email", {"subject": "A", "body": "B", "transactional": True, "on_failure": policy})
    )
    world.meets("mara")
    world.does("mara", "Signed Up")
    assert world.journeys("mara") == [("active", "mail", "")]
    Message.objects.update(status="failed", settled_at=world.at)
    world.later("15m")
    assert world.journeys("mara")[0][0] == ends
    if policy == "hold":
        services.retry_enrollments([Enrollment.objects.get().pk], actor=HOUSE)
        outbox.deliver()
        world.settle()
        assert world.journeys("mara") == [("completed", "mail", "")]


def test_a_refused_message_is_no_failure(world: World) -> None:
    world.flow(STARTS, ("mail", "send_email", {"subject": "A", "body": "B", "on_failure": "exit"}), wait("1d"))
    world.meets("mara")
    world.does("mara", "Signed Up")
    outbox.deliver()
    world.settle()
    assert gates("mara") == [("email", "refused", "no consent")]
    assert world.journeys("mara") == [("active", "wait", "")]


# Troubles ---------------------------------------------------------------------------------------------------------------


def test_f26_who_was_erased_meanwhile_is_left_alone_by_every_action(world: World) -> None:
    world.make_list("vips")
    world.flow(
        STARTS,
        wait("1h"),
        ("on", "add_to_list", {"list": "vips"}),
        ("update", "update_contact", {"changes": [SEEN]}),
        ("record", "record_event", {"event": "Seen"}),
        ("yes", "subscribe", {"channel": "email"}),
    )
    world.meets("mara")
    world.does("mara", "Signed Up")
    erase_contact(contact=world.contact("mara"), actor=HOUSE)
    world.later("2h")
    gone = Contact.objects.get()
    assert (gone.attributes, Consent.objects.count(), world.listed("vips")) == ({}, 0, [])
    assert not Event.objects.filter(name__name="Seen").exists()


def test_f23_a_deleted_flow_or_destination_blocks_those_who_stand_there_until_it_is_back(
    world: World, hooks: Hooks
) -> None:
    create_destination(name="CRM", segment=world.segment("vip"), url=hooks.url, actor=HOUSE)
    world.flow(STARTS, wait("1h"), ("out", "export", {"destination": "crm"}), wait("1d", "rest"))
    world.meets("mara")
    world.does("mara", "Signed Up")
    kept = Destination.objects.values().get()
    Destination.objects.all().delete()
    for who in ("ben", "zoe"):
        world.turn_clock(world.at + timedelta(minutes=1))
        world.does(who, "Signed Up")
    world.later("62m")
    assert set(Enrollment.objects.values_list("parked", flat=True)) == {
        "blocked: The destination “crm” is not there any more."
    }
    assert [(one.kind, one.url.partition("?")[2]) for one in notices.standing()] == [("flow.blocked", "node=out")]
    Destination.objects.create(**kept)
    world.later("5m")
    assert {world.journeys(who)[0] for who in ("mara", "ben", "zoe")} == {("active", "rest", "")}
    assert (blocking.settle_over(), list(notices.standing())) == (1, [])


def test_f27_who_was_merged_meanwhile_goes_on_as_the_winner_and_is_changed_once(world: World) -> None:
    world.flow(
        STARTS, wait("1h"), ("update", "update_contact", {"changes": [SEEN]}), ("r", "record_event", {"event": "Seen"})
    )
    anonymous = {"type": "track", "anonymousId": "visitor-1", "event": "Signed Up", "timestamp": world.at.isoformat()}
    assert take([anonymous], source=SHOP, received_at=world.at) == [None]
    world.meets("mara")
    world.settle()
    joined = {"type": "alias", "previousId": "visitor-1", "userId": "mara"}
    assert take([joined], source=SHOP, received_at=world.at) == [None]
    world.later("1h")
    assert world.contact("mara").attributes == {"seen": 1}
    assert len(said("mara", "Seen")) == 1


@pytest.mark.chaos
@pytest.mark.parametrize("point", ["before_step_commit", "after_step_commit"])
def test_f1_a_worker_killed_before_or_after_its_commit_does_every_action_once(
    real_world: World, hooks: Hooks, point: str
) -> None:
    world = real_world
    world.make_list("vips")
    world.segment("circle")
    create_destination(name="CRM", segment=world.segment("vip"), url=hooks.url, actor=HOUSE)
    other = world.flow(("start", "event", {"event_name": "Never"}), wait("9d"))
    world.flow(
        STARTS,
        text("send_sms"),
        ("update", "update_contact", {"changes": [SEEN]}),
        ("on", "add_to_list", {"list": "vips"}),
        ("into", "add_to_segment", {"segment": "circle"}),
        ("yes", "subscribe", {"channel": "sms"}),
        ("record", "record_event", {"event": "Seen"}),
        ("out", "export", {"destination": "crm"}),
        ("begin", "start_flow", {"flow": other.slug}),
    )
    names = [f"p{n}" for n in range(10)]
    world.meets(*names)
    for who in names:
        world.did(who, "Signed Up")
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**connection.settings_dict)
    told = {
        "DATABASE_URL": url,
        "CRASH_AT": point,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "NOON": NOON.isoformat(),
    }
    killed = subprocess.run([sys.executable, "-c", CRASH], env={**os.environ, **told}, capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr.decode()[-2000:]
    crank.turn(20)
    crank.turn(20)
    assert {world.contact(who).attributes["seen"] for who in names} == {1}
    assert world.listed("vips") == names
    assert sorted(kind for who in names for _, kind in world.transitions(who)) == ["entered"] * 10
    assert (Message.objects.count(), Consent.objects.count(), Event.objects.filter(name__name="Seen").count()) == (
        10,
    ) * 3
    assert sum(Delivery.objects.filter(kind="contacts").values_list("size", flat=True)) == 10
    assert Enrollment.objects.filter(flow=other, status="active").count() == 10
    assert broken() == {}
