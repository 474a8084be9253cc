"""Successes of a flow: who, how much, and which steps they had passed."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.test import Client
from django.urls import reverse

from contacts.ingest import take
from flows import services, stats
from flows.models import Conversion, Flow
from tests.flows.conftest import SHOP, STARTS, WELCOME, World, wait
from workspace.audit import HOUSE

HOPES = {"event": "Order Completed", "within": "7d", "value": "revenue"}


def hopeful(world: World, **settings: Any) -> Flow:
    return world.flow(STARTS, wait("1d"), WELCOME, conversion=HOPES, **settings)


def test_a_journey_converts_once_with_its_money_and_counts_for_the_nodes_it_had_passed(world: World) -> None:
    flow = hopeful(world)
    for who in ("mara", "ben"):
        world.does(who, "Signed Up")
    world.later("1h")
    world.does("mara", "Order Completed", revenue=40.5)
    world.does("mara", "Order Completed", revenue=9)
    found = stats.counts(flow)
    assert (found["totals"]["converted"], found["totals"]["money"], found["totals"]["rate"]) == (
        1,
        Decimal("40.50"),
        50,
    )
    assert found["nodes"]["start"]["converted"] == 1
    assert found["nodes"]["wait"]["converted"] == 0  # she stood there and had not passed it


def test_an_order_after_the_journey_ended_counts_while_it_is_in_time(world: World) -> None:
    flow = hopeful(world)
    for who in ("mara", "ben"):
        world.does(who, "Signed Up")
    world.later("2d")
    world.does("mara", "Order Completed", revenue=10)
    world.later("6d")
    world.does("ben", "Order Completed", revenue=10)
    assert [one.contact.user_id for one in Conversion.objects.select_related("contact")] == ["mara"]
    assert stats.counts(flow)["nodes"]["mail"]["converted"] == 1


def test_an_order_before_entering_is_no_success_of_the_flow(world: World) -> None:
    hopeful(world)
    world.does("mara", "Order Completed", revenue=10)
    world.does("mara", "Signed Up")
    assert not Conversion.objects.exists()


def test_an_order_that_is_heard_of_late_counts_by_its_own_instant(world: World) -> None:
    hopeful(world)
    world.does("mara", "Signed Up")
    ordered = world.at + timedelta(days=6)
    world.later("8d")
    late = {"type": "track", "userId": "mara", "event": "Order Completed", "timestamp": ordered.isoformat()}
    assert take([{**late, "properties": {"revenue": 5}}], source=SHOP, received_at=world.at) == [None]
    world.settle()
    assert Conversion.objects.get().at == ordered


def test_money_that_is_no_number_counts_nothing_but_the_success(world: World) -> None:
    flow = hopeful(world)
    world.does("mara", "Signed Up")
    world.later("1h")
    world.does("mara", "Order Completed", revenue="a lot")
    assert (stats.counts(flow)["totals"]["converted"], stats.counts(flow)["totals"]["money"]) == (1, 0)


def test_a_flow_that_ended_still_hears_of_its_successes_and_an_archived_one_does_not(world: World) -> None:
    flow = hopeful(world)
    for who in ("mara", "ben"):
        world.does(who, "Signed Up")
    services.drain(flow, actor=HOUSE)
    world.later("1d")
    flow.refresh_from_db()
    assert flow.status == Flow.Status.ENDED
    world.does("mara", "Order Completed", revenue=1)
    assert Conversion.objects.count() == 1
    services.archive_flow(flow, actor=HOUSE)
    world.does("ben", "Order Completed", revenue=1)
    assert Conversion.objects.count() == 1


def test_compacting_keeps_the_money(world: World) -> None:
    flow = hopeful(world)
    world.does("mara", "Signed Up")
    world.does("ben", "Signed Up")
    world.turn_clock(world.at + timedelta(seconds=1))
    for who in ("mara", "ben"):
        world.does(who, "Order Completed", revenue=20.25)
    world.later("30m")
    assert stats.compact(world.at) > 0
    assert stats.counts(flow)["totals"]["money"] == Decimal("40.50")


def test_every_node_says_how_many_converted_and_nought_where_nobody_did(world: World, admin_client: Client) -> None:
    conversion = {"event": "Order Completed", "within": "7d"}
    flow = world.flow(STARTS, wait("1h"), WELCOME, conversion=conversion)
    assert {key: one["converted"] for key, one in stats.counts(flow)["nodes"].items()} == {
        "start": 0,
        "wait": 0,
        "mail": 0,
    }
    strips = admin_client.get(reverse("flow_counts", args=[flow.pk])).content.decode()
    assert strips.count("</strong> converted") == 3
    plain = world.flow(STARTS, WELCOME)
    assert stats.counts(plain)["nodes"] == {}
    assert "converted" not in admin_client.get(reverse("flow_counts", args=[plain.pk])).content.decode()
