"""The criteria builder as people use it: with the mouse, with the keyboard alone, in light and dark, on a phone."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Locator, Page, expect

from contacts.models import EventName, name_id
from segmentation.models import Segment
from tests.conftest import PHONE
from tests.segmentation.documents import conditions, groups
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


TWO = {
    "operator": "AND",
    "conditions": [
        {"type": "EVERYONE"},
        {"operator": "AND", "conditions": [{"type": "EVENT", "eventName": "Order Completed"}]},
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


def put(page: Page, document: Any) -> None:
    """Put a document into the builder."""
    page.evaluate("doc => { document.querySelector('criteria-builder').value = doc; }", document)


def name(scope: Page | Locator, label: str, text: str) -> None:
    """Type a name into a picker and take what is found first."""
    box = scope.get_by_role("combobox", name=label, exact=True)
    box.fill(text)
    box.press("Enter")


def more(page: Page, of: str, choice: str) -> None:
    """Choose from the menu of a row or group."""
    page.get_by_role("button", name=f"More: {of}").click()
    page.get_by_role("button", name=choice).last.click()


def everyone(page: Page) -> None:
    """Begin with the condition Everyone, which stands on the second tab."""
    page.get_by_role("tab", name="Segments & contacts").click()
    page.get_by_role("button", name="Everyone", exact=True).click()


def add(page: Page, choice: str, tab: str = "Standard") -> None:
    """Add a condition from the dialog."""
    page.get_by_role("button", name="Add condition", exact=True).last.click()
    page.get_by_role("dialog").get_by_role("tab", name=tab).click()
    page.get_by_role("dialog").get_by_role("button", name=choice, exact=True).click()


def test_a_marketer_builds_high_rollers_with_the_mouse_and_sees_who_they_are(
    signed_in_page: Page, shoppers: None
) -> None:
    page = signed_in_page
    begin(page)
    page.get_by_label("Name", exact=True).fill("High Rollers")
    page.get_by_role("button", name="Event", exact=True).click()
    page.get_by_label("Amount").fill("2")
    add(page, "Event")
    second = page.get_by_role("group", name="Event 2", exact=True)
    second.get_by_label("Measure").select_option("sum")
    name(second, "Of which parameter", "revenue")
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
    expect(page.get_by_label("Did or did not")).to_be_focused()
    for _ in range(4):
        press("Tab")  # event, measure, comparison, amount
    press("Control+a")
    page.keyboard.type("2")
    page.get_by_role("button", name="Add condition", exact=True).focus()
    press("Enter")
    expect(page.get_by_role("searchbox", name="Search conditions")).to_be_focused()
    page.keyboard.type("order comp")
    press("Enter")  # the first that is found: the event
    expect(page.get_by_label("Did or did not").nth(1)).to_be_focused()
    press("Tab")
    press("Tab")
    page.keyboard.type("sum")  # the measure
    press("Tab")
    page.keyboard.type("reven")
    press("Enter")
    press("Tab")
    press("Tab")
    press("Control+a")
    page.keyboard.type("200")
    press("Tab")
    page.keyboard.type("in the last")
    press("Tab")
    press("Control+a")
    page.keyboard.type("365")
    expect(page.locator(".live-count strong")).to_have_text("2")
    assert document(page) == HIGH_ROLLERS


def test_rows_move_with_alt_and_arrows_into_groups_and_out_again(signed_in_page: Page, shoppers: None) -> None:
    page = signed_in_page
    begin(page)
    put(page, TWO)
    page.get_by_role("button", name="Move: Everyone 1", exact=True).focus()
    page.keyboard.press("Alt+ArrowDown")
    inner = document(page)["conditions"][0]["conditions"]
    assert [one["type"] for one in inner] == ["EVERYONE", "EVENT"]
    page.keyboard.press("Alt+ArrowUp")
    assert [one.get("type", "group") for one in document(page)["conditions"]] == ["EVERYONE", "group"]
    page.keyboard.press("Control+z")
    assert len(document(page)["conditions"]) == 1
    page.keyboard.press("Control+Shift+z")
    assert len(document(page)["conditions"]) == 2


def test_a_row_is_taken_hold_of_moved_and_let_go_with_the_keyboard_and_every_step_is_said(
    signed_in_page: Page, shoppers: None
) -> None:
    page, said = signed_in_page, signed_in_page.locator("#announce")
    begin(page)
    put(page, TWO)
    handle = page.get_by_role("button", name=re.compile("^Move: Everyone"))
    handle.focus()
    page.keyboard.press("Enter")
    expect(said).to_contain_text("Taken hold of Everyone 1")
    page.keyboard.press("ArrowRight")
    expect(said).to_contain_text("place 1 of 2 in Group 1")
    page.keyboard.press("ArrowDown")
    expect(handle).to_be_focused()
    page.keyboard.press("Space")
    expect(said).to_contain_text("let go, place 2 of 2 in Group 1")
    assert [one["type"] for one in document(page)["conditions"][0]["conditions"]] == ["EVENT", "EVERYONE"]
    page.keyboard.press("Control+z")  # all of its way is one step
    assert document(page) == TWO
    handle.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(said).to_contain_text("Put back")
    assert document(page) == TWO
    expect(handle).to_be_focused()


def test_a_row_is_dragged_below_another(signed_in_page: Page, shoppers: None) -> None:
    page = signed_in_page
    begin(page)
    everyone(page)
    add(page, "Event")
    low = page.get_by_role("group", name="Event 2").bounding_box()
    assert low
    page.get_by_role("button", name="Move: Everyone 1", exact=True).hover()
    page.mouse.down()
    page.mouse.move(low["x"] + 40, low["y"] + low["height"] / 2)
    page.mouse.move(low["x"] + 40, low["y"] + low["height"] - 3, steps=4)
    page.mouse.up()
    assert [one["type"] for one in document(page)["conditions"]] == ["EVENT", "EVERYONE"]


def test_a_row_is_duplicated_grouped_and_removed_with_single_presses(signed_in_page: Page, shoppers: None) -> None:
    page = signed_in_page
    begin(page)
    everyone(page)
    more(page, "Everyone 1", "Duplicate")
    assert len(document(page)["conditions"]) == 2
    more(page, "Everyone 1", "Put in a group")
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
    row.get_by_role("combobox", name="Attribute", exact=True).fill("seats")
    row.get_by_role("combobox", name="Attribute", exact=True).press("Tab")
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
    name(row, "Attribute", "plan")
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
    row = page.get_by_role("group", name="Event parameter 1")
    name(row, "Event parameter", "revenue")
    row.get_by_label("Comparison").select_option(">")
    row.get_by_label("Value", exact=True).fill("100")
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


def test_generated_documents_come_out_as_they_went_in_also_after_their_rows_were_touched(
    signed_in_page: Page, shoppers: None
) -> None:
    page = signed_in_page
    begin(page)
    documents = generated(200)
    assert page.evaluate(ROUND_TRIP, documents) == documents


ROUND_TRIP = """documents => {
    const builder = document.querySelector('criteria-builder');
    return documents.map((one) => {
        builder.value = one;
        for (const input of builder.querySelectorAll('.builder-tree input:not([role=combobox], [type=checkbox])')) input.dispatchEvent(new Event('input', {bubbles: true}));
        for (const input of builder.querySelectorAll('.builder-tree [role=combobox]')) { input.focus(); input.blur(); }
        builder.draw();
        return builder.value;
    });
}"""


def generated(count: int) -> list[Any]:
    """Return documents of every kind, the same ones each time."""
    found: list[Any] = []

    @settings(max_examples=count, database=None, derandomize=True, deadline=None, phases=[Phase.generate])
    @given(st.one_of(groups, conditions))
    def collect(one: Any) -> None:
        found.append(one)

    collect()
    return found[:count]


def test_what_no_row_can_show_stays_as_it_was_and_is_edited_as_json(signed_in_page: Page, shoppers: None) -> None:
    page = signed_in_page
    begin(page)
    strange = {"type": "MOON", "phase": ["full", {"_id": 3}], "_id": "mine"}
    put(page, {"operator": "AND", "conditions": [{"type": "EVERYONE"}, strange, 7]})
    more(page, "Everyone 1", "Duplicate")
    assert document(page)["conditions"] == [{"type": "EVERYONE"}, {"type": "EVERYONE"}, strange, 7]
    page.get_by_role("button", name="Edit as JSON").first.click()
    page.get_by_label("JSON", exact=True).fill('{"type": "EVERYONE", "negate": tru')
    page.get_by_role("button", name="Use this").click()
    expect(page.get_by_role("alert").filter(has_text="This is not JSON yet")).to_be_visible()
    page.get_by_label("JSON", exact=True).fill('{"type": "EVERYONE", "negate": true}')
    page.get_by_role("button", name="Use this").click()
    assert document(page)["conditions"][2] == {"type": "EVERYONE", "negate": True}


def test_the_whole_document_is_read_and_pasted_as_json_and_undone(signed_in_page: Page, shoppers: None) -> None:
    page = signed_in_page
    begin(page)
    put(page, TWO)
    page.get_by_role("button", name="JSON", exact=True).click()
    box = page.get_by_label("JSON", exact=True)
    assert json.loads(box.input_value()) == TWO
    box.fill(json.dumps(HIGH_ROLLERS))
    page.get_by_role("button", name="Use this").click()
    assert document(page) == HIGH_ROLLERS
    page.get_by_role("button", name="Undo").click()
    assert document(page) == TWO


def test_a_cart_left_alone_is_one_press_and_says_who_and_how_many_can_be_reached(
    signed_in_page: Page, shoppers: None
) -> None:
    page = signed_in_page
    begin(page)
    page.get_by_role("button", name="Left the cart").click()
    assert document(page)["conditions"][0]["followedBy"] == {"eventName": "Order Completed", "negate": True}
    expect(page.locator(".builder-words")).to_contain_text("not followed by")
    expect(page.locator(".builder-reach")).to_contain_text("emailable 0")


def test_a_scenario_asks_for_its_numbers_and_goes_in_as_a_group(signed_in_page: Page, shoppers: None) -> None:
    page = signed_in_page
    begin(page)
    page.get_by_role("button", name="Bought", exact=True).click()
    add(page, "High Rollers", "Predefined scenarios")
    dialog = page.get_by_role("dialog", name="High Rollers")
    dialog.get_by_label("Often: at least so many purchases").last.fill("none")
    expect(dialog.get_by_text("Write a whole number from 1.")).to_be_visible()
    dialog.get_by_label("Often: at least so many purchases").last.fill("2")
    expect(dialog.get_by_text("contacts match now")).to_be_visible()
    dialog.get_by_role("button", name="Add conditions").click()
    expect(page.locator(".live-count strong")).to_have_text("2")
    inner = document(page)["conditions"][1]
    assert inner["conditions"][1]["aggregate"]["value"] == 2


def test_two_thousand_names_are_found_by_typing_and_a_name_of_200_characters_fits(
    open_page: Callable[..., Page], admin_user: Any, live_server: Any
) -> None:
    EventName.objects.bulk_create(
        EventName(id=name_id(text), name=text) for text in [*(f"Event {n:04}" for n in range(2000)), "W" * 200]
    )
    page = open_page(admin_user, viewport=PHONE)
    begin(page)
    page.get_by_role("button", name="Event", exact=True).click()
    page.get_by_role("combobox", name="Event", exact=True).click()
    expect(page.get_by_text("and 1,901 more: type to find them")).to_be_visible()
    name(page, "Event", "1987")
    assert document(page)["conditions"][0]["eventName"] == "Event 1987"
    name(page, "Event", "WWW")
    assert document(page)["conditions"][0]["eventName"] == "W" * 200
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_builder_has_no_fault_that_axe_finds(
    open_page: Callable[..., Page], admin_user: Any, shoppers: None, axe: Callable[..., None], scheme: str
) -> None:
    page = open_page(admin_user, scheme)
    begin(page)
    axe(page)
    put(page, HIGH_ROLLERS)
    page.get_by_role("group", name="Event 1").get_by_role("button", name="Add event parameter").click()
    page.get_by_role("button", name="Add condition group").click()
    page.get_by_role("button", name="Exclude: Group 3").click()
    axe(page)
    page.get_by_role("combobox", name="Event", exact=True).first.click()
    axe(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Add condition", exact=True).first.click()
    axe(page)


def test_the_builder_fits_a_phone(open_page: Callable[..., Page], admin_user: Any, shoppers: None) -> None:
    page = open_page(admin_user, viewport=PHONE)
    begin(page)
    put(page, HIGH_ROLLERS)
    expect(page.get_by_role("group", name="Event 2", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
