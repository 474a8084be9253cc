"""The pages of reviews: Mia saves, Rita approves, Vic asks in words."""

import json
from typing import Any

import pytest

from segmentation.models import Segment
from segmentation.services import change_segment
from tests.conftest import staff
from tests.reviews.conftest import signed_in
from tests.reviews.stories import OSLO, ROME, approvals_needed, romans
from workspace.audit import HOUSE
from workspace.models import Review, Workspace

pytestmark = pytest.mark.django_db


def save(client: Any, segment: Segment, criteria: Any, query: str = "", **more: str) -> Any:
    """Save other criteria as the page does: once to see what it does, once for good."""
    said = {"name": segment.name, "description": "", "color": "teal", "criteria": json.dumps(criteria), **more}
    url = f"/segments/{segment.pk}/edit/{query}"
    seen = client.post(url, said)
    assert seen.status_code == 200, seen.status_code
    return client.post(url, {**said, "reviewed": seen.context["review"]["digest"], "fires": "entries"})


def test_mia_saves_and_comes_to_the_review_that_rita_approves(mia: Any, rita: Any) -> None:
    segment = romans()
    approvals_needed()
    answer = save(signed_in(mia), segment, OSLO, why="We moved")
    review = Review.objects.get()
    assert answer["Location"] == f"/reviews/{review.pk}/"
    assert (review.words, review.request["fires"], review.requested_by) == ("We moved", "entries", mia)
    segment.refresh_from_db()
    assert segment.rule
    assert segment.rule.document == ROME
    queue = signed_in(rita).get("/reviews/")
    assert "Change Romans" in queue.content.decode()
    page = signed_in(rita).get(f"/reviews/{review.pk}/")
    text = page.content.decode()
    assert "Approve and apply" in text
    assert "Rome" in text
    assert "Oslo" in text
    done = signed_in(rita).post(
        f"/reviews/{review.pk}/", {"approve": "1", "seen": page.context["standing"].state, "fires": "none", "note": ""}
    )
    assert done.status_code == 302
    segment.refresh_from_db()
    assert segment.rule.document == OSLO
    assert signed_in(rita).get(f"/reviews/{review.pk}/").status_code == 200


def test_mia_is_offered_no_approval_of_her_own_and_is_refused_when_she_sends_it(mia: Any, ron: Any) -> None:
    segment = romans()
    approvals_needed()
    save(signed_in(ron), segment, OSLO)
    review = Review.objects.get()
    page = signed_in(ron).get(f"/reviews/{review.pk}/").content.decode()
    assert "Approve and apply" not in page
    assert "nobody approves what they asked for themselves" in page
    assert signed_in(ron).post(f"/reviews/{review.pk}/", {"approve": "1"}).status_code == 409
    assert signed_in(mia).post(f"/reviews/{review.pk}/", {"approve": "1"}).status_code == 403
    review.refresh_from_db()
    assert review.status == "requested"


def test_what_rita_did_not_see_is_not_approved(mia: Any, rita: Any) -> None:
    segment = romans()
    approvals_needed()
    save(signed_in(mia), segment, OSLO)
    review = Review.objects.get()
    seen = signed_in(rita).get(f"/reviews/{review.pk}/").context["standing"].state
    change_segment(segment, criteria={**ROME, "value": "Milan"}, actor=HOUSE)
    answer = signed_in(rita).post(f"/reviews/{review.pk}/", {"approve": "1", "seen": seen})
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "It changed meanwhile" in text
    assert "Milan" in text
    again = answer.context["standing"].state
    assert signed_in(rita).post(f"/reviews/{review.pk}/", {"approve": "1", "seen": again}).status_code == 302


def test_sent_back_mia_finds_her_rules_in_the_builder_and_revises(mia: Any, rita: Any) -> None:
    segment = romans()
    approvals_needed()
    save(signed_in(mia), segment, OSLO)
    review = Review.objects.get()
    refused = signed_in(rita).post(f"/reviews/{review.pk}/", {"send_back": "1", "note": ""})
    assert "Say what should be different" in refused.content.decode()
    assert signed_in(rita).post(f"/reviews/{review.pk}/", {"send_back": "1", "note": "Bergen"}).status_code == 302
    page = signed_in(mia).get(f"/reviews/{review.pk}/")
    assert page.context["editor"] == f"/segments/{segment.pk}/edit/?review={review.pk}"
    editor = signed_in(mia).get(page.context["editor"])
    assert editor.context["criteria"] == OSLO
    answer = save(signed_in(mia), segment, {**OSLO, "value": "Bergen"}, query=f"?review={review.pk}")
    assert answer["Location"] == f"/reviews/{review.pk}/"
    review.refresh_from_db()
    assert (review.status, review.round, review.request["criteria"]["value"]) == ("requested", 2, "Bergen")
    assert Review.objects.count() == 1


def test_vic_asks_in_words_from_the_page_of_the_segment(vic: Any, ron: Any, rita: Any) -> None:
    segment = romans()
    page = signed_in(vic).get(f"/segments/{segment.pk}/").content.decode()
    assert f"/reviews/ask/?about={segment.ref}" in page
    url = f"/reviews/ask/?about={segment.ref}"
    assert "Romans" in signed_in(vic).get(url).content.decode()
    assert signed_in(vic).post(url, {"words": " "}).status_code == 422
    answer = signed_in(vic).post(url, {"words": "Add Oslo, please"})
    review = Review.objects.get()
    assert answer["Location"] == f"/reviews/{review.pk}/"
    assert signed_in(ron).get("/reviews/").context["rows"][0]["review"] == review
    save(signed_in(ron), segment, OSLO, query=f"?review={review.pk}")
    segment.refresh_from_db()
    assert segment.rule
    assert segment.rule.document == ROME
    seen = signed_in(rita).get(f"/reviews/{review.pk}/").context["standing"].state
    assert signed_in(rita).post(f"/reviews/{review.pk}/", {"approve": "1", "seen": seen}).status_code == 302


def test_buttons_of_a_segment_wait_too(mia: Any) -> None:
    segment = romans()
    approvals_needed()
    for button in ("archive", "delete", "duplicate", "freeze"):
        answer = signed_in(mia).post(f"/segments/{segment.pk}/", {button: ""})
        review = Review.objects.order_by("-id").first()
        assert review
        assert review.verb == button
        assert answer["Location"] == f"/reviews/{review.pk}/"
        assert signed_in(mia).get(f"/reviews/{review.pk}/").status_code == 200
    made = signed_in(mia).post("/segments/new/dynamic/", {"name": "Oslo", "criteria": json.dumps(OSLO)})
    assert "/reviews/" in made["Location"]
    assert Segment.objects.filter(archived_at=None).count() == 1
    assert signed_in(mia).get("/reviews/?show=mine").status_code == 200


def test_the_number_that_waits_stands_in_the_navigation_and_on_home(mia: Any, rita: Any) -> None:
    segment = romans()
    approvals_needed()
    save(signed_in(mia), segment, OSLO)
    home = signed_in(rita).get("/").content.decode()
    assert "1 review waits for you" in home
    assert '<span class="nav-badge"><span data-number="reviews-waiting">1<' in home
    assert "nav-badge" not in signed_in(mia).get("/").content.decode()


def test_an_administrator_turns_it_on_in_settings(rita: Any) -> None:
    ada = staff("ada", "administrator")
    said = {"name": "Shop", "timezone": "UTC", "currency": "USD", "sender_line": "", "review_segments": "on"}
    assert signed_in(rita).post("/settings/", said).status_code == 403
    assert signed_in(ada).post("/settings/", said).status_code == 302
    assert Workspace.objects.get().approvals == {"segments": True, "flows": False}
    del said["review_segments"]
    signed_in(ada).post("/settings/", said)
    assert Workspace.objects.get().approvals == {"segments": False, "flows": False}
