"""A newcomer builds the eight personas and the abandoned cart in the page, from standard conditions alone."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Locator, Page, expect

from contacts.models import Contact
from contacts.services import record_consents
from segmentation.scenarios.making import fill
from tests.segmentation_pages.stories import order, person, tell
from workspace.clock import now

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def people(live_server: Any) -> None:
    """Ana buys much and often, Ben often, Cleo dearly, Dan long ago; Eve, Fay and Gus never, and each engages otherwise."""
    names = ["Ana", "Ben", "Cleo", "Dan", "Eve", "Fay", "Gus", "Hal"]
    tell(*(person(name) for name in names))
    tell(*(order("Ana", 100, day) for day in (1, 20, 40, 60)), *(order("Ben", 5, day) for day in (2, 30, 50, 70)))
    tell(order("Cleo", 500, 3), *(order("Dan", 90, day) for day in (200, 220, 240, 260)))
    tell(*(did("Email Opened", "Eve", day) for day in (1, 2, 3)), did("Email Opened", "Fay", 4))
    tell(did("Email Opened", "Gus", 5), did("Product Viewed", "Gus", 5), did("Product Added", "Gus", 0.2))
    with connection.cursor() as cursor:  # what other tests left in the statistics would have a few taken for many
        cursor.execute("ANALYZE contacts_contact, contacts_event")
    ids = list(Contact.objects.values_list("pk", flat=True))
    record_consents(contact_ids=ids, channel="email", status="subscribed", source="test", at=now())


def did(event: str, name: str, days: float) -> dict[str, Any]:
    """Say what somebody did besides buying."""
    return {**order(name, 0, days), "event": event}


TOP = ".builder-tree > .group > .group-items"


class Builder:
    """The hands of a newcomer."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.where: Locator = page.locator("criteria-builder")

    def empty(self) -> None:
        """Wait until it can begin."""
        expect(self.page.get_by_text("Begin with a condition:")).to_be_visible()

    def add(self, choice: str, times: int = 0, days: int = 0, *, exclude: bool = False) -> Locator:
        """Press what one wants to say, fill in its numbers, and exclude it where it is meant so."""
        if self.page.get_by_text("Begin with a condition:").count():
            self.page.get_by_role("button", name=choice, exact=True).click()
        else:
            self.where.get_by_role("button", name="Add condition", exact=True).last.click()
            self.page.get_by_role("dialog").get_by_role("button", name=choice, exact=True).click()
        row = self.page.locator(f"{TOP} > :last-child")
        for box in row.get_by_label("Amount").all() if times else []:
            box.fill(str(times))
        for when in row.get_by_label("When").all() if days else []:
            when.select_option("last")
        for box in row.get_by_label("Length of time: how many").all() if days else []:
            box.fill(str(days))
        if exclude:
            row.get_by_role("button", name="Exclude:").first.click()
        return row

    def any_of(self, *choices: tuple[str, int, int]) -> None:
        """Add a group of which one condition is enough."""
        self.page.get_by_role("button", name="Add condition group").last.click()
        group = self.page.locator(f"{TOP} > .group").last
        group.get_by_role("button", name="At least one of these").first.click()
        for choice, times, days in choices:
            group.get_by_role("button", name="Add condition", exact=True).last.click()
            self.page.get_by_role("dialog").get_by_role("button", name=choice, exact=True).click()
            row = group.locator(":scope > .group-items > .condition").last
            if times:
                row.get_by_label("Amount").fill(str(times))
            if days:
                row.get_by_label("When").select_option("last")
                row.get_by_label("Length of time: how many").fill(str(days))

    def counted(self) -> int:
        """Return the number beside it."""
        expect(self.page.locator(".builder-answer.is-counting")).to_have_count(0)
        expect(self.page.locator(".builder-reach")).to_be_visible()
        return int(self.page.locator(".live-count strong").inner_text())


def high_rollers(b: Builder) -> None:
    b.add("Bought", 1, 90)
    b.add("Bought", 4, 365)
    b.add("Spent", 200)


def brand_enthusiasts(b: Builder) -> None:
    b.add("Bought", 1, 90)
    b.add("Bought", 4, 365)
    b.add("Spent", 200, exclude=True)


def potential_high_rollers(b: Builder) -> None:
    b.add("Bought", 1, 90)
    b.add("Bought", 4, 365, exclude=True)
    b.add("Spent", 200)


def nearly_there(b: Builder) -> None:
    b.add("Subscriber")
    b.add("Did not buy")
    b.add("Opened or clicked a message", 3, 90)


def waiting_for_wows(b: Builder) -> None:
    b.add("Subscriber")
    b.add("Did not buy")
    b.add("Opened or clicked a message", 1, 90)
    b.add("Opened or clicked a message", 3, 90, exclude=True)
    b.add("Looked at a product", 1, 90, exclude=True)


def window_shoppers(b: Builder) -> None:
    b.add("Did not buy")
    b.add("Opened or clicked a message", 1, 90)
    b.any_of(("Looked at a product", 1, 90), ("Put into the cart", 1, 90))


def lapsed(b: Builder) -> None:
    b.add("Did not buy", 0, 90)
    b.any_of(("Bought", 4, 365), ("Spent", 200, 0))


def dead_weight(b: Builder) -> None:
    b.add("Subscriber")
    b.add("Did not buy", 0, 90)
    b.add("Opened or clicked a message", 1, 90, exclude=True)
    b.add("Spent", 200, exclude=True)


def abandoned_cart(b: Builder) -> None:
    b.add("Left the cart")


BUILT = {
    "high-rollers": high_rollers,
    "brand-enthusiasts": brand_enthusiasts,
    "potential-high-rollers": potential_high_rollers,
    "nearly-there": nearly_there,
    "waiting-for-wows": waiting_for_wows,
    "window-shoppers": window_shoppers,
    "lapsed-high-rollers-and-enthusiasts": lapsed,
    "dead-weight": dead_weight,
    "cart-abandonment": abandoned_cart,
}


@pytest.mark.parametrize("slug", BUILT)
def test_a_persona_built_by_hand_finds_whom_the_ready_made_one_finds(
    open_page: Callable[..., Page], admin_user: Any, people: None, slug: str
) -> None:
    page = open_page(admin_user)
    page.goto("/segments/new/dynamic/")
    builder = Builder(page)
    builder.empty()
    BUILT[slug](builder)
    assert builder.counted() == fill(slug, {}, now()).size == 1
    assert json.loads(page.locator("criteria-builder > input[name=criteria]").input_value())
    expect(page.locator(".builder-fault")).to_have_count(0)
