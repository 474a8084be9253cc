"""The pages of destinations in a real browser: made, watched live, replayed; nothing that axe finds."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import Page, expect

from segmentation import destinations
from segmentation.models import Destination
from tests.conftest import PHONE, WIDE
from tests.segmentation.receiving import Receiver, circle, destined, join, listening, work_off
from workspace.audit import HOUSE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """Another program that listens."""
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    with listening() as server:
        yield server


@pytest.fixture
def crm(live_server: Any, receiver: Receiver, settings: Any, tmp_path: Any) -> Destination:
    """A destination with a bit of everything in its log, and a CSV beside it."""
    settings.TRIBUTARY_HOME = tmp_path
    segment = circle(name="Loyal customers")
    held = destined(segment, receiver)
    join(segment, "Ana", "Bob")
    work_off()
    destinations.send_test(held, actor=HOUSE)
    work_off()
    join(segment, "Cleo")
    receiver.script = [(500, {})]
    Destination.objects.update(due_at=held.created_at)
    work_off()
    csv = destinations.create_destination(name="Ads", kind="csv", segment=segment, schedule="daily", actor=HOUSE)[0]
    destinations.send_state(csv, actor=HOUSE)
    work_off()
    return held


def test_a_webhook_is_made_and_its_secret_shown_once(signed_in_page: Page, receiver: Receiver) -> None:
    circle(name="Loyal customers")
    page = signed_in_page
    page.goto("/destinations/")
    page.get_by_role("link", name="New destination").first.click()
    page.get_by_role("link", name="Webhook").click()
    page.get_by_label("Name").fill("CRM")
    page.get_by_label("Segment").select_option(label="Loyal customers")
    page.get_by_label("URL").fill("http://192.168.0.1/")
    page.get_by_role("button", name="Make destination").click()
    expect(page.get_by_text("inside a private network")).to_be_visible()
    page.get_by_label("URL").fill(receiver.url)
    page.get_by_role("button", name="Make destination").click()
    expect(page.get_by_text("whsec_")).to_be_visible()
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_role("heading", level=1, name="CRM")).to_be_visible()
    expect(page.get_by_text("Nothing sent yet")).to_be_visible()


def test_the_log_moves_by_itself_and_a_replay_is_asked_for_in_a_dialog(
    signed_in_page: Page, crm: Destination, receiver: Receiver
) -> None:
    page = signed_in_page
    page.goto(f"/destinations/{crm.pk}/")
    expect(page.locator("[data-number=waiting]")).to_have_text("1")
    page.get_by_role("button", name="Retry now").click()
    expect(page.get_by_text("1 tried again now.")).to_be_visible()
    work_off()
    expect(page.locator("[data-number=waiting]")).to_have_text("0", timeout=15_000)
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Replay").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Since").fill("2026-01-01T00:00")
    dialog.get_by_role("button", name="Replay").click()
    expect(page.get_by_text("is told everything again since then")).to_be_visible()
    work_off()
    assert receiver.names("entered") == ["Ana", "Bob", "Cleo", "Cleo", "Ana", "Bob", "Cleo"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_clean_by_axe_wide_and_on_a_phone(
    open_page: Callable[..., Page],
    admin_user: Any,
    axe: Callable[[Page], None],
    crm: Destination,
    scheme: str,
) -> None:
    csv = Destination.objects.get(kind="csv")
    shots = os.environ.get("SHOTS", "")
    for width in (WIDE, PHONE):
        page = open_page(admin_user, scheme=scheme, viewport=width)
        for name, path in {
            "list": "",
            "one": f"{crm.pk}/",
            "csv": f"{csv.pk}/",
            "edit": f"{crm.pk}/edit/",
            "choose": "new/",
            "new": "new/?kind=webhook",
        }.items():
            page.goto(f"/destinations/{path}")
            axe(page)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            if shots:
                page.screenshot(path=f"{shots}/{name}-{scheme}-{width['width']}.png", full_page=True)
    connections.close_all()
