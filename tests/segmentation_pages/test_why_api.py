"""Why, what an edit would do, what was and what overlaps: by API, told as stories."""

from datetime import timedelta
from typing import Any

import pytest

from segmentation import services
from segmentation.evaluation import recompute, take_changes
from segmentation.models import Segment
from tests.segmentation_pages.stories import SEED_004, order, person, tell
from tests.segmentation_pages.test_segments_api import URL, Api, api, evaluated, paths
from workspace import clock
from workspace.audit import HOUSE
from workspace.uses import set_uses

pytestmark = pytest.mark.django_db
__all__ = ["api"]
TWO_ORDERS = {
    "type": "EVENT",
    "eventName": "Order Completed",
    "aggregate": {"function": "count", "operator": ">=", "value": 2},
    "window": {"last": "30d"},
}


def regulars(api: Api) -> dict[str, Any]:
    """Ana bought twice, Ben once."""
    tell(person("Ana"), person("Ben"), order("Ana", 50, 5), order("Ana", 20, 2), order("Ben", 10, 1))
    return evaluated(api("POST", URL, {"name": "Regulars", "kind": "dynamic", "criteria": TWO_ORDERS}))


def test_an_explanation_names_the_events_that_count_and_when_it_turns(api: Api) -> None:
    made = regulars(api)
    told = api("GET", f"{URL}{made['id']}/explain/?contact=user:ana").json()
    assert (told["member"], told["holds"], told["segment"]) == (True, True, "regulars")
    assert (told["tree"]["type"], told["tree"]["found"], len(told["tree"]["events"])) == ("EVENT", 2, 2)
    assert set(told["tree"]["events"][0]) == {"id", "name", "at", "value"}
    assert told["turns"]["becomes"] is False
    assert told["turns"]["because"][0]["ages_out"] is True
    assert told["turns"]["words"].startswith("Leaves on ")
    assert told["last_transition"]["kind"] == "entered"
    ben = api("GET", f"{URL}regulars/explain/?contact=email:ben@example.com").json()
    assert (ben["member"], ben["holds"], ben["turns"]) == (False, False, None)
    assert "1" in ben["tree"]["found_words"]
    assert "2" in ben["tree"]["found_words"]


def test_an_explanation_needs_a_contact_that_exists(api: Api) -> None:
    made = regulars(api)
    missing = api("GET", f"{URL}{made['id']}/explain/")
    assert (missing.status_code, paths(missing)) == (400, ["contact"])
    assert api("GET", f"{URL}{made['id']}/explain/?contact=user:nobody").status_code == 404
    assert api("GET", f"{URL}{made['id']}/explain/?contact=%00%27%22").status_code == 404


def test_a_diff_carries_reasons_and_flows(api: Api) -> None:
    made = regulars(api)
    one = {**TWO_ORDERS, "aggregate": {"function": "count", "operator": "=", "value": 1}}
    told = api("POST", f"{URL}{made['id']}/diff/", {"criteria": one}).json()
    assert {part: told[part]["count"] for part in ("joins", "leaves", "stays")} == {"joins": 1, "leaves": 1, "stays": 0}
    assert told["joins"]["sample"][0]["name"] == "Ben"
    assert told["joins"]["sample"][0]["reason"].startswith("1 × “Order Completed”")
    assert told["leaves"]["sample"][0]["reason"].startswith("2 × “Order Completed”")
    assert told["flows"] == []


def test_members_at_an_instant_and_a_frozen_copy_of_it(api: Api) -> None:
    with clock.at(clock.now() - timedelta(days=3)):
        made = regulars(api)
    then = (clock.now() - timedelta(days=1)).isoformat()
    tell(order("Ben", 5, 0.5), {**order("Ben", 5, 0.4), "messageId": "ben-two"})
    take_changes()
    now = api("GET", f"{URL}{made['id']}/history/").json()
    assert ([one["user_id"] for one in now["results"]], now["size"]) == (["ana", "ben"], 2)
    was = api("GET", f"{URL}{made['id']}/history/?at={then}").json()
    assert ([one["user_id"] for one in was["results"]], was["size"]) == (["ana"], 1)
    assert set(was) == {"at", "size", "next", "previous", "results"}
    copy = api("POST", f"{URL}{made['id']}/freeze/", {"at": then, "name": "Early regulars"})
    assert (copy.status_code, copy.json()["kind"], copy.json()["size"]) == (201, "static", 1)
    for odd in ("tomorrow", "2999-01-01T00:00:00Z", "2026-01-01"):
        answer = api("GET", f"{URL}{made['id']}/history/?at={odd}")
        assert (answer.status_code, paths(answer)) == (400, ["at"]), odd
    late = api("POST", f"{URL}{made['id']}/freeze/", {"at": "2999-01-01T00:00:00Z"})
    assert (late.status_code, paths(late)) == (400, ["at"])


def test_transitions_are_chosen_by_what_is_asked(api: Api) -> None:
    made = regulars(api)
    moves = f"{URL}{made['id']}/transitions/"
    assert len(api("GET", f"{moves}?kind=entered&cause=edited&contact=user:ana&fires=false").json()["results"]) == 1
    assert api("GET", f"{moves}?kind=exited").json()["results"] == []
    for query, path in [
        ("kind=came", "kind"),
        ("cause=magic", "cause"),
        ("fires=maybe", "fires"),
        ("since=x", "since"),
    ]:
        answer = api("GET", f"{moves}?{query}")
        assert (answer.status_code, paths(answer)) == (400, [path])
    assert api("GET", f"{moves}?contact=user:nobody").status_code == 404


def test_overlap_of_two_to_four_segments(api: Api) -> None:
    regulars(api)
    tell(person("Ana", plan="enterprise"), person("Ben", plan="enterprise"))
    evaluated(api("POST", URL, {"name": "Enterprise", "kind": "dynamic", "criteria": SEED_004}))
    told = api("GET", f"{URL}overlap/?segments=regulars,enterprise").json()
    counts = {tuple(one["segments"]): (one["all"], one["only"]) for one in told["combinations"]}
    assert counts == {("regulars",): (1, 0), ("enterprise",): (2, 1), ("regulars", "enterprise"): (1, 1)}
    assert (told["any"], told["segments"][0]["slug"]) == (2, "regulars")
    for refs, status in [("regulars", 400), ("a,b,c,d,e", 400), ("regulars,nothing", 404), ("", 400)]:
        assert api("GET", f"{URL}overlap/?segments={refs}").status_code == status


def test_muting_is_told_and_unmuting_says_what_was_missed(api: Api) -> None:
    made = regulars(api)
    muted = api("POST", f"{URL}{made['id']}/mute/").json()
    assert muted["muted"]
    assert muted["muted_at"]
    tell({**order("Ben", 5, 0.1), "messageId": "ben-again"})
    take_changes()
    heard = api("POST", f"{URL}{made['id']}/unmute/").json()
    assert (heard["muted"], heard["muted_at"], heard["missed"]) == (False, None, {"entered": 1, "exited": 0})
    assert api("GET", f"{URL}{made['id']}/transitions/?fires=false&contact=user:ben").json()["results"]


def test_an_archived_segment_comes_back_by_unarchive(api: Api) -> None:
    made = regulars(api)
    assert api("POST", f"{URL}{made['id']}/archive/").json()["archived_at"]
    assert api("POST", f"{URL}{made['id']}/unarchive/").json()["archived_at"] is None
    recompute(made_pk(made))
    assert api("GET", f"{URL}{made['id']}/").json()["size"] == 1


def made_pk(made: dict[str, Any]) -> int:
    """Return the number of a segment that was answered."""
    return Segment.objects.get(slug=made["slug"]).pk


def test_deleting_a_used_segment_is_refused_with_the_list(api: Api) -> None:
    services.create_segment(name="VIP", slug="vip", actor=HOUSE)
    set_uses("flow:win-back", {"segment:vip"})
    refused = api("DELETE", f"{URL}vip/")
    assert (refused.status_code, refused.headers["Content-Type"]) == (409, "application/problem+json")
    assert "flow:win-back" in refused.json()["errors"][0]["message"]
    assert Segment.objects.filter(slug="vip").exists()


@pytest.mark.parametrize("slug", ["overlap", "preview"])
def test_an_address_of_the_api_is_no_slug(api: Api, slug: str) -> None:
    refused = api("POST", URL, {"name": "Mine", "slug": slug})
    assert (refused.status_code, paths(refused)) == (400, ["slug"])
    assert api("POST", URL, {"name": slug.title()}).json()["slug"] == f"{slug}-2"
