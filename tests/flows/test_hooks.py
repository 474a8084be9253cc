"""Flows with an address of their own: a shop's program tells them who did what."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from contacts.models import Contact, Event
from contacts.services import erase_contact
from flows import drafts, hooks, services
from flows.models import Enrollment, Flow
from flows.trigger_models import HookSample
from tests.flows.conftest import WELCOME, World, property_is, wait
from workspace import clean
from workspace.audit import HOUSE

MAPPED: dict[str, Any] = {
    "user_id": "customer.id",
    "email": "customer.email",
    "attributes": {"city": "customer.address.city", "customProperties.tier": "customer.tier"},
    "properties": {"orderId": "order.number", "sku": "order.items[0].sku"},
    "event_name": "Shop Called",
}
ORDER = {
    "customer": {"id": 17, "email": "mara@example.com", "tier": "gold", "address": {"city": "Delft"}},
    "order": {"number": "A-1", "items": [{"sku": "bike"}, {"sku": "bell"}]},
}


def started(world: World, **settings: Any) -> Flow:
    return world.flow(("start", "webhook_received", {**MAPPED, **settings}), WELCOME)


def call(flow: Flow, body: Any = ORDER, **headers: str) -> Any:
    path = hooks.address_of(flow).partition("/v1/")[2]
    sent = body if isinstance(body, bytes | str) else json.dumps(body)
    return Client().post(f"/v1/{path}", sent, content_type="application/json", headers=headers)


def outcomes() -> list[str]:
    return list(HookSample.objects.order_by("id").values_list("outcome", flat=True))


def test_a_call_of_the_shop_makes_mara_known_and_starts_her_journey(world: World) -> None:
    flow = started(world)
    answer = call(flow)
    world.settle()
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    mara = Contact.objects.get(user_id="17")
    assert (mara.email, mara.city, mara.attributes["tier"]) == ("mara@example.com", "Delft", "gold")
    assert len(world.mails("17")) == 1
    event = Enrollment.objects.get().context["trigger"]["event"]
    assert (event["name"], event["orderId"], event["sku"]) == ("Shop Called", "A-1", "bike")
    assert Event.objects.get(name__name="Shop Called").properties == {"orderId": "A-1", "sku": "bike"}


def test_who_is_known_by_email_alone_is_found_not_doubled(world: World) -> None:
    world.meets("mara")
    flow = started(world)
    call(flow, {"customer": {"email": "Mara@Example.com"}, "order": {}})
    world.settle()
    assert Contact.objects.count() == 1
    assert len(world.journeys("mara")) == 1


def test_the_same_delivery_again_is_answered_and_nothing_is_done(world: World) -> None:
    flow = started(world)
    answers = [call(flow, **{"webhook-id": "d-1"}) for _ in range(3)]
    world.settle()
    assert [one.status_code for one in answers] == [200, 200, 200]
    assert (Event.objects.count(), Enrollment.objects.count(), outcomes()) == (1, 1, ["taken"])


def test_the_delivery_may_be_named_in_the_body(world: World) -> None:
    flow = started(world, delivery_id="meta.delivery")
    for number in (1, 1, 2):
        call(flow, {**ORDER, "meta": {"delivery": number}})
    assert Event.objects.count() == 2


def test_one_journey_per_order_and_the_filter_is_asked(world: World) -> None:
    gold = property_is("customProperties.tier", "gold")
    flow = world.flow(("start", "webhook_received", {**MAPPED, "entry_key": "orderId", "filter": gold}), wait("1d"))
    for number in ("A-1", "A-1", "A-2"):
        call(flow, {**ORDER, "order": {"number": number}})
    call(flow, {"customer": {"id": 18, "tier": "tin"}, "order": {"number": "B-1"}})
    world.settle()
    assert sorted(Enrollment.objects.values_list("entry_key", flat=True)) == ["A-1", "A-2"]
    assert world.refusals("18") == ["filter"]


def test_what_was_carried_can_be_asked_later_in_the_flow(world: World) -> None:
    same = {"type": "EVENT", "eventName": "Paid", "where": {"operator": "AND", "conditions": [
        {"propertyName": "orderId", "operator": "=", "value": {"trigger": "orderId"}}]}}  # fmt: skip
    split = ("split", "split", {"branches": [{"port": "paid", "criteria": same}]})
    flow = world.flow(
        ("start", "webhook_received", MAPPED),
        wait("1d"),
        split,
        WELCOME,
        edges="start:next>wait wait:next>split split:else>mail",
    )
    call(flow)
    call(flow, {**ORDER, "customer": {"id": 18}, "order": {"number": "A-2"}})
    world.settle()
    world.did("17", "Paid", orderId="A-1")
    world.did("18", "Paid", orderId="other")
    world.later("1d")
    assert (len(world.mails("17")), len(world.mails("18"))) == (0, 1)


def test_another_flow_that_waits_for_an_event_of_that_name_is_not_started_by_this_address(world: World) -> None:
    flow, other = started(world), started(world)
    call(flow)
    world.settle()
    assert set(Enrollment.objects.values_list("flow", flat=True)) == {flow.pk}
    assert other.entries.count() == 0


def test_until_the_flow_runs_bodies_are_only_kept_as_samples(world: World) -> None:
    flow = world.drawn(("start", "webhook_received", {}), WELCOME)
    answer = call(flow)
    assert (answer.status_code, outcomes(), Contact.objects.count()) == (202, ["kept"], 0)
    assert HookSample.objects.get().body == ORDER


def test_the_last_ten_samples_are_kept_and_none_that_is_large(world: World) -> None:
    flow = started(world)
    for number in range(13):
        call(flow, {"customer": {"id": number}})
    call(flow, {"customer": {"id": 99}, "filler": "x" * 40_000})
    assert HookSample.objects.count() == 10
    assert [one.body is None for one in HookSample.objects.order_by("-id")[:2]] == [True, False]


@pytest.mark.parametrize("token", ["x", "1", "1.1", "1.1.x", "9.9.9", "01.1.abc", "1" * 190, "-1.1.x", "²..x"])
def test_who_does_not_know_the_address_finds_nothing(world: World, token: str) -> None:
    started(world)
    for path in (f"/v1/hooks/{token}/", f"/in/{token}"):
        assert Client().post(path, "{}", content_type="application/json").status_code == 404
        assert Client().get(path).status_code == 404


def test_every_letter_of_the_address_counts_and_another_flows_does_not_fit(world: World) -> None:
    flow, other = started(world), started(world)
    token = hooks.address_of(flow).split("/")[-2]
    number, turn, signature = token.split(".")
    wrong = [
        f"{other.pk}.{turn}.{signature}",
        f"{number}.2.{signature}",
        f"{number}.{turn}.{signature[:-1]}",
        token.swapcase(),
    ]
    answers = [Client().post(f"/v1/hooks/{one}/", "{}", content_type="application/json") for one in wrong]
    assert [one.status_code for one in answers] == [404] * 4
    assert HookSample.objects.count() == 0


def test_both_addresses_lead_to_the_same_door_and_reading_changes_nothing(world: World) -> None:
    flow = started(world)
    token = hooks.address_of(flow).split("/")[-2]
    assert Client().post(f"/in/{token}", json.dumps(ORDER), content_type="application/json").status_code == 200
    assert Client().get(f"/in/{token}").status_code == 405
    assert Event.objects.count() == 1


def test_a_new_address_leaves_the_one_before_a_day(world: World) -> None:
    flow = started(world)
    before = hooks.address_of(flow).split("/")[-2]
    hooks.rotate(flow, actor=HOUSE)
    after = hooks.address_of(flow).split("/")[-2]
    at = world.at
    assert before != after
    assert hooks.find(before, at) == hooks.find(after, at) == flow
    assert hooks.find(before, at + timedelta(hours=24)) is None
    hooks.rotate(flow, actor=HOUSE, overlap_hours=0)
    assert hooks.find(before, at) is hooks.find(after, at) is None


def test_an_address_survives_another_key_of_the_house(world: World, settings: Any) -> None:
    flow = started(world)
    before = hooks.address_of(flow).split("/")[-2]
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another-key-of-the-house"
    assert hooks.find(before, world.at) == flow
    settings.SECRET_KEY_FALLBACKS = []
    assert hooks.find(before, world.at) is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"[]", 400), (b'"x"', 400), (b"null", 400), (b"\xff\xfe", 400), (b'{"a": "\\u0000"}', 400),
        (b'{"a": "\\ud800"}', 400), (b'{"a": NaN}', 400), (b'{"a": 1e999}', 400), (b'{"a": 1, "a": 2}', 400),
        (b'{"a":' * 40 + b"1" + b"}" * 40, 400), (b'{"a":' + b"[" * 100_000, 400),
        (b'{"x": "' + b"y" * 10_000_000 + b'"}', 413), (b'{"customer": {}}', 400), (b'{"customer": {"id": true}}', 400),
        (b'{"customer": {"id": {"a": 1}}}', 400), (b'{"customer": {"email": ["a"]}}', 400),
        (b'{"customer": {"id": "%s"}}' % (b"z" * 300), 400), (b'{"customer": []}', 400),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_a_sentence_and_nothing_is_half_stored(
    world: World, body: bytes, status: int
) -> None:
    flow = started(world)
    answer = call(flow, body)
    assert (answer.status_code, bool(answer.json()["detail"])) == (status, True)
    assert (Contact.objects.count(), Event.objects.count()) == (0, 0)
    assert outcomes() == ["refused"]


def test_a_large_body_needs_its_properties_mapped(world: World) -> None:
    flow = started(world, properties={})
    body = {**ORDER, "note": "x" * 40_000}
    assert call(flow, body).status_code == 413
    assert Event.objects.count() == 0
    assert call(started(world), body).status_code == 200


def test_a_form_is_a_body_too_and_compression_is_refused(world: World) -> None:
    flow = world.flow(("start", "webhook_received", {"phone": "From", "properties": {"text": "Body"}}), WELCOME)
    path = "/v1/" + hooks.address_of(flow).partition("/v1/")[2]
    answer = Client().post(path, "From=%2B31612345678&Body=STOP", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, Contact.objects.get().phone) == (200, "+31612345678")
    squeezed = Client().post(path, b"\x1f\x8b", content_type="application/json", headers={"content-encoding": "gzip"})
    assert squeezed.status_code == 415


def test_what_came_speaks_no_more_of_a_contact_who_was_erased(world: World) -> None:
    flow = started(world)
    call(flow)
    call(flow, {"customer": {}, "note": "asks for MARA@example.com"})
    call(flow, {"customer": {"id": 20}})
    erase_contact(contact=Contact.objects.get(user_id="17"), actor=HOUSE)
    assert [one.body for one in HookSample.objects.all()] == [{"customer": {"id": 20}}]
    world.settle()


def test_an_address_whose_flow_was_archived_or_changed_its_trigger_is_gone(world: World) -> None:
    flow = world.drawn(("start", "webhook_received", MAPPED), WELCOME)
    assert call(flow).status_code == 202
    document = drafts.document(flow)
    document["nodes"][0] |= {"kind": "manual", "settings": {}}
    drafts.replace_draft(flow, document)
    assert call(flow).status_code == 404
    services.archive_flow(world.drawn(("start", "webhook_received", MAPPED)), actor=HOUSE)
    archived = Flow.objects.get(archived_at__isnull=False)
    assert call(archived).status_code == 404


def test_while_a_flow_is_paused_facts_are_kept_and_nobody_starts(world: World) -> None:
    flow = started(world)
    services.pause(flow, actor=HOUSE)
    call(flow)
    world.settle()
    assert (Event.objects.count(), world.refusals("17")) == (1, ["paused"])
    services.resume(flow, actor=HOUSE, take_in=True)
    world.settle()
    assert len(world.mails("17")) == 1


def test_the_gate_is_the_same_as_everywhere() -> None:
    assert hooks.LIMIT == 500 * 1024
    with pytest.raises(clean.Unclean):
        clean.check({"a": "\x00"})
