"""Every trigger is set up in its panel, saved, and says what it waits for; the address and the next dates stand beside it."""

from typing import Any

import pytest
from django.test import Client

from contacts.models import Attribute, List
from flows import hooks
from flows.canvas import faults_at, words_of
from flows.drafts import load
from flows.models import Flow
from flows.services import create_flow
from segmentation.models import Segment
from tests.conftest import staff
from workspace.audit import HOUSE

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia(marketer: Any) -> Client:
    """Return Mia, who makes flows, signed in."""
    client = Client()
    client.force_login(marketer, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def names(signed_up: Segment) -> None:
    List.objects.create(name="Newsletter", slug="newsletter")
    Attribute.objects.create(name="birthday", type="date", declared=True)
    Attribute.objects.create(name="plan", type="text", declared=True)
    create_flow(name="Welcome", slug="welcome", actor=HOUSE)


KINDS: list[tuple[str, dict[str, str], dict[str, Any], str]] = [
    ("list_added", {"s.list": "newsletter"}, {"list": "newsletter"}, "Is added to the list “newsletter”"),
    ("list_removed", {"s.list": "newsletter"}, {"list": "newsletter"}, "Is removed from the list “newsletter”"),
    (
        "attribute_changed",
        {"s.attribute": "plan", "s.was": "free", "s.becomes": "pro"},
        {"attribute": "customProperties.plan", "was": "free", "becomes": "pro"},
        "plan changes from “free” to “pro”",
    ),
    (
        "date_attribute",
        {"s.attribute": "customProperties.birthday", "s.yearly": "on", "s.time": "08:30"},
        {"attribute": "customProperties.birthday", "yearly": True, "time": "08:30"},
        "On the date “birthday” every year, at 08:30",
    ),
    (
        "schedule",
        {"s.starts": "2098-01-06T09:00", "s.repeat.preset": "FREQ=WEEKLY", "s.segment": "signed-up"},
        {"starts": "2098-01-06T09:00", "repeat": "FREQ=WEEKLY", "segment": "signed-up"},
        "From 2098-01-06 09:00, every week for “signed-up”",
    ),
    ("webhook_received", {"s.user_id": "customer.id"}, {"user_id": "customer.id"}, "Its address is called for a contact known by user id"),
    (
        "flow_finished",
        {"s.flow": "welcome", "s.outcome": "completed"},
        {"flow": "welcome", "outcome": "completed"},
        "Has completed the flow “welcome”",
    ),
    ("manual", {}, {}, "Is enrolled by hand or by the API"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "typed", "stored", "words"), KINDS, ids=[one[0] for one in KINDS])
def test_mia_sets_the_trigger_up_in_its_panel(
    names: None, mia: Client, kind: str, typed: dict[str, str], stored: dict[str, Any], words: str
) -> None:
    flow = create_flow(name="Try", trigger_kind=kind, actor=HOUSE)
    key = flow.nodes.get().key
    shown = mia.get(f"/flows/{flow.pk}/nodes/{key}/").content.decode()
    assert all(f'name="{name}"' in shown for name in typed)
    untouched = {"s.how": "any", "s.when": "on", "s.event_name": "Webhook Received"}  # as the form stood
    sent = {"do": "change", "node": key, "revision": flow.revision, **untouched, **typed}
    assert mia.post(f"/flows/{flow.pk}/", sent, headers={"HX-Request": "true"}).status_code == 200
    saved = Flow.objects.get(pk=flow.pk).nodes.get().settings
    assert {name: saved[name] for name in stored} == stored
    assert faults_at(flow, key) == []
    trigger = load(flow).trigger
    assert trigger is not None
    assert words in words_of(trigger, {})


def test_the_address_stands_beside_the_panel_for_who_may_change_the_flow_and_a_new_one_is_given(mia: Client) -> None:
    flow = create_flow(name="Try", trigger_kind="webhook_received", actor=HOUSE)
    before = hooks.address_of(flow)
    assert before in mia.get(f"/flows/{flow.pk}/trigger/").content.decode()
    after = mia.post(f"/flows/{flow.pk}/trigger/").content.decode()
    assert before not in after
    assert hooks.address_of(flow) in after
    vic = Client()
    vic.force_login(staff("vic", "viewer"), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert "/v1/hooks/" not in vic.get(f"/flows/{flow.pk}/trigger/").content.decode()
    assert vic.post(f"/flows/{flow.pk}/trigger/").status_code == 403


def test_the_next_three_dates_of_a_schedule_stand_beside_its_panel(mia: Client) -> None:
    settings = {"starts": "2098-01-06T09:00", "repeat": "FREQ=WEEKLY"}
    draft = {"nodes": [{"id": "start", "kind": "schedule", "settings": settings}]}
    flow = create_flow(name="Try", draft=draft, actor=HOUSE)
    shown = mia.get(f"/flows/{flow.pk}/trigger/").content.decode()
    for day in ("06 January 2098, 09:00", "13 January 2098", "20 January 2098"):
        assert day in shown


def test_a_program_reads_the_next_dates_and_the_address_by_its_scope(
    client: Client, manage_key: str, read_key: str
) -> None:
    flow = create_flow(name="Try", trigger_kind="webhook_received", actor=HOUSE)

    def call(method: str, path: str, key: str, body: str = "") -> Any:
        sent = {"Authorization": f"Bearer {key}"}
        return client.generic(method, f"/api/v1/flows/{flow.slug}/{path}", body, "application/json", headers=sent)

    assert "address" not in call("GET", "trigger/", read_key).json()
    assert call("GET", "trigger/", manage_key).json()["address"] == hooks.address_of(flow)
    assert call("POST", "trigger/rotate/", read_key, "{}").status_code == 403
    rotated = call("POST", "trigger/rotate/", manage_key, '{"overlap_hours": 1}').json()
    assert rotated["address"] == hooks.address_of(flow)
    assert rotated["former_until"]
    assert call("POST", "trigger/rotate/", manage_key, '{"overlap_hours": 9999}').status_code == 400
    assert call("POST", "enrollments/", manage_key, '{"segment": "none", "contacts": []}').status_code == 400
    assert call("POST", "enrollments/", manage_key, '{"segment": "none"}').status_code == 409
    assert call("GET", "enrollments/jobs/", read_key).json() == {"results": []}
    assert call("POST", "enrollments/jobs/job_1/cancel/", manage_key).status_code == 404
