"""Two reviewers at once, and a process that dies between the approval and what it applies."""

import os
import subprocess
import sys
import threading
from typing import Any

import pytest
from django.db import connection, connections

from config.staff import make_groups
from segmentation.models import Evaluation, Segment
from segmentation.services import change_segment
from tests.conftest import staff
from tests.reviews.stories import OSLO, ROME, actor, approvals_needed, romans
from workspace import reviews
from workspace.approval import NeedsApproval
from workspace.filing import file_it
from workspace.invariants import CHECKS
from workspace.models import Audit, Review, ReviewNote
from workspace.problems import Refused

pytestmark = pytest.mark.usefixtures("transactional_db")

APPROVE = """
import django; django.setup()
from workspace import reviews
from workspace.audit import Actor
from workspace.models import Review
reviews.approve(Review.objects.get(pk={review}), actor=Actor(user_id={person}))
"""


def asked(segment: Segment) -> Review:
    """Let Mia ask for Oslo in place of Rome."""
    approvals_needed()
    mia = staff("mia", "marketer")
    with pytest.raises(NeedsApproval) as needed:
        change_segment(segment, criteria=OSLO, actor=actor(mia))
    return file_it(needed.value)


def test_of_two_reviewers_at_once_one_wins_and_the_other_hears_who() -> None:
    make_groups()
    review = asked(romans())
    people = [staff("rita", "reviewer"), staff("ron", "reviewer")]
    start, said = threading.Barrier(2), []

    def decide(person: Any) -> None:
        mine = Review.objects.get(pk=review.pk)
        start.wait()
        try:
            said.append(reviews.approve(mine, actor=actor(person)).status)
        except Refused as refused:
            said.append(refused.detail)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=decide, args=[one]) for one in people]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    review.refresh_from_db()
    winner = review.reviewed_by
    assert winner
    assert sorted(said) == sorted(["applied", f"This was applied by {winner} already; it cannot be approved now."])
    assert Audit.objects.filter(verb="segment.changed").count() == 1
    assert ReviewNote.objects.filter(review=review, step="applied").count() == 1


@pytest.mark.parametrize("point", ["review_approved", "review_applied"])
def test_a_process_that_dies_in_the_middle_leaves_nothing_half_done(point: str) -> None:
    make_groups()
    segment = romans()
    review = asked(segment)
    looks = Evaluation.objects.filter(segment=segment).count()
    rita = staff("rita", "reviewer")
    told = connection.settings_dict
    url = f"postgres://{told['USER']}:{told['PASSWORD']}@{told['HOST']}:{told['PORT']}/{told['NAME']}"
    died = subprocess.run(
        [sys.executable, "-c", APPROVE.format(review=review.pk, person=rita.pk)],
        env={**os.environ, "DATABASE_URL": url, "CRASH_AT": point, "DJANGO_SETTINGS_MODULE": "config.settings"},
        check=False,
    )
    assert died.returncode == -9
    review.refresh_from_db()
    segment.refresh_from_db()
    assert (review.status, review.reviewed_by) == ("requested", None)
    assert segment.rule
    assert segment.rule.document == ROME
    assert Evaluation.objects.filter(segment=segment).count() == looks
    assert not Audit.objects.filter(verb="review.approved").exists()
    reviews.approve(review, actor=actor(rita))
    segment.refresh_from_db()
    assert segment.rule.document == OSLO


def test_the_invariants_name_a_review_that_was_applied_without_its_step() -> None:
    make_groups()
    review = asked(romans())
    assert broken() == []
    Review.objects.filter(pk=review.pk).update(status="applied", settled_at=review.created_at)
    assert broken() == ["an applied review has its step and its line in the record"]


def broken() -> list[str]:
    """Return the invariants of reviews that do not hold."""
    with connection.cursor() as cursor:
        found = []
        for name, query in CHECKS.items():
            cursor.execute(query)
            found += [name] if cursor.fetchall() else []
    return found
