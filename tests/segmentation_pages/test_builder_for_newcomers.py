"""The builder for somebody who read nothing: by keyboard alone, before its scripts, without a network, with many rows."""

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from segmentation import services
from segmentation.scenarios.making import fill
from tests.segmentation_pages.stories import SEED_004
from tests.segmentation_pages.test_builder_in_the_browser import add, begin, document, put, shoppers
from tests.segmentation_pages.test_personas_by_hand import Builder, people
from workspace.audit import HOUSE
from workspace.clock import now

__all__ = ["people", "shoppers"]
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ACTIVE = "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()"


class Keys:
    """Hands that have a keyboard alone."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def to(self, label: str) -> None:
        """Go on with Tab until something of this name has the focus."""
        for _ in range(150):
            if self.page.evaluate(ACTIVE) == label:
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never comes to {label}")

    def write(self, label: str, text: str) -> None:
        """Go there and write something else."""
        self.to(label)
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def add(self, choice: str, times: int = 0, days: int = 0) -> None:
        """Add what is found by its name, and fill in its numbers."""
        rows = self.page.locator(".builder-tree .condition:not(.condition-where *)")
        before = rows.count()
        if before:
            self.to("Add condition")
            self.page.keyboard.press("Enter")
        self.to("Search conditions")
        self.page.keyboard.type(choice)
        self.page.keyboard.press("Enter")
        expect(rows).to_have_count(before + 1)
        if times:
            self.write("Amount", str(times))
        if days:
            self.write("Length of time: how many", str(days))


@pytest.mark.parametrize("slug", ["high-rollers", "brand-enthusiasts"])
def test_a_persona_is_built_by_keyboard_alone(
    open_page: Callable[..., Page], admin_user: Any, people: None, slug: str
) -> None:
    page = open_page(admin_user)
    page.goto("/segments/new/dynamic/")
    Builder(page).empty()
    keys = Keys(page)
    keys.add("Bought", 1, 90)
    keys.add("Bought", 4, 365)
    keys.add("Spent", 200)
    if slug == "brand-enthusiasts":
        keys.to("Exclude: Event 3")
        page.keyboard.press("Enter")
        assert page.evaluate(ACTIVE) == "Exclude: Event 3"
    assert Builder(page).counted() == fill(slug, {}, now()).size == 1


def test_before_its_scripts_the_form_keeps_its_room_and_its_criteria(client: Client, marketer: Any) -> None:
    client.force_login(marketer, backend="allauth.account.auth_backends.AuthenticationBackend")
    made = services.create_segment(name="Big", kind="dynamic", criteria=SEED_004, actor=HOUSE)
    there = reverse("segment_edit", args=[made.pk])
    html = client.get(there).content.decode()
    for waits in ("builder-waiting", "<noscript>", "The conditions need JavaScript"):
        assert waits in html
    (carried,) = re.findall(r'<input type="hidden" name="criteria" value="([^"]*)">', html)
    criteria = unescape(carried)
    assert json.loads(criteria) == SEED_004
    assert client.post(there, {"name": "Bigger", "criteria": criteria, "save": ""}).status_code == 302
    made.refresh_from_db()
    assert (made.name, made.rule and made.rule.document) == ("Bigger", SEED_004)


def test_where_one_row_stands_alone_there_is_nothing_to_join(signed_in_page: Page, shoppers: None) -> None:
    page = signed_in_page
    begin(page)
    page.get_by_role("button", name="Bought", exact=True).click()
    expect(page.get_by_role("button", name="All of these")).to_have_count(0)
    expect(page.locator(".builder-words")).to_have_text("Did “Order Completed” in the last 30 days")
    add(page, "Spent")
    expect(page.get_by_role("button", name="All of these").first).to_be_visible()


def test_without_a_network_the_count_says_so_and_comes_back_with_it(signed_in_page: Page, shoppers: None) -> None:
    page = signed_in_page
    begin(page)
    page.get_by_role("button", name="Bought", exact=True).click()
    expect(page.locator(".live-count strong")).to_have_text("3")
    page.context.set_offline(True)
    page.get_by_label("Amount").fill("2")
    expect(page.get_by_text("You are offline.")).to_be_visible()
    assert document(page)["conditions"][0]["aggregate"]["value"] == 2
    page.context.set_offline(False)
    expect(page.locator(".live-count strong")).to_have_text("1")  # Ben's other order has just aged out


def test_what_is_marked_is_listed_and_leads_to_its_row(signed_in_page: Page, shoppers: None) -> None:
    page = signed_in_page
    begin(page)
    rows = [{"type": "PROPERTY", "propertyName": "createdAt", "operator": "in_last", "value": "30d"} for _ in range(60)]
    rows[57] = {**rows[57], "value": "soon"}
    put(page, {"operator": "AND", "conditions": rows})
    page.get_by_role("button", name="Attribute 58", exact=True).click()
    expect(page.get_by_role("group", name="Attribute 58", exact=True)).to_be_in_viewport()


def test_a_row_that_did_not_change_is_kept_when_others_do(signed_in_page: Page, shoppers: None) -> None:
    page = signed_in_page
    begin(page)
    put(
        page,
        {"operator": "AND", "conditions": [{"type": "EVERYONE"}, {"type": "EVENT", "eventName": "Order Completed"}]},
    )
    page.evaluate("document.querySelectorAll('.condition').forEach(one => { one.marked = true; })")
    add(page, "Bought")
    expect(page.locator(".builder-tree .condition")).to_have_count(3)
    assert page.evaluate("[...document.querySelectorAll('.condition')].map(one => one.marked === true)") == [
        True,
        True,
        False,
    ]
    page.get_by_role("button", name="Undo").click()  # what comes back is edited as itself
    page.get_by_role("group", name="Event 2", exact=True).get_by_label("Amount").fill("7")
    assert document(page)["conditions"][1]["aggregate"]["value"] == 7


def test_the_picker_of_attributes_shows_values_that_there_are(signed_in_page: Page, shoppers: None) -> None:
    page = signed_in_page
    begin(page)
    page.get_by_role("button", name="Attribute", exact=True).click()
    page.get_by_role("combobox", name="Attribute").click()
    expect(page.get_by_text("100% have one · free, enterprise")).to_be_visible()
