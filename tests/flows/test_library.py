"""Every template of the library becomes a flow that runs, and does what it says."""

import pytest
from django.test import Client
from django.urls import reverse

from flows import checking, services
from flows.library import TEMPLATES, making
from flows.models import Enrollment
from messaging.models import Template
from segmentation.models import Segment
from tests.flows.conftest import World
from workspace.audit import HOUSE
from workspace.keys import make_key
from workspace.problems import Refused


@pytest.mark.parametrize("slug", TEMPLATES)
def test_a_template_becomes_a_flow_without_a_fault_and_runs(world: World, slug: str) -> None:
    flow = making.make(slug, actor=HOUSE)
    assert [one.message for one in checking.check(flow) if one.severity == "error"] == []
    assert services.activate(flow, actor=HOUSE, settings=None).status == "running"


def test_making_it_twice_uses_what_is_there(world: World) -> None:
    first, second = (making.make("welcome", actor=HOUSE) for _ in range(2))
    assert (first.slug, second.slug) == ("welcome-new-sign-ups", "welcome-new-sign-ups-2")
    assert Segment.objects.filter(slug__startswith="new-sign-ups").count() == 1
    assert Template.objects.filter(slug__startswith="welcome-").count() == 3


def test_an_unknown_template_is_refused_and_nothing_is_made(world: World) -> None:
    with pytest.raises(Refused, match="There is no template “nothing”"):
        making.make("nothing", actor=HOUSE)
    assert not Template.objects.exists()


def test_mara_signs_up_is_welcomed_and_left_alone_after_her_first_order(world: World) -> None:
    services.activate(making.make("welcome", actor=HOUSE), actor=HOUSE)
    world.settle()
    world.does("mara", "Signed Up")
    assert world.path("mara") == ["starts", "hello"]
    world.does("mara", "Order Completed", revenue=10)
    assert world.journeys("mara") == [("exited", "settle", "left the segment")]


def test_bens_cart_is_remembered_until_he_orders(world: World) -> None:
    services.activate(making.make("cart-abandonment", actor=HOUSE), actor=HOUSE)
    world.does("ben", "Product Added")
    world.later("1h")
    assert world.path("ben")[-1] == "first"
    world.does("ben", "Order Completed")
    world.later("2d")
    assert "second" not in world.path("ben")


def test_zoes_account_goes_after_a_week_and_a_look(world: World) -> None:
    services.activate(making.make("account-deletion", actor=HOUSE), actor=HOUSE)
    world.meets("zoe")
    world.does("zoe", "Account Deletion Requested", reason="too many mails")
    world.later("7d")
    assert (Enrollment.objects.get().node, Enrollment.objects.get().status) == ("sure", "active")


def test_elis_birthday_is_remembered_on_the_day(world: World) -> None:
    flow = making.make("birthday", actor=HOUSE)
    world.meets("eli", birthday="1990-03-04")
    services.activate(flow, actor=HOUSE)
    world.settle()
    assert world.journeys("eli") == []
    world.later("2d")
    assert len(world.journeys("eli")) == 1


def test_the_page_shows_them_all_and_makes_one(world: World, admin_client: Client) -> None:
    page = admin_client.get(reverse("flow_templates"))
    assert all(one.name in page.content.decode() for one in TEMPLATES.values())
    made = admin_client.post(reverse("flow_templates"), {"template": "welcome"}, follow=True)
    assert "Look it over, then activate it" in made.content.decode()
    refused = admin_client.post(reverse("flow_templates"), {"template": "x\x00"}, follow=True)
    assert "There is no template" in refused.content.decode()


def test_the_api_lists_them_and_makes_one(world: World) -> None:
    key = {"Authorization": f"Bearer {make_key(name='k', scope='manage', actor=HOUSE)[1]}"}
    listed = Client().get("/api/v1/flows/templates/", headers=key).json()
    assert {one["slug"] for one in listed} == set(TEMPLATES)
    body = {"template": "cart-abandonment", "name": "Carts of spring"}
    made = Client().post("/api/v1/flows/templates/", body, content_type="application/json", headers=key)
    assert (made.status_code, made.json()["name"], made.json()["status"]) == (201, "Carts of spring", "draft")
