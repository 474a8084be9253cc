"""Stories of reviews through the services: asked, sent back, approved, applied."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from segmentation.models import Evaluation, Segment
from segmentation.services import archive_segment, change_segment, create_segment, delete_segment
from tests.reviews.stories import OSLO, ROME, actor, approvals_needed, romans
from workspace import reviews
from workspace.approval import NeedsApproval
from workspace.audit import HOUSE
from workspace.filing import file_it
from workspace.models import Audit, Review, ReviewNote
from workspace.problems import Refused

pytestmark = pytest.mark.django_db


def asked(person: Any, segment: Segment, criteria: Any = OSLO, **more: Any) -> Review:
    """Let a person ask for other criteria."""
    with pytest.raises(NeedsApproval) as needed:
        change_segment(segment, criteria=criteria, actor=actor(person), **more)
    return file_it(needed.value)


def test_what_mia_changes_waits_until_rita_approves_it(mia: Any, rita: Any) -> None:
    segment = romans()
    approvals_needed()
    review = asked(mia, segment, fires="entries")
    segment.refresh_from_db()
    assert segment.rule
    assert segment.rule.document == ROME
    assert review.status == "requested"
    assert reviews.waiting_for(rita).get() == review
    assert not reviews.waiting_for(mia).exists()
    applied = reviews.approve(review, actor=actor(rita), note="Oslo it is")
    segment.refresh_from_db()
    assert segment.rule.document == OSLO
    assert applied.status == "applied"
    look = Evaluation.objects.filter(segment=segment, full=True).order_by("-id").first()
    assert look
    assert look.fires == "entries"
    assert [note.step for note in review.notes.order_by("id")] == ["requested", "approved", "applied"]


def test_the_record_keeps_who_when_and_what_differed(mia: Any, rita: Any) -> None:
    segment = romans()
    old = segment.rule.digest[:12] if segment.rule else ""
    approvals_needed()
    review = asked(mia, segment, name="Osloites")
    reviews.approve(review, actor=actor(rita))
    line = Audit.objects.get(verb="review.applied")
    segment.refresh_from_db()
    new = segment.rule.digest[:12] if segment.rule else ""
    assert line.actor == rita
    assert line.detail["differed"] == {"rules": [old, new], "name": ["Romans", "Osloites"]}
    assert line.detail["requested_by"] == mia.pk
    changed = Audit.objects.get(verb="segment.changed", subject=segment.ref)
    assert changed.actor == mia
    assert changed.detail["review"] == review.ref


def test_sent_back_mia_revises_and_both_rounds_are_kept(mia: Any, rita: Any) -> None:
    segment = romans()
    approvals_needed()
    review = asked(mia, segment)
    with pytest.raises(Refused, match="Say what should be different"):
        reviews.send_back(review, actor=actor(rita), note="  ")
    reviews.send_back(review, actor=actor(rita), note="Bergen, please")
    assert reviews.waiting_for(mia).get() == review
    with pytest.raises(NeedsApproval) as needed:
        change_segment(segment, criteria={**OSLO, "value": "Bergen"}, actor=actor(mia))
    revised = file_it(needed.value, into=str(review.pk))
    assert (revised.pk, revised.status, revised.round) == (review.pk, "requested", 2)
    reviews.approve(revised, actor=actor(rita))
    segment.refresh_from_db()
    assert segment.rule
    assert segment.rule.document["value"] == "Bergen"
    rounds = list(ReviewNote.objects.filter(review=review, request__has_key="criteria").order_by("id"))
    assert [note.request["criteria"]["value"] for note in rounds] == ["Oslo", "Bergen", "Bergen"]


def test_nobody_approves_what_they_asked_for(ron: Any) -> None:
    approvals_needed(False)
    segment = romans()
    approvals_needed()
    review = asked(ron, segment)
    with pytest.raises(Refused, match="another person reviews it"):
        reviews.approve(review, actor=actor(ron))
    with pytest.raises(Refused, match="A person or a key"):
        reviews.approve(review, actor=HOUSE)
    with pytest.raises(IntegrityError, match="reviewer_is_another_person"), transaction.atomic():
        Review.objects.filter(pk=review.pk).update(reviewed_by=ron)


def test_the_second_of_two_reviewers_hears_who_was_first(mia: Any, rita: Any, ron: Any) -> None:
    approvals_needed()
    review = asked(mia, romans())
    mine = Review.objects.get(pk=review.pk)
    reviews.approve(review, actor=actor(rita))
    with pytest.raises(Refused, match="This was applied by rita already"):
        reviews.send_back(mine, actor=actor(ron), note="No")


def test_a_change_of_what_changed_meanwhile_is_looked_at_again(mia: Any, rita: Any) -> None:
    segment = romans()
    approvals_needed()
    review = asked(mia, segment)
    change_segment(segment, criteria={**ROME, "value": "Milan"}, actor=HOUSE)
    with pytest.raises(Refused, match="It changed meanwhile"):
        reviews.approve(review, actor=actor(rita))
    stands = reviews.standing(review)
    assert stands.moved
    assert stands.now["criteria"]["value"] == "Milan"
    reviews.approve(review, actor=actor(rita), seen=stands.state)
    segment.refresh_from_db()
    assert segment.rule
    assert segment.rule.document == OSLO


def test_a_segment_deleted_under_review_is_said_to_be_gone(mia: Any, rita: Any) -> None:
    segment = romans()
    approvals_needed()
    review = asked(mia, segment)
    delete_segment(segment, actor=HOUSE)
    assert "was deleted" in reviews.standing(review).gone
    with pytest.raises(Refused, match="“Romans” is not there any more"):
        reviews.approve(review, actor=actor(rita))
    assert reviews.withdraw(review, actor=actor(mia)).status == "withdrawn"


def test_what_could_not_be_applied_says_why(mia: Any, rita: Any) -> None:
    approvals_needed()
    with pytest.raises(NeedsApproval) as needed:
        create_segment(name="Oslo", slug="oslo", kind="dynamic", criteria=OSLO, actor=actor(mia))
    review = file_it(needed.value)
    create_segment(name="Other", slug="oslo", actor=HOUSE)
    with pytest.raises(Refused, match="oslo"):
        reviews.approve(review, actor=actor(rita))
    review.refresh_from_db()
    assert review.status == "requested"
    assert review.reviewed_by is None
    assert "oslo" in review.fault.lower()


def test_what_could_never_be_is_refused_before_a_review(mia: Any) -> None:
    approvals_needed()
    with pytest.raises(Refused):
        create_segment(name="Bad", kind="dynamic", criteria={"type": "NOPE"}, actor=actor(mia))
    assert not Review.objects.exists()
    assert not Segment.objects.exists()


def test_a_name_a_colour_and_the_house_need_no_approval(mia: Any) -> None:
    segment = romans()
    approvals_needed()
    change_segment(segment, name="People of Rome", color="rose", criteria=ROME, actor=actor(mia))
    archive_segment(segment, actor=HOUSE)
    segment.refresh_from_db()
    assert segment.name == "People of Rome"
    assert segment.archived_at


@pytest.mark.parametrize("verb", [archive_segment, delete_segment])
def test_putting_away_and_deleting_wait_too(verb: Any, mia: Any, rita: Any) -> None:
    segment = romans()
    approvals_needed()
    with pytest.raises(NeedsApproval) as needed:
        verb(segment, actor=actor(mia))
    review = file_it(needed.value)
    assert Segment.objects.filter(pk=segment.pk, archived_at=None).exists()
    reviews.approve(review, actor=actor(rita))
    assert not Segment.objects.filter(pk=segment.pk, archived_at=None).exists()


def test_vic_asks_in_words_ron_makes_the_change_and_rita_approves(vic: Any, ron: Any, rita: Any) -> None:
    segment = romans()
    review = reviews.file(actor=actor(vic), kind="segment", subject=segment.ref, words="Oslo has been added to Rome")
    with pytest.raises(Refused, match="only words so far"):
        reviews.approve(review, actor=actor(rita))
    assert reviews.waiting_for(ron).get() == review
    approvals_needed()
    with pytest.raises(NeedsApproval) as needed:
        change_segment(segment, criteria=OSLO, actor=actor(ron))
    review = file_it(needed.value, into=str(review.pk))
    with pytest.raises(Refused, match="another person reviews it"):
        reviews.approve(review, actor=actor(ron))
    assert reviews.approve(review, actor=actor(rita)).status == "applied"


def test_steps_of_a_review_are_only_ever_added_to(mia: Any) -> None:
    approvals_needed()
    review = asked(mia, romans())
    with pytest.raises(IntegrityError, match="only ever added to"), transaction.atomic():
        ReviewNote.objects.filter(review=review).update(text="other")


def test_what_somebody_asked_for_who_has_left_can_still_be_reviewed(mia: Any, rita: Any) -> None:
    segment = romans()
    approvals_needed()
    review = asked(mia, segment)
    with pytest.raises(ProtectedError):
        mia.delete()
    mia.is_active = False
    mia.save()
    assert reviews.approve(review, actor=actor(rita)).status == "applied"
