"""What somebody typed into the panel stays, however quick they are and whatever comes meanwhile."""

from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, Route, expect

from flows import drafts
from flows.models import Flow
from flows.services import activate, create_flow
from tests.canvas.conftest import join
from workspace.audit import HOUSE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class Held:
    """Answers of the server, held back until they are let go."""

    def __init__(self, page: Page, method: str = "POST") -> None:
        self.routes: list[Route] = []
        self.method = method
        page.route("**/flows/**", self.take)

    def take(self, route: Route) -> None:
        """Hold a request of this method; let the others pass."""
        mine = route.request.method == self.method and route.request.headers.get("hx-request")
        if mine and "application/json" not in route.request.headers.get("accept", ""):
            self.routes.append(route)
        else:
            route.continue_()

    def let_go(self, page: Page) -> None:
        """Let the oldest held request go to the server, waiting for it if it has not come yet."""
        while not self.routes:
            page.wait_for_timeout(20)
        self.routes.pop(0).continue_()


def settings(flow: Flow, key: str) -> dict[str, Any]:
    """Return the settings of a node as stored."""
    return drafts.load(flow).nodes[key].settings


@pytest.fixture
def told(db: None) -> Flow:
    """Return a flow that starts at an event nobody has named yet."""
    return create_flow(name="Thank you", trigger_kind="event", actor=HOUSE)


def without_scripts(chromium: Browser, url: str, user: Any) -> Page:
    """Open a page on which no script ever comes, which is how a slow line looks at first."""
    context = chromium.new_context(base_url=url, java_script_enabled=False)
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])
    return context.new_page()


def test_what_is_saved_before_the_scripts_have_come_is_saved(
    chromium: Browser, live_server: Any, admin_user: Any, told: Flow
) -> None:
    page = without_scripts(chromium, live_server.url, admin_user)
    page.goto(f"/flows/{told.pk}/?node=event-1")
    page.get_by_label("Event", exact=True).fill("Order Completed")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#board")).to_contain_text("Order Completed")
    assert settings(told, "event-1")["event_name"] == "Order Completed"
    page.context.close()


def test_what_cannot_be_saved_before_the_scripts_have_come_is_shown_again(
    chromium: Browser, live_server: Any, admin_user: Any, drawn: Flow
) -> None:
    page = without_scripts(chromium, live_server.url, admin_user)
    page.goto(f"/flows/{drawn.pk}/?node=wait")
    drafts.change_node(drawn, "mark", name="Theirs")
    page.get_by_label("Wait for: number").fill("9")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_label("Wait for: number")).to_have_value("9")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#card-mark")).to_contain_text("Theirs")
    assert settings(drawn, "wait")["duration"] == "9d"
    page.context.close()


def test_criteria_whose_builder_had_not_come_yet_stay_as_they_were(
    chromium: Browser, live_server: Any, admin_user: Any, drawn: Flow
) -> None:
    before = settings(drawn, "split")["branches"][0]
    page = without_scripts(chromium, live_server.url, admin_user)
    page.goto(f"/flows/{drawn.pk}/?node=split")
    page.get_by_label("Name of the branch").first.fill("Dutch")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#board")).to_contain_text("Dutch")
    assert settings(drawn, "split")["branches"] == [{**before, "label": "Dutch"}]
    page.context.close()


def test_what_is_typed_before_the_scripts_have_come_counts_as_unsaved(signed_in_page: Page, told: Flow) -> None:
    page, late = signed_in_page, []
    page.route("**/canvas.js*", lambda route: late.append(route))
    page.goto(f"/flows/{told.pk}/?node=event-1", wait_until="commit")
    page.get_by_label("Name on the canvas").fill("When they pay")
    while not late:
        page.wait_for_timeout(20)
    late[0].continue_()
    expect(page.locator("#panel span[data-dirty]")).to_be_visible()
    expect(page.locator(":focus")).to_have_id("set-node-name")


def test_what_is_typed_while_it_is_being_saved_stays(signed_in_page: Page, told: Flow) -> None:
    page = signed_in_page
    page.goto(f"/flows/{told.pk}/?node=event-1")
    held = Held(page)
    page.get_by_label("Event", exact=True).fill("Order")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_label("Event", exact=True).fill("Order Completed")
    held.let_go(page)
    expect(page.locator("#board")).to_contain_text("Order")
    expect(page.get_by_label("Event", exact=True)).to_have_value("Order Completed")
    expect(page.locator(":focus")).to_have_id("set-event_name")
    expect(page.locator("#panel span[data-dirty]")).to_be_visible()
    page.keyboard.press("Enter")
    held.let_go(page)
    expect(page.locator("#panel-form")).to_have_count(0)
    assert settings(told, "event-1")["event_name"] == "Order Completed"


def test_a_step_put_in_while_one_types_saves_what_was_typed_first(signed_in_page: Page, drawn: Flow) -> None:
    page = signed_in_page
    page.goto(f"/flows/{drawn.pk}/?node=wait")
    page.get_by_label("Wait for: number").fill("9")
    page.locator("#slot-mark-next").click()
    page.locator("#insert-menu [data-insert=send_email]").click()
    expect(page.get_by_role("heading", name="Email")).to_be_visible()
    assert settings(drawn, "wait")["duration"] == "9d"


def test_what_is_typed_while_another_step_comes_in_is_saved_before_its_panel_opens(
    signed_in_page: Page, drawn: Flow
) -> None:
    page = signed_in_page
    page.goto(f"/flows/{drawn.pk}/?node=wait")
    held = Held(page)
    page.locator("#slot-mark-next").click()
    page.locator("#insert-menu [data-insert=send_email]").click()
    page.get_by_label("Wait for: number").fill("11")
    held.let_go(page)
    held.let_go(page)
    expect(page.get_by_role("heading", name="Email")).to_be_visible()
    assert settings(drawn, "wait")["duration"] == "11d"


def test_what_is_typed_while_another_panel_is_fetched_is_saved_first(signed_in_page: Page, drawn: Flow) -> None:
    page = signed_in_page
    page.goto(f"/flows/{drawn.pk}/?node=wait")
    held = Held(page, "GET")
    page.locator("#card-mark").click()
    page.get_by_label("Wait for: number").fill("12")
    held.let_go(page)
    expect(page.get_by_label("Attribute")).to_be_visible()
    assert settings(drawn, "wait")["duration"] == "12d"


def test_a_press_on_the_same_card_does_not_read_its_panel_anew(signed_in_page: Page, drawn: Flow) -> None:
    page = signed_in_page
    page.goto(f"/flows/{drawn.pk}/?node=wait")
    page.get_by_label("Wait for: number").fill("13")
    page.locator("#card-wait").click()
    expect(page.get_by_label("Wait for: number")).to_have_value("13")


def test_an_undo_leaves_what_is_being_typed(signed_in_page: Page, drawn: Flow) -> None:
    page = signed_in_page
    page.goto(f"/flows/{drawn.pk}/")
    page.locator("#card-mark").focus()
    page.keyboard.press("Delete")
    expect(page.locator("#card-mark")).to_have_count(0)
    page.locator("#card-wait").click()
    page.get_by_label("Wait for: number").fill("14")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#card-mark")).to_be_visible()
    expect(page.get_by_label("Wait for: number")).to_have_value("14")


def test_live_numbers_leave_what_is_being_typed_and_the_focus(
    signed_in_page: Page, drawn: Flow, signed_up: Any
) -> None:
    page = signed_in_page
    activate(drawn, actor=HOUSE)
    page.goto(f"/flows/{drawn.pk}/?node=wait")
    page.get_by_label("Wait for: number").fill("15")
    join(signed_up, "mara", "ben")
    expect(page.locator("#flow-totals [data-number=active]")).to_have_text("2")
    expect(page.get_by_label("Wait for: number")).to_have_value("15")
    expect(page.locator(":focus")).to_have_attribute("aria-label", "Wait for: number")


def test_escape_asks_before_it_throws_away_what_was_typed(signed_in_page: Page, drawn: Flow) -> None:
    page = signed_in_page
    page.goto(f"/flows/{drawn.pk}/?node=wait")
    number = page.get_by_label("Wait for: number")
    number.fill("16")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(number).to_have_value("16")
    number.press("Escape")
    page.get_by_role("button", name="Close without saving").click()
    expect(page.locator("#panel-form")).to_have_count(0)
    assert settings(drawn, "wait")["duration"] == "2d"


def test_the_second_of_two_editors_saves_again_what_they_typed(signed_in_page: Page, drawn: Flow) -> None:
    page = signed_in_page
    page.goto(f"/flows/{drawn.pk}/?node=wait")
    drafts.change_node(drawn, "mark", name="Theirs")
    page.get_by_label("Wait for: number").fill("17")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody else changed this flow.")
    expect(page.locator("#card-mark")).to_contain_text("Theirs")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#panel-form")).to_have_count(0)
    assert settings(drawn, "wait")["duration"] == "17d"
