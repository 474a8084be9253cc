"""Approvals and A/B tests by page, API and back office; and every rule in the panel as a person fills it in."""

import json
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from flows import canvas, drafts
from flows.form_reading import read_settings
from flows.forms import node_form
from flows.models import Enrollment, Flow
from flows.nodes import KINDS
from flows.nodes.rules import RULES
from tests.conftest import staff
from tests.flows.conftest import STARTS, WELCOME, World
from tests.flows.test_ab_test import EDGES as TEST_EDGES
from tests.flows.test_ab_test import LONG, SHORT, compares
from tests.flows.test_gates import ASK, EDGES, NO
from workspace.audit import HOUSE
from workspace.keys import make_key


@pytest.fixture
def ada(client: Client, world: World) -> Client:
    client.force_login(staff("ada", is_superuser=True, is_staff=True))
    return client


@pytest.fixture
def asked(world: World) -> World:
    world.flow(STARTS, ASK, WELCOME, NO, edges=EDGES)
    for who in ("mara", "ben"):
        world.does(who, "Signed Up")
    return world


def waiting(who: str) -> Enrollment:
    return Enrollment.objects.get(contact__user_id=who)


def test_ada_approves_on_the_page(ada: Client, asked: World) -> None:
    page = ada.get(reverse("flow_approvals")).content.decode()
    assert "Is Mara to get the big discount?" in page
    mara = waiting("mara")
    ada.post(reverse("flow_approvals"), {"approve": mara.pk, f"note-{mara.pk}": "a good customer"})
    ada.post(reverse("flow_approvals"), {"refuse": waiting("ben").pk})
    asked.settle()
    assert asked.mails("mara") == [("queued", "Welcome")]
    assert asked.journeys("ben") == [("exited", "no", "refused")]
    assert "Nobody waits" in ada.get(reverse("flow_approvals")).content.decode()
    for odd in ("x", "9" * 30, "-1", ""):
        assert ada.post(reverse("flow_approvals"), {"approve": odd}).status_code == 302


def test_who_may_not_run_flows_decides_nothing(client: Client, asked: World) -> None:
    client.force_login(staff("mia"))
    assert client.post(reverse("flow_approvals"), {"approve": waiting("mara").pk}).status_code == 403


def test_the_back_office_approves(ada: Client, asked: World) -> None:
    url = reverse("admin:flows_enrollment_changelist")
    ada.post(url, {"action": "approve", "_selected_action": [waiting("mara").pk]})
    asked.settle()
    assert asked.mails("mara") == [("queued", "Welcome")]


@pytest.fixture
def program(world: World) -> APIClient:
    _, secret = make_key(name="tests", scope="manage", actor=HOUSE)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def test_a_program_lists_and_decides(program: APIClient, asked: World) -> None:
    found = program.get("/api/v1/approvals/").json()["results"]
    assert len(found) == 2
    answer = program.post(f"/api/v1/enrollments/{waiting('mara').ref}/approve/", {"note": "fine"}, format="json")
    assert answer.status_code == 200
    again = program.post(f"/api/v1/enrollments/{waiting('mara').ref}/refuse/", {}, format="json")
    assert (again.status_code, "waits for approval" in again.json()["detail"]) == (409, True)


def test_a_test_by_api_and_on_the_panel(program: APIClient, ada: Client, world: World) -> None:
    flow = world.flow(STARTS, compares(), LONG, SHORT, edges=TEST_EDGES)
    world.does("mara", "Signed Up")
    flow.refresh_from_db()
    said = program.get(f"/api/v1/flows/{flow.ref}/tests/").json()["tests"]["test"]
    assert (said["metric"], sum(one["tried"] for one in said["branches"])) == ("Order Completed", 1)
    promote = f"/api/v1/flows/{flow.ref}/tests/test/promote/"
    assert program.post(promote, {"port": "b"}, format="json").json()["promoted"]["port"] == "b"
    assert program.post(promote, {"port": "zz"}, format="json").status_code == 400
    box = reverse("flow_rule", args=[flow.pk, "test"])
    assert "takes all" in ada.get(box).content.decode()
    assert "Promote Long" in ada.post(box, {"withdraw": "1"}).content.decode()
    assert "no branch" in ada.post(box, {"promote": "zz"}).content.decode()


# The panel ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [one.kind for one in RULES])
def test_what_the_panel_shows_of_a_rule_is_what_it_reads_back(world: World, kind: str) -> None:
    node, choices = KINDS[kind], canvas.load_choices()
    stored = node.read(node.example).model_dump(mode="json")
    sent = QueryDict(mutable=True)
    form = node_form(node, stored, choices)
    for setting in [*form.main, *form.more]:
        fill(sent, setting.name, setting.widget, setting.value)
    read, faults = read_settings(node, sent, choices, stored)
    assert faults == []
    assert node.read(read).model_dump(mode="json") == stored


def fill(sent: QueryDict, name: str, widget: str, value: Any) -> None:
    """Send a setting as its control does."""
    if widget == "duration":
        sent[f"s.{name}.count"], sent[f"s.{name}.unit"] = value.get("count", ""), value.get("unit", "d")
    elif widget == "weekdays":
        sent.setlist(f"s.{name}", value)
    elif widget == "shares":
        for one in value:
            for part in ("port", "label", "weight"):
                sent.appendlist(f"s.{name}.{part}", str(one[part]))
    elif widget == "branches":
        for one in value:
            sent.appendlist(f"s.{name}.port", one["port"])
            sent.appendlist(f"s.{name}.label", one["label"])
            sent.appendlist(f"s.{name}.criteria", json.dumps(one["criteria"]))
    elif widget in ("criteria", "where"):
        return  # stays as stored while nothing is sent
    elif widget != "switch":
        sent[f"s.{name}"] = str(value if value is not None else "")


def test_every_rule_can_be_put_on_the_canvas_and_its_panel_opens(ada: Client, world: World) -> None:
    flow = world.drawn(STARTS, WELCOME)
    for one in RULES:
        key = drafts.insert_node(flow, one.kind, source="start")
        answer = ada.get(reverse("flow_node", args=[flow.pk, key]))
        assert answer.status_code == 200, one.kind
        assert one.label in answer.content.decode()
    assert ada.get(reverse("flow", args=[flow.pk])).status_code == 200
    assert Flow.objects.get().nodes.count() == len(RULES) + 2


def test_a_filter_takes_what_the_event_carried_and_shows_it_so(world: World) -> None:
    node, choices = KINDS["wait_for"], canvas.load_choices()
    sent = QueryDict(mutable=True)
    sent["s.what"], sent["s.event_name"], sent["s.since"] = "event", "Order Completed", "entry"
    sent["s.where.property"], sent["s.where.operator"], sent["s.where.value"] = "cartId", "=", "{{ event.cartId }}"
    read, _ = read_settings(node, sent, choices, {})
    assert read["where"]["conditions"] == [{"propertyName": "cartId", "operator": "=", "value": {"trigger": "cartId"}}]
    shown = next(one for one in node_form(node, read, choices).main if one.name == "where")
    assert shown.value["conditions"][0]["value"] == "{{ event.cartId }}"
