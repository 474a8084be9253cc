"""The API of reviews: 202 in place of a change, and the whole loop by keys."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from segmentation.models import Segment
from tests.reviews.conftest import signed_in
from tests.reviews.stories import OSLO, ROME, approvals_needed, romans
from workspace.audit import HOUSE
from workspace.keys import make_key, rotate_key
from workspace.models import Key, Review

pytestmark = pytest.mark.django_db
JSON = "application/json"


class Program:
    """A program with a key of its own."""

    def __init__(self, name: str, scope: str = "manage") -> None:
        self.key, self.secret = make_key(name=name, scope=scope, actor=HOUSE)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Call the API."""
        said = {"data": body, "content_type": JSON} if body is not None else {}
        headers = {"authorization": f"Bearer {self.secret}", **headers}
        return getattr(Client(), method)(f"/api/v1/{path}", headers=headers, **said)


def test_what_a_program_changes_is_answered_202_with_its_review() -> None:
    shop, desk = Program("Shop"), Program("Desk")
    segment = romans()
    approvals_needed()
    answer = shop.call("patch", f"segments/{segment.ref}/", {"criteria": OSLO, "fires": "both"})
    assert answer.status_code == 202, answer.content
    told = answer.json()["review"]
    assert (answer["Location"], told["status"]) == (told["url"], "requested")
    read = shop.call("get", f"reviews/{told['id']}/").json()
    assert read["difference"]["changes"]["criteria"]["before"]["criteria"] == ROME
    assert read["difference"]["changes"]["criteria"]["after"]["criteria"] == OSLO
    assert {"joins", "leaves", "stays", "flows"} <= set(read["difference"])
    assert read["requested_by"] == {"person": None, "key": shop.key.ref}
    own = shop.call("post", f"reviews/{told['id']}/approve/", {})
    assert own.status_code == 403
    assert "another person" in own.json()["detail"]
    done = desk.call("post", f"reviews/{told['id']}/approve/", {"note": "Fine", "state": read["state"]})
    assert done.status_code == 200, done.content
    assert done.json()["status"] == "applied"
    assert [one["step"] for one in done.json()["steps"]] == ["requested", "approved", "applied"]
    segment.refresh_from_db()
    assert segment.rule
    assert segment.rule.document == OSLO


@pytest.mark.parametrize(
    ("method", "path", "body", "verb"),
    [
        ("post", "segments/", {"name": "Oslo", "kind": "dynamic", "criteria": OSLO}, "create"),
        ("delete", "segments/romans/", None, "delete"),
        ("post", "segments/romans/archive/", None, "archive"),
        ("post", "segments/romans/duplicate/", None, "duplicate"),
        ("post", "segments/romans/freeze/", {}, "freeze"),
    ],
)
def test_each_change_of_a_definition_waits(method: str, path: str, body: Any, verb: str) -> None:
    shop, desk = Program("Shop"), Program("Desk")
    romans()
    approvals_needed()
    answer = shop.call(method, path, body)
    assert answer.status_code == 202, answer.content
    review = Review.objects.get()
    assert review.verb == verb
    assert list(Segment.objects.values_list("slug", "archived_at")) == [("romans", None)]
    done = desk.call("post", f"reviews/{review.ref}/approve/", {})
    assert done.status_code == 200, done.content
    assert list(Segment.objects.values_list("slug", "archived_at")) != [("romans", None)]


def test_a_repeated_call_files_one_review() -> None:
    shop = Program("Shop")
    approvals_needed()
    body = {"name": "Oslo", "kind": "dynamic", "criteria": OSLO}
    first, again = (shop.call("post", "segments/", body, **{"idempotency-key": "one"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert Review.objects.count() == 1


def test_what_could_never_be_is_answered_400_and_no_review() -> None:
    shop = Program("Shop")
    approvals_needed()
    answer = shop.call("post", "segments/", {"name": "Oslo", "kind": "dynamic", "criteria": {"type": "NOPE"}})
    assert answer.status_code == 400
    assert not Review.objects.exists()


def test_a_successor_of_a_key_does_not_approve_what_the_key_asked_for() -> None:
    shop = Program("Shop")
    segment = romans()
    approvals_needed()
    review = shop.call("patch", f"segments/{segment.ref}/", {"criteria": OSLO}).json()["review"]["id"]
    later = Program("Later")
    later.key, later.secret = rotate_key(shop.key, actor=HOUSE)
    assert later.call("post", f"reviews/{review}/approve/", {}).status_code == 403
    with pytest.raises(IntegrityError, match="reviewer_is_another_key"), transaction.atomic():
        Review.objects.update(reviewed_key=Key.objects.get(pk=shop.key.pk))


def test_words_then_a_change_then_back_then_withdrawn() -> None:
    shop, desk = Program("Shop"), Program("Desk")
    segment = romans()
    made = shop.call("post", "reviews/", {"subject": "romans", "words": "Oslo too", "submit": False})
    assert made.status_code == 201, made.content
    assert (made.json()["status"], made.json()["subject"]) == ("draft", segment.ref)
    path = f"reviews/{made.json()['id']}/"
    assert shop.call("post", path + "submit/", {}).json()["status"] == "requested"
    assert desk.call("post", path + "approve/", {}).status_code == 409
    assert desk.call("post", path + "send-back/", {}).status_code == 400
    assert desk.call("post", path + "send-back/", {"note": "Which Oslo?"}).json()["status"] == "sent_back"
    old = shop.call("get", path)["ETag"]
    changed = shop.call("patch", path, {"verb": "change", "change": {"criteria": OSLO}})
    assert changed.status_code == 200, changed.content
    assert (changed.json()["status"], changed.json()["round"]) == ("requested", 3)
    stale = desk.call("post", path + "approve/", {}, **{"if-match": old})
    assert stale.status_code == 412
    assert desk.call("post", path + "comments/", {"text": "Thank you"}).status_code == 201
    assert desk.call("post", path + "withdraw/", {}).status_code == 403
    assert shop.call("post", path + "withdraw/", {}).json()["status"] == "withdrawn"
    again = desk.call("post", path + "approve/", {})
    assert again.status_code == 409
    assert "withdrawn" in again.json()["detail"]


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        ({}, 400, "words"),
        ({"kind": "boat", "words": "x"}, 400, "kind"),
        ({"subject": "seg_999999", "words": "x"}, 404, "subject"),
        ({"verb": "fly", "subject": "romans", "change": {}}, 400, "verb"),
        ({"verb": "change", "subject": "romans", "change": []}, 400, "change"),
        ({"verb": "change", "subject": "romans", "change": {"criteria": ROME}}, 409, "change"),
        ({"verb": "change", "subject": "romans", "change": {"name": "x"}}, 400, "criteria"),
        ({"change": {"criteria": OSLO}}, 400, "verb"),
        ({"words": "x", "wish": 1}, 400, "wish"),
        ({"verb": "freeze", "subject": "romans", "change": {"at": "soon"}}, 400, "at"),
        ({"verb": "personas", "change": {"parameters": []}}, 400, "parameters"),
    ],
)
def test_a_bad_request_is_told_in_a_sentence(body: Any, code: int, path: str) -> None:
    romans()
    answer = Program("Shop").call("post", "reviews/", body)
    assert answer.status_code == code, answer.content
    assert path in [one["path"] for one in answer.json()["errors"]]


def test_lists_choose_by_status_and_subject() -> None:
    shop = Program("Shop")
    segment = romans()
    shop.call("post", "reviews/", {"subject": "romans", "words": "One"})
    shop.call("post", "reviews/", {"words": "Two"})
    assert len(shop.call("get", "reviews/").json()["results"]) == 2
    assert len(shop.call("get", f"reviews/?subject={segment.ref}").json()["results"]) == 1
    assert shop.call("get", "reviews/?status=applied").json()["results"] == []
    assert shop.call("get", "reviews/?status=odd").status_code == 400
    assert shop.call("get", "reviews/?who=me").status_code == 400
    assert shop.call("get", "reviews/rev_99999/").status_code == 404


def test_who_may_do_what(vic: Any, mia: Any, rita: Any) -> None:
    romans()
    reader = Program("Reader", "read")
    assert reader.call("get", "reviews/").status_code == 200
    assert reader.call("post", "reviews/", {"words": "x"}).status_code == 403
    change = {"verb": "change", "subject": "romans", "change": {"criteria": OSLO}}
    codes = {}
    for person in (vic, mia, rita):
        said = signed_in(person).post("/api/v1/reviews/", {"words": "x"}, content_type=JSON).status_code
        codes[person.username] = (
            said,
            signed_in(person).post("/api/v1/reviews/", change, content_type=JSON).status_code,
        )
    assert codes == {"vic": (201, 403), "mia": (201, 201), "rita": (201, 403)}
    review = Review.objects.get(verb="change")
    path = f"/api/v1/reviews/{review.ref}/approve/"
    assert signed_in(vic).post(path, {}, content_type=JSON).status_code == 403
    assert signed_in(mia).post(path, {}, content_type=JSON).status_code == 403
    assert signed_in(rita).post(path, {}, content_type=JSON).status_code == 200
