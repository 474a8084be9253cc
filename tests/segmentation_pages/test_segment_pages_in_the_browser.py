"""The pages of segments in a real browser: numbers that move, dialogs that ask, nothing that axe finds."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from contacts.services import contacts_by_user_id
from segmentation import services
from segmentation.evaluation import recompute, take_changes
from segmentation.models import Segment
from tests.conftest import PHONE
from tests.segmentation_pages.stories import SEED_004, order, person, tell
from workspace.audit import HOUSE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def enterprise(live_server: Any) -> Segment:
    """The segment of the docs with Ana in it, and a static one with Ben."""
    tell(person("Ana", plan="enterprise"), person("Ben", plan="free"), order("Ana", 50))
    made = services.create_segment(name="Enterprise", kind="dynamic", criteria=SEED_004, actor=HOUSE)
    recompute(made.pk)
    return made


def by_hand() -> Segment:
    """Make a static segment with one member."""
    made = services.create_segment(name="Testers", actor=HOUSE)
    tell(person("Cleo"))
    services.add_members(made, [made_id("cleo")], actor=HOUSE)
    return made


def made_id(user_id: str) -> int:
    """Return a contact's number."""
    return contacts_by_user_id([user_id])[user_id]


def test_a_number_on_an_open_page_changes_without_a_reload(signed_in_page: Page, enterprise: Segment) -> None:
    page = signed_in_page
    page.goto("/segments/")
    size = page.locator(f"[data-number=size-{enterprise.pk}]")
    expect(size).to_have_text("1")
    tell({**person("Ben", plan="enterprise"), "messageId": "ben-again"})
    take_changes()
    expect(size).to_have_text("2", timeout=15_000)


def test_deleting_asks_first_and_names_the_segment(signed_in_page: Page, enterprise: Segment) -> None:
    page = signed_in_page
    page.goto("/segments/")
    page.get_by_role("button", name="Actions for Enterprise").click()
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete Enterprise?")
    dialog.get_by_role("button", name="Cancel").click()
    assert Segment.objects.exists()
    page.get_by_role("button", name="Actions for Enterprise").click()
    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Enterprise is deleted.")).to_be_visible()
    assert not Segment.objects.exists()


def test_an_edit_shows_what_it_does_before_it_is_saved(signed_in_page: Page, enterprise: Segment) -> None:
    page = signed_in_page
    page.goto(f"/segments/{enterprise.pk}/edit/")
    page.get_by_role("group", name="Attribute 1").get_by_label("Value", exact=True).fill("free")
    expect(page.locator(".builder-sample")).to_contain_text("Ben")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="What this change does")).to_be_visible()
    expect(page.get_by_label("Nothing")).to_be_checked()
    page.get_by_role("button", name="Save the change").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Enterprise")
    assert Segment.objects.select_related("rule").get().rule.document["conditions"][0]["value"] == "free"  # type: ignore[union-attr]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pages_of_segments(
    open_page: Callable[..., Page], admin_user: Any, enterprise: Segment, axe: Callable[..., None], scheme: str
) -> None:
    testers = by_hand()
    page = open_page(admin_user, scheme)
    here, there = f"/segments/{enterprise.pk}/", f"/segments/{testers.pk}/"
    for url in ("/segments/", "/segments/new/", here, f"{here}moves/", f"{here}evaluations/", f"{there}members/"):
        page.goto(url)
        page.wait_for_load_state("networkidle")
        axe(page)


def test_the_pages_fit_a_phone(open_page: Callable[..., Page], admin_user: Any, enterprise: Segment) -> None:
    page = open_page(admin_user, viewport=PHONE)
    for url in ("/segments/", "/segments/new/", f"/segments/{enterprise.pk}/", f"/segments/{enterprise.pk}/members/"):
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), url
