"""The API of flows, as a program meets it."""

import json
from typing import Any

import pytest
from django.test import Client

from flows import services
from flows.models import Flow
from segmentation.models import Segment
from tests.canvas.conftest import DRAFT, join, met
from workspace.audit import HOUSE


@pytest.fixture
def call(client: Client, manage_key: str) -> Any:
    """Give a function that calls the API with a key that may write."""

    def one(method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = json.dumps(body) if body is not None else ""
        return client.generic(
            method,
            f"/api/v1/{path}",
            sent,
            "application/json",
            headers={"Authorization": f"Bearer {manage_key}", **headers},
        )

    return one


def test_a_flow_is_made_read_changed_and_deleted(call: Any, signed_up: Segment, templates: None) -> None:
    made = call(
        "POST", "flows/", {"name": "Welcome", "slug": "welcome-flow", "draft": DRAFT, "settings": {"entry": "both"}}
    )
    assert made.status_code == 201
    body = made.json()
    assert (body["slug"], body["status"], body["version"]) == ("welcome-flow", "draft", None)
    assert {node["id"] for node in body["draft"]["nodes"]} == {"start", "wait", "split", "dutch", "english", "mark"}
    assert body["settings"]["entry"] == "both"
    assert call("GET", "flows/welcome-flow/").json()["id"] == call("GET", f"flows/{body['id']}/").json()["id"]
    changed = call("PATCH", "flows/welcome-flow/", {"name": "Hello"}, **{"If-Match": made["ETag"]})
    assert changed.json()["name"] == "Hello"
    assert call("PATCH", "flows/welcome-flow/", {"name": "Late"}, **{"If-Match": made["ETag"]}).status_code == 412
    shorter = {"nodes": DRAFT["nodes"][:2], "edges": DRAFT["edges"][:1]}
    again = call("PATCH", "flows/welcome-flow/", {"draft": shorter}, **{"If-Match": changed["ETag"]}).json()
    assert len(again["draft"]["nodes"]) == 2
    assert [one["name"] for one in call("GET", "flows/?q=hell").json()["results"]] == ["Hello"]
    assert call("DELETE", "flows/welcome-flow/").status_code == 204


def test_faults_name_their_node_and_field(call: Any, blank: Flow) -> None:
    found = call("GET", f"flows/{blank.slug}/check/").json()["faults"]
    assert {"node", "field", "message", "severity"} == set(found[0])
    assert found[0]["field"] == "segment"
    refused = call("POST", f"flows/{blank.slug}/activate/")
    assert refused.status_code == 409
    assert refused["Content-Type"].startswith("application/problem+json")
    assert refused.json()["faults"] == found


def test_a_draft_with_faults_of_shape_is_refused_with_their_paths(call: Any) -> None:
    draft = {
        "nodes": [{"id": "a b", "kind": "wait", "settings": {}}, {"id": "x", "kind": "nothing"}],
        "edges": [{"from": "q", "to": "z"}],
    }
    refused = call("POST", "flows/", {"name": "Broken", "draft": draft})
    assert refused.status_code == 400
    assert "draft.nodes[0].id" in {one["path"] for one in refused.json()["errors"]}
    assert Flow.objects.count() == 0


def test_unknown_properties_and_wrong_types_are_refused(call: Any, drawn: Flow) -> None:
    for body in (
        {"name": "x", "color": "red"},
        {"name": ""},
        {"name": 5, "draft": "x"},
        [],
        "x",
        {"name": "x", "settings": []},
    ):
        assert call("POST", "flows/", body).status_code == 400, body
    for verb, body in (
        ("pause", {"mode": "sleep"}),
        ("publish", {"inside": "jump"}),
        ("activate", {"settings": {"entry": "all"}}),
    ):
        assert call("POST", f"flows/{drawn.slug}/{verb}/", body).status_code == 400, verb
    assert call("PATCH", f"flows/{drawn.slug}/", {"slug": "other"}).status_code == 400


def test_a_flow_lives_its_life_over_the_wire(call: Any, drawn: Flow, signed_up: Segment) -> None:
    slug = drawn.slug
    assert (
        call("POST", f"flows/{slug}/activate/", {"settings": {"reentry": {"allowed": True, "after": "2d"}}}).json()[
            "status"
        ]
        == "running"
    )
    join(signed_up, "mara")
    stats = call("GET", f"flows/{slug}/stats/").json()
    assert stats["totals"]["active"] == 1
    assert stats["nodes"]["wait"]["waiting"] == 1
    way = call("GET", f"flows/{slug}/enrollments/?status=active").json()["results"][0]
    assert (way["user_id"], way["node"], way["waiting"]) == ("mara", "wait", True)
    assert call("GET", f"enrollments/{way['id']}/").json()["email"] == "mara@example.com"
    assert call("GET", f"enrollments/{way['id']}/steps/").status_code == 200
    assert call("POST", f"flows/{slug}/pause/", {"mode": "hold_due"}).json()["status"] == "paused"
    assert call("POST", f"flows/{slug}/resume/").json()["status"] == "running"
    assert call("POST", f"enrollments/{way['id']}/skip/").status_code == 200
    assert call("POST", f"enrollments/{way['id']}/exit/").json()["status"] == "exited"
    assert call("POST", f"enrollments/{way['id']}/retry/").status_code == 409
    met("ben")
    by_hand = call("POST", f"flows/{slug}/enrollments/", {"contacts": ["user:ben"]}).json()
    assert by_hand == {"enrolled": 1, "refused": []}
    assert call("POST", f"flows/{slug}/enrollments/", {"contacts": ["user:nobody"]}).status_code == 400
    assert call("GET", f"flows/{slug}/publish-plan/").status_code == 200
    assert [one["number"] for one in call("GET", f"flows/{slug}/versions/").json()["results"]] == [1]
    assert call("POST", f"flows/{slug}/drain/").json()["status"] == "draining"
    assert call("POST", f"flows/{slug}/archive/").status_code == 409
    assert call("POST", f"flows/{slug}/duplicate/", {"name": "Another"}).json()["name"] == "Another"


def test_a_key_that_reads_changes_nothing(client: Client, read_key: str, drawn: Flow) -> None:
    headers = {"Authorization": f"Bearer {read_key}"}
    assert client.get(f"/api/v1/flows/{drawn.slug}/", headers=headers).status_code == 200
    assert client.post(f"/api/v1/flows/{drawn.slug}/activate/", headers=headers).status_code == 403
    assert client.post(f"/api/v1/flows/{drawn.slug}/check/", headers=headers).status_code == 200


def test_what_is_not_there_is_404(call: Any) -> None:
    for path in ("flows/gone/", "flows/99999999/", "flows/gone/stats/", "enrollments/enr_1/", "enrollments/x/steps/"):
        assert call("GET", path).status_code == 404, path


@pytest.mark.parametrize(
    "model", ["flow", "node", "edge", "version", "watch", "entry", "enrollment", "step", "tally", "broadcast"]
)
def test_the_back_office_lists_everything_within_ten_queries_and_counts_nothing(
    ada: Client, drawn: Flow, signed_up: Segment, model: str, django_assert_max_num_queries: Any
) -> None:
    services.activate(drawn, actor=HOUSE)
    join(signed_up, "mara", "ben")
    with django_assert_max_num_queries(10) as seen:
        assert ada.get(f"/admin/flows/{model}/").status_code == 200
    assert not [
        one["sql"] for one in seen.captured_queries if "COUNT(*)" in one["sql"].upper() and "flows_" in one["sql"]
    ]


def test_the_back_office_takes_out_and_pauses_through_the_services(
    ada: Client, drawn: Flow, signed_up: Segment
) -> None:
    services.activate(drawn, actor=HOUSE)
    join(signed_up, "mara")
    way = drawn.enrollments.get()
    ada.post("/admin/flows/enrollment/", {"action": "take_out", "_selected_action": [way.pk]})
    way.refresh_from_db()
    assert way.status == "exited"
    ada.post("/admin/flows/flow/", {"action": "pause", "_selected_action": [drawn.pk]})
    drawn.refresh_from_db()
    assert drawn.status == "paused"
