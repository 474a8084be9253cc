"""The pages of reviews in a real browser: the whole loop, and axe in light and dark, wide and on a phone."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from config.staff import make_groups
from segmentation.services import change_segment
from tests.conftest import PHONE, WIDE, staff
from tests.reviews.stories import OSLO, actor, approvals_needed, romans
from tests.segmentation_pages.stories import person, tell
from workspace import reviews
from workspace.approval import NeedsApproval
from workspace.filing import file_it
from workspace.models import Review


@pytest.fixture
def people(transactional_db: None) -> dict[str, Any]:
    """Mia, who asks, and Rita, who reviews."""
    make_groups()
    return {"mia": staff("mia", "marketer"), "rita": staff("rita", "reviewer"), "vic": staff("vic", "viewer")}


def asked(mia: Any) -> Review:
    """Let Mia ask for Oslo in place of Rome."""
    tell(person("Ana", city="Rome"), person("Ole", city="Oslo"), person("Siri", city="Oslo"))
    segment = romans("People of the south who buy on weekends")
    approvals_needed()
    with pytest.raises(NeedsApproval) as needed:
        change_segment(segment, criteria={"operator": "OR", "conditions": [OSLO]}, actor=actor(mia), fires="entries")
    return file_it(needed.value, words="The south has moved to Oslo.\nPlease look before Friday.")


def test_rita_reads_what_differs_sends_it_back_and_approves_it(
    people: dict[str, Any], open_page: Callable[..., Page]
) -> None:
    review = asked(people["mia"])
    page = open_page(people["rita"])
    page.goto("/")
    page.get_by_role("link", name="Look at them").click()
    page.get_by_role("link", name="Change People of the south").click()
    expect(page.get_by_role("region", name="Would join")).to_contain_text("2")
    page.get_by_role("button", name="Send back").click()
    expect(page.get_by_role("alert")).to_contain_text("Say what should be different")
    page.get_by_label("Note").fill("Bergen as well")
    page.get_by_role("button", name="Send back").click()
    expect(page.locator(".page-head, main").first).to_contain_text("Sent back")
    mine = open_page(people["mia"])
    mine.goto(f"/reviews/{review.pk}/")
    mine.get_by_label("Note").fill("No, Oslo alone")
    mine.get_by_role("button", name="Ask again as it is").click()
    page.goto(f"/reviews/{review.pk}/")
    page.get_by_role("button", name="Approve and apply").click()
    expect(page.get_by_text("approved and applied")).to_be_visible()
    review.refresh_from_db()
    assert review.status == "applied"


def test_a_new_request_shows_in_the_open_queue(people: dict[str, Any], open_page: Callable[..., Page]) -> None:
    page = open_page(people["rita"])
    page.goto("/reviews/")
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    asked(people["mia"])
    expect(page.get_by_role("link", name="Change People of the south")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing_wrong(
    people: dict[str, Any],
    open_page: Callable[..., Page],
    axe: Callable[[Page], None],
    scheme: str,
    viewport: dict[str, int],
) -> None:
    review = asked(people["mia"])
    reviews.comment(review, actor=actor(people["rita"]), text="Looking at it")
    reviews.file(actor=actor(people["vic"]), kind="segment", words="A segment of who never came back, please")
    page = open_page(people["rita"], scheme, viewport)
    for name, url in (
        ("queue", "/reviews/"),
        ("all", "/reviews/?show=all"),
        ("review", f"/reviews/{review.pk}/"),
        ("ask", f"/reviews/ask/?about={review.subject}"),
    ):
        page.goto(url)
        for one in page.locator("details").all():
            one.evaluate("one => one.open = true")
        axe(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], url
        if folder := os.environ.get("SHOTS"):
            page.screenshot(path=Path(folder) / f"{name}-{viewport['width']}-{scheme}.png", full_page=True)


def test_the_builder_says_that_saving_files_a_review(people: dict[str, Any], open_page: Callable[..., Page]) -> None:
    segment = romans()
    approvals_needed()
    page = open_page(people["mia"])
    page.goto(f"/segments/{segment.pk}/edit/")
    expect(page.get_by_text("Changes to segments need approval")).to_be_visible()
    expect(page.get_by_label("Why, for whoever reviews it")).to_be_visible()


def test_the_badge_beside_the_reviews_follows_without_a_reload(
    people: dict[str, Any], open_page: Callable[..., Page]
) -> None:
    page = open_page(people["rita"])
    page.goto("/contacts/")
    badge = page.locator("#reviews-badge")
    expect(badge).to_have_text("")
    review = asked(people["mia"])
    expect(badge).to_contain_text("1 waiting")
    reviews.send_back(review, actor=actor(people["rita"]), note="Bergen as well")
    expect(badge).to_have_text("")


def test_vic_who_may_only_look_asks_for_a_change_in_words_from_the_page_of_a_segment(
    people: dict[str, Any], open_page: Callable[..., Page]
) -> None:
    romans("People of the south")
    page = open_page(people["vic"])
    page.goto("/segments/")
    page.get_by_role("link", name="People of the south").click()
    page.get_by_role("link", name="Ask for a change").click()
    page.locator("textarea").fill("Please take Naples in as well.")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text("Your wish is filed")).to_be_visible()
    wish = Review.objects.get()
    assert (wish.words, wish.requested_by, wish.verb) == ("Please take Naples in as well.", people["vic"], "")
    rita = open_page(people["mia"])
    rita.goto("/reviews/?show=all")
    expect(rita.get_by_role("link", name="A wish about People of the south")).to_be_visible()
