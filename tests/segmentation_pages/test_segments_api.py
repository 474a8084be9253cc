"""The API of segments, told as stories."""

import json
from typing import Any

import pytest
from django.test import Client

from segmentation.evaluation import recompute
from segmentation.models import Segment
from tests.segmentation_pages.stories import SEED_004, order, person, tell
from workspace.uses import set_uses

pytestmark = pytest.mark.django_db
URL = "/api/v1/segments/"


class Api:
    """Speaks JSON with a key."""

    def __init__(self, key: str) -> None:
        self.client = Client(raise_request_exception=True)
        self.key = key

    def __call__(self, method: str, url: str, body: Any = None, **headers: str) -> Any:
        extra = {"Authorization": f"Bearer {self.key}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return self.client.generic(method, url, as_json(body), content_type="application/json", headers=extra)


def as_json(body: Any) -> str:
    """Write a body."""
    return "" if body is None else json.dumps(body)


@pytest.fixture
def api(manage_key: str) -> Api:
    """A program with a key of scope manage."""
    return Api(manage_key)


def paths(answer: Any) -> list[str]:
    """Return where the faults of a refusal are."""
    return [fault["path"] for fault in answer.json()["errors"]]


def evaluated(answer: Any) -> dict[str, Any]:
    """Evaluate the segment that was answered, as a worker would."""
    segment = Segment.objects.get(slug=answer.json()["slug"])
    recompute(segment.pk, cause="edited", fires="none")
    return answer.json()  # type: ignore[no-any-return]


def test_the_example_of_the_docs_posted_verbatim_makes_its_segment_on_an_empty_base(api: Api) -> None:
    made = api("POST", URL, {"name": "Enterprise", "kind": "DYNAMIC", "criteria": SEED_004})
    assert made.status_code == 201, made.content
    body = made.json()
    assert body["criteria"] == SEED_004
    assert body["kind"] == "dynamic"
    assert body["slug"] == "enterprise"
    assert body["size"] == 0
    assert body["evaluation"]["status"] in ("waiting", "running", "done")
    assert "enterprise" in body["words"]
    assert made["ETag"]
    assert api("GET", f"{URL}enterprise/").json()["id"] == body["id"]
    assert api("GET", f"{URL}{body['id']}/").json()["slug"] == "enterprise"


def test_contacts_who_match_are_members_after_the_evaluation(api: Api) -> None:
    tell(person("Ana", plan="enterprise"), person("Ben", plan="free"))
    made = evaluated(api("POST", URL, {"name": "Enterprise", "kind": "dynamic", "criteria": SEED_004}))
    members = api("GET", f"{URL}{made['id']}/members/").json()["results"]
    assert [one["user_id"] for one in members] == ["ana"]
    assert members[0]["email"] == "ana@example.com"
    read = api("GET", f"{URL}{made['id']}/").json()
    assert (read["size"], read["evaluation"]["status"]) == (1, "done")
    assert read["evaluated_at"]
    moves = api("GET", f"{URL}{made['id']}/transitions/").json()["results"]
    assert [(one["kind"], one["seq"]) for one in moves] == [("entered", 1)]
    looks = api("GET", f"/api/v1/evaluations/?segment={made['slug']}").json()["results"]
    assert looks[0]["segment"] == made["id"]


def test_a_segment_is_static_unless_it_says_otherwise(api: Api) -> None:
    tell(person("Ana"), person("Ben"))
    made = api("POST", URL, {"name": "Beta testers"}).json()
    assert (made["kind"], made["criteria"], made["evaluation"]) == ("static", None, None)
    put = api("POST", f"{URL}{made['slug']}/members/", {"contacts": ["user:ana", "email:BEN@example.com"]})
    assert put.json() == {"added": 2, "size": 2}
    again = api("POST", f"{URL}{made['slug']}/members/", {"contacts": ["user:ana"]})
    assert again.json() == {"added": 0, "size": 2}
    out = api("POST", f"{URL}{made['slug']}/members/remove/", {"contacts": ["user:ana"]})
    assert out.json() == {"removed": 1, "size": 1}


def test_contacts_nobody_knows_are_refused_by_their_place_and_nobody_is_added(api: Api) -> None:
    tell(person("Ana"))
    made = api("POST", URL, {"name": "Beta testers"}).json()
    answer = api("POST", f"{URL}{made['slug']}/members/", {"contacts": ["user:ana", "user:zoe"]})
    assert (answer.status_code, paths(answer)) == (400, ["contacts[1]"])
    assert api("GET", f"{URL}{made['slug']}/").json()["size"] == 0


def test_criteria_with_a_static_segment_are_refused(api: Api) -> None:
    answer = api("POST", URL, {"name": "Enterprise", "criteria": SEED_004})
    assert (answer.status_code, paths(answer)) == (400, ["criteria"])
    assert answer["Content-Type"].startswith("application/problem+json")


def test_a_dynamic_segment_takes_nobody_by_hand(api: Api) -> None:
    tell(person("Ana"))
    made = api("POST", URL, {"name": "Enterprise", "kind": "dynamic", "criteria": SEED_004}).json()
    for door in ("members/", "members/remove/"):
        answer = api("POST", f"{URL}{made['id']}/{door}", {"contacts": ["user:ana"]})
        assert answer.status_code == 409
        assert "criteria" in answer.json()["detail"]


def test_faults_name_their_place_in_the_request(api: Api) -> None:
    criteria = {
        "operator": "AND",
        "conditions": [{"type": "PROPERTY", "propertyName": "email", "operator": "=", "value": 5}],
    }
    answer = api("POST", URL, {"name": "Wrong", "kind": "dynamic", "criteria": criteria})
    assert (answer.status_code, paths(answer)) == (400, ["criteria.conditions[0].value"])
    assert not Segment.objects.exists()


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": "X", "colour": "red"}, "colour"),
        ({"kind": "static"}, "name"),
        ({"name": "X", "kind": "magic"}, "kind"),
        ({"name": "X", "slug": "Not A Slug"}, "slug"),
        ({"name": "X", "kind": "dynamic"}, "criteria"),
        ({"name": "X", "labels": "vip"}, "labels"),
        ({"name": "x" * 121}, "name"),
    ],
)
def test_what_is_unknown_missing_or_wrong_is_named(api: Api, body: Any, path: str) -> None:
    answer = api("POST", URL, body)
    assert (answer.status_code, paths(answer)) == (400, [path])


@pytest.mark.parametrize("body", [[], "x", 7, None])
def test_a_body_that_is_no_object_is_refused(api: Api, body: Any) -> None:
    assert api("POST", URL, body).status_code == 400


def test_a_taken_slug_is_refused(api: Api) -> None:
    assert api("POST", URL, {"name": "VIP", "slug": "vip"}).status_code == 201
    answer = api("POST", URL, {"name": "Other", "slug": "vip"})
    assert answer.status_code in (400, 409)
    assert paths(answer) == ["slug"]


def test_somebody_who_read_an_older_state_is_told_so(api: Api) -> None:
    made = api("POST", URL, {"name": "VIP"})
    tag = made["ETag"]
    assert api("PATCH", f"{URL}vip/", {"name": "Very important"}, If_Match=tag).status_code == 200
    late = api("PATCH", f"{URL}vip/", {"name": "Late"}, If_Match=tag)
    assert late.status_code == 412
    assert Segment.objects.get().name == "Very important"
    assert api("DELETE", f"{URL}vip/", If_Match=tag).status_code == 412


def test_an_evaluation_outdates_what_was_read_but_no_change_that_is_based_on_it(api: Api) -> None:
    made = api("POST", URL, {"name": "Enterprise", "kind": "dynamic", "criteria": SEED_004})
    evaluated(made)
    assert api("GET", f"{URL}enterprise/", If_None_Match=made["ETag"]).status_code == 200
    assert api("PATCH", f"{URL}enterprise/", {"name": "Big"}, If_Match=made["ETag"]).status_code == 200


def test_slug_and_kind_never_change(api: Api) -> None:
    api("POST", URL, {"name": "VIP"})
    answer = api("PATCH", f"{URL}vip/", {"slug": "other"})
    assert (answer.status_code, paths(answer)) == (400, ["slug"])


def test_edited_criteria_are_evaluated_afterwards(api: Api) -> None:
    tell(person("Ana", plan="enterprise"), person("Ben", plan="free"))
    made = evaluated(api("POST", URL, {"name": "Plan", "kind": "dynamic", "criteria": SEED_004}))
    free = {**SEED_004, "conditions": [{**SEED_004["conditions"][0], "value": "free"}]}  # type: ignore[dict-item]
    seen = api("POST", f"{URL}{made['id']}/diff/", {"criteria": free}).json()
    assert (seen["joins"]["count"], seen["leaves"]["count"], seen["stays"]["count"]) == (1, 1, 0)
    assert seen["joins"]["sample"][0]["name"] == "Ben"
    changed = api("PATCH", f"{URL}{made['id']}/", {"criteria": free, "fires": "none"})
    assert changed.json()["criteria"] == free
    evaluated(changed)
    members = api("GET", f"{URL}{made['id']}/members/").json()["results"]
    assert [one["user_id"] for one in members] == ["ben"]


def test_a_preview_counts_and_stores_nothing(api: Api) -> None:
    tell(person("Ana"), person("Ben"), order("Ana", 50), order("Ben", 5))
    criteria = {
        "type": "EVENT",
        "eventName": "Order Completed",
        "aggregate": {"function": "sum", "propertyName": "revenue", "operator": ">", "value": 10},
    }
    seen = api("POST", f"{URL}preview/", {"criteria": criteria}).json()
    assert (seen["count"], seen["exact"]) == (1, True)
    assert seen["sample"][0]["name"] == "Ana"
    assert seen["words"]
    assert not Segment.objects.exists()
    wrong = api("POST", f"{URL}preview/", {"criteria": {"operator": "AND", "conditions": []}})
    assert (wrong.status_code, paths(wrong)) == (400, ["criteria.conditions"])


def test_a_used_segment_is_not_deleted_and_says_by_what(api: Api) -> None:
    api("POST", URL, {"name": "VIP"})
    nested = {"operator": "AND", "conditions": [{"type": "SEGMENT", "segment": "vip"}]}
    api("POST", URL, {"name": "Inner circle", "kind": "dynamic", "criteria": nested})
    answer = api("DELETE", f"{URL}vip/")
    assert answer.status_code == 409
    (user,) = api("GET", f"{URL}vip/used-by/").json()["results"]
    assert (user["ref"], user["kind"], user["slug"]) == ("segment:inner-circle", "segment", "inner-circle")
    assert api("DELETE", f"{URL}inner-circle/").status_code == 204
    assert api("DELETE", f"{URL}vip/").status_code == 204
    assert api("GET", f"{URL}vip/").status_code == 404


def test_a_flow_that_uses_it_keeps_it_too(api: Api) -> None:
    api("POST", URL, {"name": "VIP"})
    set_uses("flow:win-back", ["segment:vip"])
    assert api("DELETE", f"{URL}vip/").status_code == 409


def test_it_is_refreshed_duplicated_archived_and_listed(api: Api) -> None:
    made = api("POST", URL, {"name": "Enterprise", "kind": "dynamic", "criteria": SEED_004, "labels": ["b2b"]}).json()
    assert api("POST", f"{URL}{made['id']}/refresh/").status_code == 202
    copy = api("POST", f"{URL}{made['id']}/duplicate/")
    assert copy.status_code == 201
    assert copy.json()["criteria"] == SEED_004
    assert api("POST", f"{URL}{made['id']}/archive/").json()["archived_at"]
    slugs = [one["slug"] for one in api("GET", URL).json()["results"]]
    assert slugs == [copy.json()["slug"]]
    archived = [one["slug"] for one in api("GET", f"{URL}?archived=true").json()["results"]]
    assert archived == ["enterprise"]


def test_a_list_of_many_segments_takes_a_fixed_number_of_queries(api: Api, django_assert_max_num_queries: Any) -> None:
    for number in range(12):
        api("POST", URL, {"name": f"Segment {number}"})
    with django_assert_max_num_queries(8):
        assert len(api("GET", URL).json()["results"]) == 12


def test_a_key_that_may_only_read_previews_but_changes_nothing(read_key: str, api: Api) -> None:
    reader = Api(read_key)
    assert reader("POST", f"{URL}preview/", {"criteria": SEED_004}).status_code == 200
    assert reader("POST", URL, {"name": "VIP"}).status_code == 403
    assert reader("GET", URL).status_code == 200
    assert Client().get(URL).status_code == 401


@pytest.mark.parametrize("ref", ["seg_999999", "nobody", "seg_99999999999999999999", "%00", "'--", "seg_"])
def test_a_segment_that_is_not_there_answers_404(api: Api, ref: str) -> None:
    assert api("GET", f"{URL}{ref}/").status_code == 404
