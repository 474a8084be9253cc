"""The canvas as a page: what is shown, what each action does, who may do it."""

import json
from typing import Any

import pytest
from django.test import Client

from flows import drafts, services
from flows.models import Flow, Node
from segmentation.models import Segment
from tests.canvas.conftest import join
from workspace.audit import HOUSE

HX = {"HTTP_HX_REQUEST": "true"}


def act(client: Client, flow: Flow, **sent: Any) -> Any:
    flow.refresh_from_db()
    return client.post(f"/flows/{flow.pk}/", {"revision": flow.revision, **sent}, **HX)


def said(response: Any) -> dict[str, Any]:
    events: dict[str, Any] = json.loads(response.headers["HX-Trigger"])
    return events


def keys(flow: Flow) -> set[str]:
    return set(Node.objects.filter(flow=flow).values_list("key", flat=True))


def test_a_flow_is_made_by_its_name_and_a_trigger_and_opens_on_the_canvas(ada: Client) -> None:
    response = ada.post("/flows/", {"do": "create", "name": "Engaged users", "trigger": "contact_segment"}, follow=True)
    page = response.content.decode()
    assert response.status_code == 200
    assert "Set up the trigger to activate." in page
    assert "Edit Trigger" in page
    assert 'data-dialog="activate" disabled' in page


def test_a_flow_without_a_name_is_refused_in_the_dialog(ada: Client) -> None:
    response = ada.post("/flows/", {"do": "create", "name": " ", "trigger": "event"})
    assert response.status_code == 422
    assert b"Give the flow a name." in response.content


def test_the_list_says_the_trigger_in_words_and_finds_by_name(ada: Client, drawn: Flow, blank: Flow) -> None:
    page = ada.get("/flows/").content.decode()
    assert "Enters “Signed Up”" in page
    assert "The trigger is not set up yet" in page
    rows = ada.get("/flows/?q=welc", **HX).content.decode()
    assert "Welcome" in rows
    assert "Engaged users" not in rows


def test_the_list_is_narrowed_by_a_label_and_sorted_and_says_who_started_lately(
    ada: Client, drawn: Flow, blank: Flow, signed_up: Segment
) -> None:
    act(ada, drawn, do="label", labels="orders,  Welcome , orders,")
    drawn.refresh_from_db()
    assert drawn.labels == ["orders", "Welcome"]
    rows = ada.get("/flows/?label=orders", **HX).content.decode()
    assert "Welcome" in rows
    assert "Engaged users" not in rows
    by_name = ada.get("/flows/?sort=name", **HX).content.decode()
    assert by_name.index("Engaged users") < by_name.index(">Welcome<")
    services.activate(drawn, actor=HOUSE)
    join(signed_up, "mara", "ben")
    assert "2 started in 14 days" in ada.get("/flows/?sort=published", **HX).content.decode()
    assert ada.get("/flows/?sort=nonsense&label=%00", **HX).status_code == 200


def test_cards_say_what_they_do_and_what_is_missing(ada: Client, blank: Flow, drawn: Flow) -> None:
    assert "Choose the segment that starts this flow." in ada.get(f"/flows/{blank.pk}/").content.decode()
    page = ada.get(f"/flows/{drawn.pk}/").content.decode()
    for words in (
        "Enters “Signed Up”",
        "Wait 2 days",
        "Email “Welkom”",
        "Lives in the Netherlands",
        "Set greeted: yes",
    ):
        assert words in page


def test_a_step_put_on_a_slot_opens_its_panel(ada: Client, blank: Flow) -> None:
    response = act(ada, blank, do="insert", kind="wait", source="contact-segment-1", port="next")
    assert said(response)["canvas"] == {"node": "wait-1", "focus": "panel"}
    assert b'id="card-wait-1"' in response.content
    assert b'data-node="wait-1"' in response.content
    assert b"Say how long to wait" in response.content, "the card says what is missing"


def test_the_panel_saves_settings_and_closes_when_nothing_is_missing(ada: Client, blank: Flow) -> None:
    act(ada, blank, do="insert", kind="wait", source="contact-segment-1", port="next")
    sent = {"s.duration.count": "3", "s.duration.unit": "h", "name": "Breathe"}
    response = act(ada, blank, do="change", node="wait-1", **sent)
    assert said(response)["canvas"] == {"node": "", "focus": "wait-1"}
    row = Node.objects.get(flow=blank, key="wait-1")
    assert (row.settings, row.name) == ({"duration": "3h"}, "Breathe")


def test_a_saved_step_that_lacks_something_keeps_its_panel_open_with_the_reason(ada: Client, blank: Flow) -> None:
    act(ada, blank, do="insert", kind="add_to_list", source="contact-segment-1", port="next")
    response = act(ada, blank, do="change", node="add-to-list-1", **{"s.list": ""})
    assert said(response)["canvas"]["node"] == "add-to-list-1"
    assert b"Choose the list." in response.content


def test_settings_that_cannot_be_read_come_back_beside_their_control(ada: Client, blank: Flow) -> None:
    act(ada, blank, do="insert", kind="wait", source="contact-segment-1", port="next")
    response = act(ada, blank, do="change", node="wait-1", **{"s.duration.count": "9999999", "s.duration.unit": "d"})
    assert response.status_code == 422
    assert b"Write a duration" in response.content
    assert b"9999999" in response.content


def test_settings_still_being_typed_are_checked_without_being_saved(ada: Client, drawn: Flow) -> None:
    response = ada.post(f"/flows/{drawn.pk}/nodes/start/", {"s.segment": "gone", "s.when": "enters", "s.which": "any"})
    assert response.json()["faults"][0]["path"] == "segment"
    assert Node.objects.get(flow=drawn, key="start").settings["segment"] == "signed-up"


def test_branches_changes_headers_and_criteria_are_read_from_their_rows(ada: Client, blank: Flow) -> None:
    yes = {
        "operator": "AND",
        "conditions": [{"type": "PROPERTY", "propertyName": "city", "operator": "=", "value": "Riga"}],
    }
    act(ada, blank, do="insert", kind="split", source="contact-segment-1", port="next")
    rows = {
        "s.branches.port": ["yes", "b2"],
        "s.branches.label": ["Riga", ""],
        "s.branches.criteria": [json.dumps(yes), ""],
    }
    act(ada, blank, do="change", node="split-1", **rows)
    branches = Node.objects.get(flow=blank, key="split-1").settings["branches"]
    assert branches[0] == {"port": "yes", "label": "Riga", "criteria": yes}
    assert branches[1]["criteria"] is None
    act(ada, blank, do="insert", kind="update_contact", source="split-1", port="yes")
    rows = {
        "s.changes.attribute": ["plan", "firstName", ""],
        "s.changes.verb": ["set", "clear", "set"],
        "s.changes.value": ["pro", "", "x"],
    }
    act(ada, blank, do="change", node="update-contact-1", **rows)
    changes = Node.objects.get(flow=blank, key="update-contact-1").settings["changes"]
    assert changes == [{"attribute": "customProperties.plan", "set": "pro"}, {"attribute": "firstName", "clear": True}]
    act(ada, blank, do="insert", kind="webhook", source="split-1", port="else")
    sent = {"s.url": "https://example.com/x", "s.method": "POST", "s.headers.name": ["X-A"], "s.headers.value": ["1"]}
    act(ada, blank, do="change", node="webhook-1", **sent)
    assert Node.objects.get(flow=blank, key="webhook-1").settings["headers"] == {"X-A": "1"}


def test_every_kind_of_step_has_a_panel(ada: Client, blank: Flow) -> None:
    for kind in ("send_email", "update_contact", "add_to_list", "remove_from_list", "webhook", "wait", "split", "exit"):
        response = act(ada, blank, do="insert", kind=kind, source="contact-segment-1", port="next")
        assert response.status_code == 200, kind
        assert b'id="panel-form"' in response.content, kind


def test_undo_brings_back_what_was_removed_step_by_step(ada: Client, drawn: Flow) -> None:
    before = drafts.document(drawn)
    act(ada, drawn, do="remove", node="split")
    act(ada, drawn, do="remove", node="wait")
    assert {"split", "wait"}.isdisjoint(keys(drawn))
    act(ada, drawn, do="undo")
    act(ada, drawn, do="undo")
    after = drafts.document(drawn)
    assert {n["id"]: n for n in after["nodes"]} == {n["id"]: n for n in before["nodes"]}
    assert sorted(map(str, after["edges"])) == sorted(map(str, before["edges"]))
    assert act(ada, drawn, do="undo").status_code == 400


def test_two_editors_the_second_is_told_and_changes_nothing(ada: Client, drawn: Flow) -> None:
    seen = drawn.revision
    drafts.change_node(drawn, "wait", settings={"duration": "5d"})
    response = ada.post(f"/flows/{drawn.pk}/", {"do": "remove", "node": "wait", "revision": seen}, **HX)
    assert response.status_code == 409
    assert b"Somebody else changed this flow." in response.content
    assert "wait" in keys(drawn)


def test_the_trigger_cannot_be_removed(ada: Client, drawn: Flow) -> None:
    response = act(ada, drawn, do="remove", node="start")
    assert response.status_code == 400
    assert "The trigger stays" in said(response)["toast"]["text"]


def test_a_way_out_may_lead_to_a_step_that_is_there_but_not_in_a_circle_without_a_wait(
    ada: Client, drawn: Flow
) -> None:
    page = act(ada, drawn, do="insert", kind="exit", source="split", port="nl").content.decode()
    assert "Nobody can come here; connect it or remove it." in page, (
        "an exit has no way out: what followed stands loose"
    )
    act(ada, drawn, do="connect", source="split", port="nl", target="")
    assert "exit-1" not in keys(drawn), "what only came from there goes"
    assert act(ada, drawn, do="connect", source="split", port="nl", target="mark").status_code == 200
    assert act(ada, drawn, do="connect", source="mark", port="next", target="split").status_code == 400
    assert act(ada, drawn, do="connect", source="mark", port="next", target="start").status_code == 400
    assert act(ada, drawn, do="connect", source="mark", port="next", target="wait").status_code == 200


def test_a_step_moves_to_another_slot(ada: Client, drawn: Flow) -> None:
    assert act(ada, drawn, do="move", node="wait", source="english", port="next").status_code == 200
    edges = {(e["from"], e["port"]): e["to"] for e in drafts.document(drawn)["edges"]}
    assert edges["start", "next"] == "split"
    assert edges["english", "next"] == "wait"
    assert edges["wait", "next"] == "mark"


def test_nonsense_is_answered_with_a_sentence_and_never_with_a_500(ada: Client, drawn: Flow) -> None:
    for sent in (
        {"do": "insert", "kind": "nothing", "source": "start"},
        {"do": "insert", "kind": "wait", "source": "gone"},
        {"do": "insert", "kind": "wait", "source": "split", "port": "gone"},
        {"do": "remove", "node": "gone"},
        {"do": "change", "node": "gone"},
        {"do": "dance"},
        {"do": "undo", "revision": "x"},
        {"do": "connect", "source": "gone", "port": "next", "target": "mark"},
        {
            "do": "change",
            "node": "split",
            "s.branches.port": ["A B"],
            "s.branches.label": [""],
            "s.branches.criteria": ["{"],
        },
    ):
        assert 400 <= act(ada, drawn, **sent).status_code < 500, sent
    assert act(ada, drawn, do="remove", node="a\x00b").status_code == 400
    assert ada.get(f"/flows/{drawn.pk}/?node=nobody%00").status_code == 200
    assert ada.get("/flows/?q=%00&status=x&page=z").status_code == 200


def test_activation_pause_resume_and_drain_by_their_dialogs(ada: Client, drawn: Flow, signed_up: Segment) -> None:
    join(signed_up, "mara", "ben")
    dialog = ada.get(f"/flows/{drawn.pk}/dialogs/activate/").content.decode()
    assert '<strong class="num">2</strong> are inside now' in dialog
    assert "exits the segment “Signed Up”" in dialog
    sent = {"entry": "both", "reentry": "1", "after.count": "2", "after.unit": "d", "exit_on_leave": "1"}
    assert act(ada, drawn, do="activate", **sent).status_code == 200
    drawn.refresh_from_db()
    assert drawn.status == "running"
    assert drawn.version is not None
    assert drawn.version.settings["reentry"] == {"allowed": True, "after": "2d"}
    assert drawn.version.settings["exit_on_leave"] is True
    join(signed_up, "nora")
    page = ada.get(f"/flows/{drawn.pk}/").content.decode()
    assert 'data-number="w-wait">3<' in page
    assert "Running" in page
    assert act(ada, drawn, do="pause", mode="hold_clock").status_code == 200
    assert "Activate flow again" in ada.get(f"/flows/{drawn.pk}/dialogs/resume/").content.decode()
    assert act(ada, drawn, do="resume", entry="new").status_code == 200
    assert act(ada, drawn, do="drain").status_code == 200
    drawn.refresh_from_db()
    assert drawn.status == "draining"


def test_a_wait_before_re_entry_out_of_bounds_is_shown_in_the_dialog(ada: Client, drawn: Flow) -> None:
    response = act(ada, drawn, do="activate", entry="new", reentry="1", **{"after.count": "5", "after.unit": "mo"})
    assert response.status_code == 200
    services.pause(drawn, actor=HOUSE)
    bad = {"after.count": "900", "after.unit": "d"}
    response = act(ada, drawn, do="resume", entry="new", reentry="1", **bad)
    assert response.status_code == 422
    assert b"between 1 hour and 365 days" in response.content
    assert b"flow-dialog" in response.content


def test_a_flow_with_faults_is_not_activated_and_the_dialog_lists_them(ada: Client, blank: Flow) -> None:
    response = act(ada, blank, do="activate", entry="new")
    assert response.status_code == 422
    assert b"This flow cannot start yet" in response.content
    blank.refresh_from_db()
    assert blank.status == "draft"


def test_changes_of_a_running_flow_wait_until_they_are_published(ada: Client, drawn: Flow) -> None:
    services.activate(drawn, actor=HOUSE)
    assert "Unpublished changes" not in ada.get(f"/flows/{drawn.pk}/").content.decode()
    act(ada, drawn, do="change", node="wait", **{"s.duration.count": "1", "s.duration.unit": "h"})
    assert "Unpublished changes" in ada.get(f"/flows/{drawn.pk}/").content.decode()
    assert "changed" in ada.get(f"/flows/{drawn.pk}/dialogs/publish/").content.decode()
    assert act(ada, drawn, do="publish", inside="finish").status_code == 200
    drawn.refresh_from_db()
    assert drawn.version is not None
    assert drawn.version.number == 2


def test_people_at_a_step_are_listed_taken_out_and_replayed(ada: Client, drawn: Flow, signed_up: Segment) -> None:
    services.activate(drawn, actor=HOUSE)
    join(signed_up, "mara")
    page = ada.get(f"/flows/{drawn.pk}/people/?node=wait&status=active").content.decode()
    assert "Mara" in page
    assert "At “Wait 2 days”" in page
    way = drawn.enrollments.get()
    replay = ada.get(f"/enrollments/{way.pk}/").content.decode()
    assert "Met the segment trigger" in replay
    ada.post(f"/flows/{drawn.pk}/people/", {"exit": str(way.pk)})
    way.refresh_from_db()
    assert (way.status, way.reason) == ("exited", "taken out by hand")
    assert ada.get(f"/enrollments/{way.pk}/", HTTP_X_LIVE="1").status_code == 200
    contact = ada.get(f"/contacts/{way.contact_id}/").content.decode()
    assert f"/enrollments/{way.pk}/" in contact, "the contact's page shows the flows"


def test_who_only_looks_sees_the_canvas_and_changes_nothing(client: Client, viewer: Any, drawn: Flow) -> None:
    client.force_login(viewer, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = client.get(f"/flows/{drawn.pk}/").content.decode()
    assert "palette" not in page.replace("--palette", "")
    assert 'class="slot' not in page
    assert act(client, drawn, do="remove", node="wait").status_code == 403
    assert act(client, drawn, do="activate").status_code == 403
    assert client.post("/flows/", {"do": "create", "name": "x", "trigger": "event"}).status_code == 403
    assert client.get("/flows/").status_code == 200


def test_a_marketer_draws_but_does_not_activate(client: Client, marketer: Any, drawn: Flow) -> None:
    client.force_login(marketer, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert act(client, drawn, do="remove", node="wait").status_code == 200
    assert act(client, drawn, do="activate", entry="new").status_code == 403


def test_nobody_sees_flows_without_signing_in(client: Client, drawn: Flow) -> None:
    for path in ("/flows/", f"/flows/{drawn.pk}/", f"/flows/{drawn.pk}/people/", f"/flows/{drawn.pk}/counts/"):
        assert client.get(path).status_code == 302


def test_duplicate_archive_and_delete(ada: Client, drawn: Flow) -> None:
    ada.post(f"/flows/{drawn.pk}/", {"do": "duplicate"})
    copy = Flow.objects.exclude(pk=drawn.pk).get()
    assert drafts.document(copy)["nodes"] == drafts.document(drawn)["nodes"]
    ada.post(f"/flows/{drawn.pk}/", {"do": "archive"})
    assert "archived" in ada.get(f"/flows/{drawn.pk}/").content.decode()
    ada.post(f"/flows/{copy.pk}/", {"do": "delete"})
    assert not Flow.objects.filter(pk=copy.pk).exists()


@pytest.mark.parametrize("path", ["", "?node=split", "counts/", "totals/"])
def test_the_canvas_of_two_hundred_steps_takes_a_handful_of_queries(
    ada: Client, drawn: Flow, path: str, django_assert_max_num_queries: Any
) -> None:
    nodes = [{"id": f"w{i}", "kind": "wait", "settings": {"duration": "1d"}} for i in range(194)]
    edges = [{"from": f"w{i}", "port": "next", "to": f"w{i + 1}"} for i in range(193)]
    document = drafts.document(drawn)
    last = {"from": "mark", "port": "next", "to": "w0"}
    drafts.replace_draft(drawn, {"nodes": [*document["nodes"], *nodes], "edges": [*document["edges"], last, *edges]})
    services.activate(drawn, actor=HOUSE)
    with django_assert_max_num_queries(50):
        assert ada.get(f"/flows/{drawn.pk}/{path}").status_code == 200
