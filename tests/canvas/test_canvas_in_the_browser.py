"""The canvas in a real browser: by mouse, by keyboard alone, by two people, in light and dark."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from flows import drafts, services
from flows.models import Flow
from segmentation.models import Segment
from tests.canvas.conftest import join
from tests.conftest import PHONE
from workspace.audit import HOUSE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def kinds(flow: Flow) -> list[str]:
    """Return the kinds along the first way through a flow."""
    graph = drafts.load(flow)
    node = graph.trigger
    found = []
    while node is not None:
        found.append(node.kind)
        node = next((graph.nodes[to] for _, to in graph.out(node.key)), None)
    return found


def saved(page: Page) -> None:
    """Wait until the last action is stored."""
    expect(page.locator("#saved[data-state=saved]")).to_be_visible()


def test_steps_1_to_6_of_the_guide_with_the_mouse(signed_in_page: Page, signed_up: Segment, templates: None) -> None:
    page = signed_in_page
    page.goto("/flows/")
    page.get_by_role("button", name="Create Flow").first.click()
    page.get_by_label("Name", exact=True).fill("Engaged Users")
    page.get_by_label("Search triggers").fill("segment")
    page.get_by_text("Contact Segment", exact=True).click()
    page.get_by_role("button", name="OK").click()

    expect(page.get_by_role("button", name="Activate")).to_be_disabled()
    page.get_by_role("link", name="Edit Trigger").click()
    page.get_by_label("Starts when the contact").select_option("enters")
    page.get_by_label("Segment", exact=True).select_option(label="Signed Up")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#panel-form")).to_have_count(0)
    expect(page.locator(".node-card")).to_contain_text("Enters “Signed Up”")

    page.drag_and_drop(".palette-item[data-kind=wait]", "#board .slot.is-first")
    page.get_by_label("Wait for: number").fill("1")
    page.get_by_label("Wait for: unit").select_option("h")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#panel-form")).to_have_count(0)
    page.drag_and_drop(".palette-item[data-kind=send_email]", "#slot-wait-1-next")
    page.get_by_label("Template", exact=True).select_option(label="Welcome")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#panel-form")).to_have_count(0)
    page.drag_and_drop(".palette-item[data-kind=update_contact]", "#slot-send-email-1-next")
    page.get_by_label("Attribute").fill("greeted")
    page.get_by_label("Value").fill("yes")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#panel-form")).to_have_count(0)

    page.get_by_role("button", name="Activate").click()
    dialog = page.locator("#flow-dialog")
    expect(dialog.get_by_label("Wait time: number")).to_be_hidden()
    dialog.get_by_label("Allow contact re-entry after exit").check()
    expect(dialog.get_by_label("Wait time: number")).to_be_visible()
    dialog.get_by_role("button", name="Settings").click()
    expect(dialog.get_by_label("Exit when the contact exits the segment")).to_be_checked()
    dialog.get_by_role("button", name="Activate").dblclick()
    expect(page.locator("#flow-head .pill")).to_have_text("Running")

    flow = Flow.objects.get()
    assert flow.status == "running"
    assert flow.versions.count() == 1
    assert kinds(flow) == ["contact_segment", "wait", "send_email", "update_contact"]


def test_the_same_flow_by_the_keyboard_alone(signed_in_page: Page, blank: Flow, templates: None) -> None:
    page = signed_in_page
    page.goto(f"/flows/{blank.pk}/")
    press, focused = page.keyboard.press, page.locator(":focus")
    page.locator("#card-contact-segment-1").focus()
    press("Enter")
    expect(focused).to_have_id("set-when")
    press("Tab")
    page.keyboard.type("Signed Up")
    press("Control+Enter")
    expect(focused).to_have_id("card-contact-segment-1")

    press("ArrowDown")
    expect(focused).to_have_id("slot-contact-segment-1-next")
    press("Enter")
    page.keyboard.type("wait")
    press("Enter")
    expect(focused).to_have_id("set-duration")
    page.keyboard.type("3")
    press("Enter")
    expect(focused).to_have_id("card-wait-1")

    press("a")
    page.keyboard.type("email")
    press("ArrowDown")
    press("Enter")
    expect(focused).to_have_id("set-template")
    page.keyboard.type("Welcome")
    press("Control+Enter")
    expect(focused).to_have_id("card-send-email-1")

    press("/")
    page.keyboard.type("list")
    press("ArrowDown")
    press("Enter")
    expect(focused).to_have_id("slot-send-email-1-next")
    press("Escape")
    expect(focused).to_have_attribute("data-kind", "add_to_list")

    page.locator("#card-send-email-1").focus()
    press("Delete")
    expect(page.locator("#card-send-email-1")).to_have_count(0)
    press("Control+z")
    expect(page.locator("#card-send-email-1")).to_be_visible()
    press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    press("Escape")
    expect(page.locator("#shortcuts")).to_be_hidden()
    saved(page)
    assert kinds(blank) == ["contact_segment", "wait", "send_email"]
    assert drafts.load(blank).nodes["wait-1"].settings == {"duration": "3d"}


def test_a_card_is_dragged_to_another_slot_and_branches_meet_again(signed_in_page: Page, drawn: Flow) -> None:
    page = signed_in_page
    page.set_viewport_size({"width": 1600, "height": 1300})
    page.goto(f"/flows/{drawn.pk}/")
    page.drag_and_drop("#card-wait", "#slot-mark-next")
    expect(page.locator("#slot-mark-next")).to_have_attribute("data-target", "wait")
    page.locator("#slot-wait-next").click()
    page.locator("#insert-menu [data-insert=split]").click()
    expect(page.locator("#card-split-1")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("#slot-split-1-yes").click()
    page.locator("#insert-menu [data-insert=update_contact]").click()
    expect(page.locator("#card-update-contact-1")).to_be_visible()
    page.locator("#slot-split-1-else").click()
    page.locator("#insert-menu [data-join]").click()
    page.locator("#card-update-contact-1").click()
    expect(page.locator("#slot-split-1-else")).to_have_attribute("data-target", "update-contact-1")


def test_a_fault_is_said_while_one_types_and_goes_when_it_is_mended(signed_in_page: Page, drawn: Flow) -> None:
    page = signed_in_page
    page.goto(f"/flows/{drawn.pk}/?node=dutch")
    page.get_by_label("Template", exact=True).select_option("")
    fault = page.locator("#set-template-errors")
    expect(fault).to_contain_text("Choose a template, or write a subject and a body.")
    page.get_by_label("Template", exact=True).select_option("welkom")
    expect(fault).to_be_empty()


def test_the_second_of_two_editors_is_told_and_keeps_what_they_typed(signed_in_page: Page, drawn: Flow) -> None:
    page = signed_in_page
    page.goto(f"/flows/{drawn.pk}/?node=wait")
    drafts.change_node(drawn, "mark", name="Theirs")
    page.get_by_label("Wait for: number").fill("9")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody else changed this flow.")
    expect(page.get_by_label("Wait for: number")).to_have_value("9")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Reload").click()
    expect(page.locator("#card-mark")).to_contain_text("Theirs")


def test_counts_move_without_a_reload(signed_in_page: Page, drawn: Flow, signed_up: Segment) -> None:
    services.activate(drawn, actor=HOUSE)
    page = signed_in_page
    page.goto(f"/flows/{drawn.pk}/")
    waiting = page.locator("#counts-wait .is-waiting strong")
    expect(waiting).to_have_text("0")
    join(signed_up, "mara", "ben")
    expect(waiting).to_have_text("2")
    expect(page.locator("#flow-totals [data-number=active]")).to_have_text("2")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_list_canvas_panels_and_dialogs(
    open_page: Callable[..., Page], admin_user: Any, axe: Any, drawn: Flow, blank: Flow, signed_up: Segment, scheme: str
) -> None:
    services.activate(drawn, actor=HOUSE)
    join(signed_up, "mara")
    page = open_page(admin_user, scheme=scheme)
    page.goto("/flows/")
    axe(page)
    page.get_by_role("button", name="Create Flow").click()
    axe(page)
    page.goto(f"/flows/{blank.pk}/")
    axe(page)
    for node in ("start", "wait", "split", "dutch", "mark"):
        page.goto(f"/flows/{drawn.pk}/?node={node}")
        page.wait_for_load_state("networkidle")
        axe(page)
    page.locator("#slot-wait-next").click()
    axe(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#flow-dialog h2")).to_be_visible()
    axe(page)
    services.pause(drawn, actor=HOUSE)
    page.goto(f"/flows/{drawn.pk}/")
    page.get_by_role("button", name="Activate").click()
    page.locator("#flow-dialog [data-settings]").click()
    axe(page)
    page.goto(f"/flows/{drawn.pk}/people/")
    axe(page)
    page.goto(f"/enrollments/{drawn.enrollments.get().pk}/")
    axe(page)


def test_on_a_phone_nothing_is_wider_than_the_screen(
    open_page: Callable[..., Page], admin_user: Any, drawn: Flow
) -> None:
    services.activate(drawn, actor=HOUSE)
    page = open_page(admin_user, viewport=PHONE)
    for path in ("/flows/", f"/flows/{drawn.pk}/", f"/flows/{drawn.pk}/?node=wait", f"/flows/{drawn.pk}/people/"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
    page.goto(f"/flows/{drawn.pk}/")
    page.get_by_role("button", name="Pause").click()
    page.locator("#flow-dialog").get_by_role("button", name="Pause").click()
    expect(page.locator("#flow-head .pill")).to_have_text("Paused")
