"""Drawing by mouse and keys: the menu of a step, copy and paste, folding, finding, two editors, a version beside the draft."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from flows import drafts, services
from flows.models import Flow
from segmentation.models import Segment
from workspace.audit import HOUSE, Actor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def deed(page: Page, key: str, name: str) -> None:
    """Choose what is done with a step from the menu that the right button opens."""
    page.locator(f"#card-{key}").click(button="right")
    page.locator("#card-menu").get_by_role("button", name=name, exact=False).and_(
        page.locator(":visible")
    ).first.click()


def test_a_branch_is_copied_pasted_moved_and_removed_and_all_of_it_undone_after_a_reload(
    signed_in_page: Page, drawn: Flow, axe: Any
) -> None:
    page = signed_in_page
    page.set_default_timeout(30_000)
    page.goto(f"/flows/{drawn.pk}/")
    before = drafts.document(drawn)["edges"]
    page.locator("#card-split").click(button="right")
    axe(page)
    page.locator("#card-menu [data-do=copy][data-below]").click()
    expect(page.locator(".toast")).to_contain_text("4 steps copied")
    page.locator("#slot-wait-next").click()
    page.locator("#insert-menu [data-paste]").click()
    expect(page.locator("#card-split-1")).to_be_focused()
    expect(page.locator("#card-mark-1")).to_be_visible()

    page.keyboard.press("Control+d")
    expect(page.locator("#card-split-2")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.locator("#card-split-2")).to_have_count(0)

    page.locator("#card-wait").focus()
    page.keyboard.press("m")
    expect(page.locator("#placing")).to_contain_text("Choose the + where this step goes.")
    page.locator("#slot-dutch-next").click()
    expect(page.locator("#slot-dutch-next")).to_have_attribute("data-target", "wait")

    page.locator("#card-split-1").focus()
    page.keyboard.press("Shift+Delete")
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.locator("#card-split-1")).to_have_count(0)

    page.reload()
    for _ in range(3):
        page.locator("#undo").click()
        expect(page.locator("#saved[data-state=saved]")).to_be_visible()
    expect(page.locator("#undo")).to_be_disabled()
    expect(page.locator("#card-split-1")).to_have_count(0)
    assert sorted(map(str, drafts.document(drawn)["edges"])) == sorted(map(str, before))
    page.keyboard.press("Control+Shift+z")
    expect(page.locator("#card-split-1")).to_be_visible()


def test_what_is_folded_away_is_found_and_unfolded(signed_in_page: Page, drawn: Flow, axe: Any) -> None:
    page = signed_in_page
    page.set_default_timeout(30_000)
    page.goto(f"/flows/{drawn.pk}/")
    page.locator("#card-split").focus()
    page.keyboard.press("c")
    chip = page.locator("#fold-split")
    expect(chip).to_contain_text("3 steps")
    expect(page.locator("#card-mark")).to_have_count(0)
    axe(page)
    page.reload()
    expect(chip).to_be_visible()
    page.keyboard.press("Control+f")
    page.keyboard.type("greeted")
    expect(page.get_by_role("option")).to_have_count(1)
    axe(page)
    page.keyboard.press("Enter")
    expect(page.locator("#card-mark")).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_contain_text("Fold away what follows")


def test_of_two_editors_the_second_chooses_to_do_theirs_as_well(
    signed_in_page: Page, drawn: Flow, marketer: Any
) -> None:
    page = signed_in_page
    page.set_default_timeout(30_000)
    page.goto(f"/flows/{drawn.pk}/")
    drafts.change_node(drawn, "wait", name="Hers", actor=Actor(user_id=marketer.pk))
    page.locator("#card-mark").focus()
    page.keyboard.press("Delete")
    expect(page.get_by_role("alert")).to_contain_text("mia: Wait changed")
    expect(page.locator("#card-mark")).to_be_visible()
    page.get_by_role("button", name="Do mine as well").click()
    expect(page.locator("#card-mark")).to_have_count(0)
    expect(page.locator("#card-wait")).to_contain_text("Hers")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_version_is_walked_beside_the_draft(
    open_page: Callable[..., Page], admin_user: Any, drawn: Flow, signed_up: Segment, axe: Any
) -> None:
    services.activate(drawn, actor=HOUSE)
    drafts.change_node(drawn, "wait", settings={"duration": "5d"})
    drafts.remove_node(drawn, "english")
    page = open_page(admin_user, scheme="dark")
    page.set_default_timeout(30_000)
    page.goto(f"/flows/{drawn.pk}/")
    page.get_by_role("link", name="Unpublished changes").click()
    expect(page.locator(".compare-list")).to_contain_text("Wait 5 days")
    page.locator(".difference[data-go=english]").click()
    expect(page.locator("#version-english")).to_be_in_viewport()
    expect(page.locator("#version-english")).to_have_attribute("aria-current", "true")
    axe(page)
