"""Why, as of, overlap, used by and muted in a real browser: wide and narrow, light and dark, nothing that axe finds."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from contacts.services import contacts_by_user_id
from segmentation import services
from segmentation.evaluation import recompute
from segmentation.models import Segment
from tests.conftest import PHONE, WIDE
from tests.segmentation_pages.stories import order, person, tell
from tests.segmentation_pages.test_why_api import TWO_ORDERS
from workspace.audit import HOUSE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def regulars(live_server: Any) -> Segment:
    """Ana bought twice, Ben once; the inner circle stands on the regulars, and is muted."""
    tell(person("Ana"), person("Ben"), order("Ana", 50, 5), order("Ana", 20, 2), order("Ben", 10, 1))
    made = services.create_segment(name="Regulars", slug="regulars", kind="dynamic", criteria=TWO_ORDERS, actor=HOUSE)
    inner = {"operator": "OR", "negate": True, "conditions": [{"type": "SEGMENT", "segment": "regulars"}]}
    outer = services.create_segment(name="Newcomers", kind="dynamic", criteria=inner, actor=HOUSE)
    for one in (made, outer):
        recompute(one.pk, cause="edited")
    services.mute_segment(outer, muted=True, actor=HOUSE)
    return made


@pytest.mark.parametrize(("scheme", "viewport"), [("light", WIDE), ("dark", PHONE)])
def test_the_pages_that_say_why_are_accessible_and_fit(
    open_page: Callable[..., Page],
    admin_user: Any,
    axe: Callable[[Page], None],
    regulars: Segment,
    scheme: str,
    viewport: Any,
) -> None:
    page = open_page(admin_user, scheme, viewport)
    outer = Segment.objects.get(name="Newcomers").pk
    ana = contacts_by_user_id(["ana"])["ana"]
    for path in (
        f"/segments/{outer}/why/?contact=user:ana",
        f"/segments/{regulars.pk}/why/",
        f"/contacts/{ana}/segments/",
        f"/contacts/{ana}/",
        f"/segments/{regulars.pk}/members/?at=2026-01-01T10:00",
        f"/segments/{regulars.pk}/moves/?kind=entered",
        f"/segments/{regulars.pk}/used-by/",
        f"/segments/overlap/?s={regulars.pk}&s={outer}",
    ):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        page.evaluate("document.querySelectorAll('details.why-events').forEach((one) => { one.open = true; })")
        axe(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_a_marketer_finds_out_why_ana_is_in_and_until_when(signed_in_page: Page, regulars: Segment) -> None:
    page = signed_in_page
    page.goto(f"/segments/{regulars.pk}/")
    page.get_by_role("link", name="Why", exact=True).first.click()
    page.get_by_role("searchbox", name="Find a contact").fill("ana")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Ana").click()
    expect(page.get_by_text("ages out")).to_be_visible()
    page.get_by_text("2 events count").click()
    expect(page.locator(".why-events li")).to_have_count(2)
    page.get_by_role("link", name="Why Ana is in or out of every segment").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Segments of Ana")
    expect(page.get_by_role("region", name="Newcomers")).to_contain_text("Enters")


def test_the_panel_of_a_contact_tells_until_when_by_itself(signed_in_page: Page, regulars: Segment) -> None:
    page = signed_in_page
    page.goto(f"/contacts/{contacts_by_user_id(['ana'])['ana']}/")
    expect(page.get_by_role("list", name="Leaves by itself")).to_contain_text("Regulars")


def test_the_members_of_yesterday_are_kept_as_a_copy(signed_in_page: Page, regulars: Segment) -> None:
    page = signed_in_page
    page.goto(f"/segments/{regulars.pk}/members/")
    page.get_by_label("As of").fill("2026-01-01T10:00:00")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("0 contacts were in it then")).to_be_visible()
    page.get_by_role("button", name="Keep a static copy").first.click()
    expect(page.get_by_text("and stays as it is")).to_be_visible()
    assert Segment.objects.filter(kind="static").count() == 1


def test_unmuting_asks_and_says_what_was_missed(signed_in_page: Page, regulars: Segment) -> None:
    page = signed_in_page
    page.goto(f"/segments/{Segment.objects.get(name='Newcomers').pk}/")
    expect(page.get_by_text("Muted: no flow hears of its moves")).to_be_visible()
    page.get_by_role("button", name="Unmute").click()
    page.get_by_role("dialog").get_by_role("button", name="Unmute").click()
    expect(page.get_by_text("Flows hear again")).to_be_visible()
    assert not Segment.objects.filter(muted=True).exists()
