"""The back office of reviews and of segments that need approval."""

from typing import Any

import pytest

from segmentation.models import Segment
from tests.conftest import staff
from tests.reviews.conftest import signed_in
from tests.reviews.stories import approvals_needed, romans
from workspace.models import Review

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(groups: None) -> Any:
    """Ada, who administers."""
    return staff("ada", "administrator", is_staff=True)


def test_what_ada_does_in_the_admin_waits_too(ada: Any, rita: Any) -> None:
    segment, other = romans(), romans("Other")
    approvals_needed()
    client = signed_in(ada)
    url = "/admin/segmentation/segment/"
    chosen = {"_selected_action": [segment.pk, other.pk]}
    assert client.post(url, {"action": "archive", **chosen}).status_code == 302
    assert Review.objects.filter(verb="archive").count() == 2
    assert client.post(f"{url}{segment.pk}/delete/", {"post": "yes"}).status_code == 302
    assert client.post(url, {"action": "delete_selected", "post": "yes", **chosen}).status_code == 302
    assert Review.objects.filter(verb="delete").count() == 3
    made = {
        "name": "Oslo",
        "slug": "",
        "kind": "static",
        "description": "",
        "color": "",
        "labels": "[]",
        "criteria": "",
    }
    answer = client.post(f"{url}add/", made)
    assert "/reviews/" in answer["Location"]
    assert Segment.objects.filter(archived_at=None).count() == 2


def test_the_actions_decide_through_the_services(ada: Any, mia: Any) -> None:
    segment = romans()
    approvals_needed()
    mine = signed_in(ada).post(f"/segments/{segment.pk}/", {"archive": ""})
    hers = signed_in(mia).post(f"/segments/{segment.pk}/", {"archive": ""})
    own, other = (Review.objects.get(pk=int(one["Location"].strip("/").split("/")[-1])) for one in (mine, hers))
    sent = {"action": "approve", "_selected_action": [own.pk, other.pk]}
    page = signed_in(ada).post("/admin/workspace/review/", sent, follow=True).content.decode()
    assert "1 reviews approved and applied" in page
    assert "another person reviews it" in page
    own.refresh_from_db()
    other.refresh_from_db()
    assert (own.status, other.status) == ("requested", "applied")
    assert signed_in(ada).get(f"/admin/workspace/review/{own.pk}/change/").status_code == 200
    assert signed_in(ada).get("/admin/workspace/reviewnote/").status_code == 200


def test_a_review_is_sent_back_with_the_note_beside_the_action(ada: Any, mia: Any) -> None:
    segment = romans()
    approvals_needed()
    asked = signed_in(mia).post(f"/segments/{segment.pk}/", {"archive": ""})
    review = Review.objects.get(pk=int(asked["Location"].strip("/").split("/")[-1]))
    client, sent = signed_in(ada), {"action": "send_back", "_selected_action": [review.pk]}
    page = client.post("/admin/workspace/review/", {**sent, "note": " "}, follow=True).content.decode()
    assert "Say in a note what is missing" in page
    assert 'name="note"' in page
    client.post("/admin/workspace/review/", {**sent, "note": "Which flows lose them?"})
    review.refresh_from_db()
    assert review.status == "sent_back"
    assert review.notes.filter(step="sent_back", text="Which flows lose them?").exists()
