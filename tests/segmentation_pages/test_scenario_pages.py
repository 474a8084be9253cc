"""Predefined scenarios in the pages: Mia fills one in, sees whom it finds, and makes the segment and its flow."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from flows.models import Flow
from segmentation import evaluation, services
from segmentation.models import Segment
from segmentation.scenarios import PERSONAS, reckoning
from segmentation.scenarios.making import PREFIX
from tests.conftest import PHONE
from tests.factories import did, event_name, members, person
from workspace import purchases
from workspace.models import Job, Workspace

pytestmark = pytest.mark.django_db
BOUGHT = "Order Completed"


@pytest.fixture
def mia(marketer: Any) -> Client:
    client = Client()
    client.force_login(marketer, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def shop(db: None) -> None:
    """Rolf buys often and for much, Ben bought once."""
    event_name(BOUGHT, value_property="revenue")
    rolf, ben = person("Rolf"), person("Ben")
    for _ in range(5):
        did(rolf, BOUGHT, revenue=100, currency="USD")
    did(ben, BOUGHT, revenue=10, currency="USD")


def found(client: Client, name: str, *args: str, **said: str) -> str:
    answer = client.get(reverse(name, args=args), said, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.usefixtures("shop")
def test_a_scenario_shows_whom_it_finds_and_becomes_an_ordinary_segment(mia: Client) -> None:
    assert ">1<" in found(mia, "segment_scenario", "high-rollers")
    assert ">0<" in found(mia, "segment_scenario", "high-rollers", often="6")
    assert "whole number" in found(mia, "segment_scenario", "high-rollers", often="many")
    answer = mia.post(reverse("segment_scenario", args=["high-rollers"]), {"name": "Our best", "often": "5"})
    made = Segment.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, reverse("segment", args=[made.pk]))
    evaluation.recompute_waiting()
    assert (made.name, members(made)) == ("Our best", {"Rolf"})


@pytest.mark.usefixtures("shop")
def test_a_threshold_may_be_a_share_of_the_buyers(mia: Client) -> None:
    told = found(mia, "segment_scenario", "high-rollers", often="top 50%", high="top 50%", recent="90d")
    assert "500 now" in told or "10 now" in told
    assert "nothing to go by" not in told


def test_a_share_of_nobody_is_refused_with_a_sentence(mia: Client) -> None:
    assert "write a number instead" in found(mia, "segment_scenario", "high-rollers", often="top 20%")
    answer = mia.post(reverse("segment_scenario", args=["high-rollers"]), {"often": "top 20%"})
    assert answer.status_code == 422
    assert not Segment.objects.exists()


@pytest.mark.usefixtures("shop")
def test_segment_and_flow_are_made_together_or_not_at_all(mia: Client) -> None:
    door = reverse("flow_start", args=["high-rollers"])
    assert mia.post(door, {"often": "0"}).status_code == 422
    assert not Segment.objects.exists()
    assert mia.post(door, {"name": "VIP"}).status_code == 302
    flow, segment = Flow.objects.get(), Segment.objects.get()
    assert (flow.status, segment.name) == ("draft", "VIP")
    assert flow.nodes.get(key="enters").settings["segment"] == segment.slug


@pytest.mark.usefixtures("shop")
def test_all_eight_are_made_together_once(mia: Client) -> None:
    assert "High Rollers" in found(mia, "segment_personas")
    assert mia.post(reverse("segment_personas")).status_code == 302
    assert set(Segment.objects.values_list("slug", flat=True)) == {PREFIX + one.slug for one in PERSONAS}
    again = mia.post(reverse("segment_personas"))
    assert again.status_code == 409
    assert "stand already" in again.content.decode()
    assert Segment.objects.count() == len(PERSONAS)


def test_a_viewer_looks_and_makes_nothing(viewer: Any) -> None:
    client = Client()
    client.force_login(viewer, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get(reverse("segment_scenarios")).status_code == 200
    assert client.get(reverse("segment_movement")).status_code == 200
    for name, args in (("segment_scenario", ["purchases"]), ("segment_personas", []), ("segment_movement", [])):
        assert client.post(reverse(name, args=args)).status_code == 403
    assert not Segment.objects.exists()
    assert not Job.objects.exists()


@pytest.mark.usefixtures("shop")
def test_the_movement_is_reckoned_by_a_worker_and_shown(mia: Client) -> None:
    page = reverse("segment_movement")
    assert "Nothing reckoned yet" in mia.get(page).content.decode()
    assert mia.post(page, {"often": "4"}).status_code == 302
    assert mia.post(page, {"often": "4"}).status_code == 302
    assert Job.objects.count() == 1, "a standing request is not doubled"
    assert reckoning.work() == 1
    job = Job.objects.get()
    assert (job.status, job.done, job.total) == ("done", 13, 13)
    told = mia.get(page).content.decode()
    assert "In none of them → High Rollers" in told
    chart = mia.get(reverse("segment_movement_chart")).json()
    assert len(chart["times"]) == 13
    assert {one["label"]: one["values"][-1] for one in chart["series"]}["High Rollers"] == 1


def test_a_reckoning_is_cancelled_before_and_while_it_runs(mia: Client) -> None:
    page = reverse("segment_movement")
    mia.post(page)
    mia.post(page, {"cancel": ""})
    assert (Job.objects.get().status, reckoning.work()) == ("cancelled", 0)
    mia.post(page)
    running = Job.objects.latest("pk")
    Job.objects.filter(pk=running.pk).update(cancel_requested=True)
    assert reckoning.work() == 1
    assert Job.objects.get(pk=running.pk).status == "cancelled"
    assert reckoning.latest() is None


def test_the_mapping_is_changed_by_an_administrator_alone(mia: Client, admin_user: Any) -> None:
    Workspace.objects.get_or_create(pk=1)
    page = reverse("purchase_mapping")
    said = {
        **{k: v for k, v in purchases.mapping().model_dump().items() if k != "engagement"},
        "engagement": "Opened\nClicked\n",
    }
    assert mia.get(page).status_code == 200
    assert mia.post(page, said).status_code == 403
    ada = Client()
    ada.force_login(admin_user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert ada.post(page, {**said, "purchase": "Bestellung"}).status_code == 302
    assert (purchases.mapping().purchase, purchases.mapping().engagement) == ("Bestellung", ["Opened", "Clicked"])
    wrong = ada.post(page, {**said, "purchase": "", "engagement": " "})
    assert wrong.status_code == 422
    assert wrong.content.decode().count("field-errors") == 2
    assert purchases.mapping().purchase == "Bestellung"


@pytest.mark.browser
def test_mia_makes_a_persona_by_keyboard_and_axe_finds_nothing(
    open_page: Callable[..., Page], marketer: Any, axe: Callable[[Page], None], shop: None
) -> None:
    page = open_page(marketer)
    for address in (
        "/segments/scenarios/",
        "/segments/scenarios/all/",
        "/segments/scenarios/movement/",
        "/settings/purchases/",
    ):
        page.goto(address)
        axe(page)
    page.goto("/segments/scenarios/high-rollers/")
    expect(page.locator("#found .stat-value")).to_have_text("1")
    axe(page)
    page.get_by_label("Often: at least so many purchases").fill("6")
    expect(page.locator("#found .stat-value")).to_have_text("0")
    page.get_by_label("Often: at least so many purchases").fill("top 50%")
    expect(page.locator("#found")).to_contain_text("now")
    page.get_by_role("button", name="Create segment", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/segments/*/")
    assert services.size_of(Segment.objects.get().pk) == 0


@pytest.mark.browser
def test_scenarios_fit_a_phone(open_page: Callable[..., Page], marketer: Any, axe: Callable[[Page], None]) -> None:
    page = open_page(marketer, scheme="dark", viewport=PHONE)
    for address in ("/segments/scenarios/", "/segments/scenarios/purchases/", "/segments/scenarios/all/"):
        page.goto(address)
        axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
