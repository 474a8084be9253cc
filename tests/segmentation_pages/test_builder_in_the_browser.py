"""The criteria builder as people use it: with the mouse, with the keyboard alone, in light and dark, on a phone."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from segmentation.models import Segment
from tests.conftest import PHONE
from tests.segmentation_pages.stories import order, person, tell

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
HIGH_ROLLERS = {
    "operator": "AND",
    "conditions": [
        {
            "type": "EVENT",
            "eventName": "Order Completed",
            "aggregate": {"function": "count", "operator": ">=", "value": 2},
        },
        {
            "type": "EVENT",
            "eventName": "Order Completed",
            "aggregate": {"function": "sum", "operator": ">=", "value": 200, "propertyName": "revenue"},
            "window": {"last": "365d"},
        },
    ],
}


@pytest.fixture
def shoppers(live_server: Any) -> None:
    """Ana and Ben bought much, Cleo little."""
    tell(person("Ana", plan="enterprise"), person("Ben", plan="free"), person("Cleo", plan="free"))
    tell(order("Ana", 150), order("Ana", 90, 20), order("Ben", 400), order("Ben", 10, 30), order("Cleo", 12))


def document(page: Page) -> Any:
    """Return what the builder would post."""
    return json.loads(page.locator("criteria-builder > input[name=criteria]").input_value() or "null")


def begin(page: Page) -> None:
    """Open the form of a new dynamic segment and wait for the builder."""
    page.goto("/segments/new/dynamic/")
    expect(page.get_by_text("Begin with a condition:")).to_be_visible()


def test_a_marketer_builds_high_rollers_with_the_mouse_and_sees_who_they_are(
    signed_in_page: Page, shoppers: None
) -> None:
    page = signed_in_page
    begin(page)
    page.get_by_label("Name", exact=True).fill("High Rollers")
    page.get_by_role("button", name="Event", exact=True).click()
    page.get_by_label("Amount").fill("2")
    page.get_by_role("button", name="Add condition", exact=True).click()
    page.get_by_role("button", name="Event", exact=True).click()
    second = page.get_by_role("group", name="Event 2", exact=True)
    second.get_by_label("Measure").select_option("sum")
    second.get_by_label("Of which parameter").select_option("revenue")
    second.get_by_label("Amount").fill("200")
    second.get_by_label("When").select_option("last")
    second.get_by_label("how many").fill("365")
    expect(page.get_by_text("contacts match now")).to_be_visible()
    expect(page.locator(".live-count strong")).to_have_text("2")
    expect(page.locator(".builder-sample")).to_contain_text("Ana")
    assert document(page) == HIGH_ROLLERS
    page.get_by_role("button", name="Create segment").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("High Rollers")
    assert Segment.objects.get().rule.document == HIGH_ROLLERS  # type: ignore[union-attr]


def test_the_same_segment_is_built_with_the_keyboard_alone(signed_in_page: Page, shoppers: None) -> None:
    page = signed_in_page
    begin(page)
    press = page.keyboard.press
    page.get_by_role("button", name="Event", exact=True).focus()
    press("Enter")  # a new row; the focus stands on "did"
    for _ in range(4):
        press("Tab")  # event, measure, comparison, amount
    page.keyboard.type("2")
    page.keyboard.press("Control+a")
    page.keyboard.type("2")
    page.get_by_role("button", name="Add condition", exact=True).focus()
    press("Enter")
    expect(page.get_by_role("button", name="Attribute", exact=True)).to_be_focused()  # the menu's first
    press("ArrowDown")
    press("Enter")
    press("Tab")
    press("Tab")
    page.keyboard.type("sum")  # the measure
    press("Tab")
    page.keyboard.type("revenue")
    press("Tab")
    press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("200")
    press("Tab")
    page.keyboard.type("in the last")
    press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("365")
    expect(page.locator(".live-count strong")).to_have_text("2")
    assert document(page) == HIGH_ROLLERS


def test_rows_move_with_alt_and_arrows_into_groups_and_out_again(signed_in_page: Page, shoppers: None) -> None:
    page = signed_in_page
    begin(page)
    page.get_by_role("button", name="Everyone", exact=True).click()
    page.get_by_role("button", name="Add condition group").click()
    page.get_by_role("group", name="Group 2").get_by_role("button", name="Event", exact=True).click()
    page.get_by_role("group", name="Everyone 1").get_by_role("button", name="Move, duplicate").focus()
    page.keyboard.press("Alt+ArrowDown")
    inner = document(page)["conditions"][0]["conditions"]
    assert [one["type"] for one in inner] == ["EVERYONE", "EVENT"]
    page.keyboard.press("Alt+ArrowUp")
    assert [one.get("type", "group") for one in document(page)["conditions"]] == ["EVERYONE", "group"]
    page.keyboard.press("Control+z")
    assert len(document(page)["conditions"]) == 1
    page.keyboard.press("Control+Shift+z")
    assert len(document(page)["conditions"]) == 2


def test_a_row_is_dragged_below_another(signed_in_page: Page, shoppers: None) -> None:
    page = signed_in_page
    begin(page)
    page.get_by_role("button", name="Everyone", exact=True).click()
    page.get_by_role("button", name="Add condition", exact=True).click()
    page.get_by_role("button", name="Event", exact=True).click()
    low = page.get_by_role("group", name="Event 2").bounding_box()
    assert low
    page.get_by_role("group", name="Everyone 1").get_by_role("button", name="Move, duplicate").hover()
    page.mouse.down()
    page.mouse.move(low["x"] + 40, low["y"] + low["height"] / 2)
    page.mouse.move(low["x"] + 40, low["y"] + low["height"] - 3, steps=4)
    page.mouse.up()
    assert [one["type"] for one in document(page)["conditions"]] == ["EVENT", "EVERYONE"]


def test_a_row_is_moved_duplicated_grouped_and_removed_with_single_presses(
    signed_in_page: Page, shoppers: None
) -> None:
    page = signed_in_page
    begin(page)
    page.get_by_role("button", name="Everyone", exact=True).click()
    handle = page.get_by_role("group", name="Everyone 1").get_by_role("button", name="Move, duplicate").first
    handle.click()
    page.get_by_role("button", name="Duplicate").last.click()
    assert len(document(page)["conditions"]) == 2
    handle.click()
    page.get_by_role("button", name="Put in a group").click()
    assert "conditions" in document(page)["conditions"][0]
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Remove: Everyone 1").click()
    page.get_by_role("button", name="Remove: Everyone 1").click()
    assert document(page) is None


def test_an_attribute_nobody_has_yet_can_be_named_and_its_value_typed(signed_in_page: Page, shoppers: None) -> None:
    page = signed_in_page
    begin(page)
    page.get_by_role("button", name="Attribute", exact=True).click()
    row = page.get_by_role("group", name="Attribute 1")
    row.get_by_label("Attribute", exact=True).select_option(label="Another attribute…")
    row.get_by_label("Attribute: name").fill("seats")
    row.get_by_label("Attribute: name").press("Tab")
    row.get_by_label("Type").select_option("number")
    row.get_by_label("Comparison").select_option(">=")
    row.get_by_label("Value", exact=True).fill("10")
    assert document(page)["conditions"] == [
        {"type": "PROPERTY", "propertyName": "customProperties.seats", "operator": ">=", "value": 10}
    ]
    expect(page.locator(".builder-notes")).to_contain_text("customProperties.seats")


def test_chips_make_a_list_of_values(signed_in_page: Page, shoppers: None) -> None:
    page = signed_in_page
    begin(page)
    page.get_by_role("button", name="Attribute", exact=True).click()
    row = page.get_by_role("group", name="Attribute 1")
    row.get_by_label("Attribute", exact=True).select_option("customProperties.plan")
    row.get_by_label("Comparison").select_option("in")
    box = row.get_by_label("Value: add")
    box.press_sequentially("free,pro")
    box.press("Enter")
    assert document(page)["conditions"][0]["value"] == ["free", "pro"]
    row.get_by_role("button", name="Remove pro").click()
    expect(page.locator(".live-count strong")).to_have_text("2")
    assert document(page)["conditions"][0]["value"] == ["free"]


def test_an_event_parameter_narrows_the_event(signed_in_page: Page, shoppers: None) -> None:
    page = signed_in_page
    begin(page)
    page.get_by_role("button", name="Event", exact=True).click()
    page.get_by_role("button", name="Add event parameter").click()
    page.get_by_label("Event parameter", exact=True).select_option("revenue")
    page.get_by_role("group", name="Event parameter 1").get_by_label("Comparison").select_option(">")
    page.get_by_role("group", name="Event parameter 1").get_by_label("Value", exact=True).fill("100")
    expect(page.locator(".live-count strong")).to_have_text("2")
    where = document(page)["conditions"][0]["where"]
    assert where == {"operator": "AND", "conditions": [{"propertyName": "revenue", "operator": ">", "value": 100}]}


def test_what_is_wrong_is_said_at_its_row_once_the_row_is_left(signed_in_page: Page, shoppers: None) -> None:
    page = signed_in_page
    begin(page)
    page.get_by_role("button", name="Attribute", exact=True).click()
    expect(page.get_by_text("Fill in the condition to see who matches.")).to_be_visible()
    expect(page.locator(".builder-fault")).to_have_count(0)
    page.get_by_label("Name", exact=True).focus()
    expect(page.get_by_role("group", name="Attribute 1").locator(".builder-fault")).to_be_visible()


def test_a_document_that_is_only_looked_at_is_posted_word_for_word(
    signed_in_page: Page, shoppers: None, admin_user: Any
) -> None:
    page = signed_in_page
    begin(page)
    strange = {"operator": "OR", "conditions": [{"type": "SAMPLE", "percent": 12.5, "salt": "x"}]}
    page.evaluate("doc => { document.querySelector('criteria-builder').value = doc; }", strange)
    assert document(page) == strange


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_builder_has_no_fault_that_axe_finds(
    open_page: Callable[..., Page], admin_user: Any, shoppers: None, axe: Callable[..., None], scheme: str
) -> None:
    page = open_page(admin_user, scheme)
    begin(page)
    axe(page)
    page.evaluate("doc => { document.querySelector('criteria-builder').value = doc; }", HIGH_ROLLERS)
    page.get_by_role("group", name="Event 1").get_by_role("button", name="Add event parameter").click()
    page.get_by_role("button", name="Add condition group").click()
    page.get_by_role("button", name="Exclude: Group 3").click()
    axe(page)


def test_the_builder_fits_a_phone(open_page: Callable[..., Page], admin_user: Any, shoppers: None) -> None:
    page = open_page(admin_user, viewport=PHONE)
    begin(page)
    page.evaluate("doc => { document.querySelector('criteria-builder').value = doc; }", HIGH_ROLLERS)
    expect(page.get_by_role("group", name="Event 2", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
