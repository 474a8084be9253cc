"""The pages of why, of what was, of overlap and of use."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contacts.services import contacts_by_user_id
from segmentation import services
from segmentation.evaluation import recompute, take_changes
from segmentation.models import Segment
from tests.segmentation_pages.stories import order, person, tell
from tests.segmentation_pages.test_segment_pages import mia, said, signed_in, text
from tests.segmentation_pages.test_why_api import TWO_ORDERS
from workspace import clock
from workspace.audit import HOUSE
from workspace.uses import set_uses

pytestmark = pytest.mark.django_db
__all__ = ["mia"]


@pytest.fixture
def regulars() -> Segment:
    """Ana bought twice, Ben once."""
    tell(person("Ana"), person("Ben"), order("Ana", 50, 5), order("Ana", 20, 2), order("Ben", 10, 1))
    made = services.create_segment(name="Regulars", kind="dynamic", criteria=TWO_ORDERS, actor=HOUSE)
    recompute(made.pk, cause="edited")
    return made


def pk_of(name: str) -> int:
    """Return a contact's number."""
    return contacts_by_user_id([name])[name]


def test_the_page_says_why_ana_is_in_and_when_she_will_leave(mia: Client, regulars: Segment) -> None:
    page = text(mia.get(reverse("segment_why", args=[regulars.pk]), {"contact": "user:ana"}))
    for words in ("In it since", "Leaves", "if nothing more happens", "ages out", "2 events count", "Order Completed"):
        assert words in page, words
    page = text(mia.get(reverse("segment_why", args=[regulars.pk]), {"contact": "user:ben"}))
    assert "Was never in it" in page
    assert "1 event counts" in page


def test_a_contact_is_found_by_search_or_picked(mia: Client, regulars: Segment) -> None:
    url = reverse("segment_why", args=[regulars.pk])
    assert "Why is Ana in it?" in text(mia.get(url))
    assert f"?contact=con_{pk_of('ben')}" in text(mia.get(url, {"q": "be"}))
    assert "There is no such contact" in text(mia.get(url, {"contact": "user:nobody\x00"}))


def test_a_contacts_page_leads_to_every_segment_and_why(mia: Client, regulars: Segment) -> None:
    services.create_segment(name="Testers", actor=HOUSE)
    ana = pk_of("ana")
    page = text(mia.get(reverse("contact", args=[ana])))
    assert reverse("contact_why", args=[ana]) in page
    assert reverse("contact_until", args=[ana]) in page
    every = text(mia.get(reverse("contact_why", args=[ana])))
    assert every.index("Regulars") < every.index("Testers")
    assert "Testers" not in text(mia.get(reverse("contact_why", args=[ana]), {"show": "in"}))
    assert "Leaves" in text(mia.get(reverse("contact_until", args=[ana])))


def test_members_as_of_an_instant_can_be_kept(mia: Client, regulars: Segment) -> None:
    url = reverse("segment_members", args=[regulars.pk])
    before = (clock.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert "0 contacts were in it then" in text(mia.get(url, {"at": before}))
    now = clock.now()
    page = mia.get(url, {"at": now.isoformat()})
    assert "1 contact was in it then" in text(page)
    kept = mia.post(reverse("segment", args=[regulars.pk]), {"freeze": now.isoformat()})
    copy = Segment.objects.get(kind="static")
    assert kept["Location"] == reverse("segment", args=[copy.pk])
    assert "holds 1 contacts" in said(kept)[0] or "holds 1" in said(kept)[0]
    for odd in ("x", "2026-99-99T00:00", "2999-01-01T00:00", "\x00"):
        assert mia.get(url, {"at": odd}).status_code == 200


def test_moves_are_filtered(mia: Client, regulars: Segment) -> None:
    url = reverse("segment_transitions", args=[regulars.pk])
    assert "Ana" in text(mia.get(url, {"kind": "entered", "cause": "edited", "heard": "no", "q": "ana"}))
    assert "No move fits" in text(mia.get(url, {"kind": "exited"}))


def test_a_muted_segment_says_so_loudly_and_unmuting_says_what_was_missed(mia: Client, regulars: Segment) -> None:
    url = reverse("segment", args=[regulars.pk])
    mia.post(url, {"mute": ""})
    tell({**order("Ben", 5, 0.1), "messageId": "ben-again"})
    take_changes()
    for tab in ("segment", "segment_members", "segment_why"):
        page = text(mia.get(reverse(tab, args=[regulars.pk])))
        assert "Muted: no flow hears of its moves" in page
        assert "1 came and 0 left unheard" in page
    assert "1 came and 0 left while Regulars was muted" in said(mia.post(url, {"unmute": ""}))[-1]
    assert "Muted:" not in text(mia.get(url))


def test_the_overlap_page_counts_each_combination(mia: Client, regulars: Segment) -> None:
    other = services.create_segment(name="Testers", actor=HOUSE)
    services.add_members(other, [pk_of("ana"), pk_of("ben")], actor=HOUSE)
    url = reverse("segments_overlap")
    page = text(mia.get(url, {"s": [regulars.pk, other.pk]}))
    assert "2 contacts in at least one" in page
    assert 'aria-label="not in Regulars"' in page
    for query in ({}, {"s": ["x", "0"]}, {"s": [regulars.pk]}):
        assert mia.get(url, query).status_code == 200


def test_a_refused_deletion_shows_what_uses_the_segment(mia: Client, regulars: Segment, marketer: Any) -> None:
    set_uses("flow:win-back", {"segment:regulars"})
    refused = mia.post(reverse("segment", args=[regulars.pk]), {"delete": ""})
    assert refused["Location"] == reverse("segment_uses", args=[regulars.pk])
    assert "win-back" in text(mia.get(refused["Location"]))
    assert signed_in(marketer).get(reverse("segment_uses", args=[regulars.pk])).status_code == 200
