"""Trying one contact: the whole way with a chosen clock; nothing sent, nothing stored."""

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from flows.models import Enrollment, Flow
from flows.rehearsing import Rehearsal, Wish, rehearse
from messaging.models import Message
from tests.flows.conftest import NOON, STARTS, World, property_is, wait
from workspace import clock
from workspace.audit import HOUSE
from workspace.keys import make_key
from workspace.problems import Refused

HELLO = (
    "mail",
    "send_email",
    {"subject": "Hello {{ contact.firstName }}", "body": "<p>{{ event.plan }}</p>", "transactional": True},
)
GOLD = ("gold", "send_email", {"subject": "Gold", "body": "<p>Hi</p>", "transactional": True})


def counted() -> dict[str, int]:
    """Return how many rows stand in every table of the house."""
    own = ("workspace", "contacts", "segmentation", "messaging", "flows")
    return {
        model.__name__: model._default_manager.count() for app in own for model in apps.get_app_config(app).get_models()
    }


def story(world: World) -> Flow:
    """Draw: greet, wait a day, make pro, ask whether pro, say so."""
    return world.drawn(
        STARTS,
        HELLO,
        wait("1d"),
        ("up", "update_contact", {"changes": [{"attribute": "customProperties.plan", "set": "pro"}]}),
        ("ask", "split", {"branches": [{"port": "yes", "criteria": property_is("customProperties.plan", "pro")}]}),
        GOLD,
        edges="start:next>mail mail:next>wait wait:next>up up:next>ask ask:yes>gold",
    )


def tried(world: World, flow: Flow, **wish: Any) -> Rehearsal:
    """Try, and see that nothing at all has changed by it."""
    before, at = counted(), clock.now()
    found = rehearse(flow, Wish(**wish))
    assert counted() == before
    assert clock.now() == at
    return found


def test_mara_is_walked_to_the_end_with_every_message_rendered_and_nothing_is_stored(world: World) -> None:
    flow = story(world)
    world.meets("mara")
    found = tried(world, flow, contact=world.contact("mara"), trigger={"plan": "free"})
    assert (found.enters, found.status) == (True, "completed")
    assert [one["node"] for one in found.path] == ["start", "mail", "wait", "up", "ask", "gold"]
    (hello,) = found.path[1]["messages"]
    assert (hello["subject"], "free" in hello["html"]) == ("Hello Mara", True)
    assert found.path[-1]["at"] == (NOON + timedelta(days=1)).isoformat()
    (asked,) = found.path[4]["questions"]
    assert (asked["name"], asked["holds"]) == ("branches[0].criteria" if "[" in asked["name"] else asked["name"], True)
    assert "pro" in str(asked["values"][0]["found"])
    assert world.contact("mara").attributes == {}
    assert not Message.objects.exists()


def test_somebody_made_up_walks_from_a_clock_of_ones_own(world: World) -> None:
    found = tried(
        world, story(world), document={"userId": "nobody", "firstName": "Nora"}, at=NOON + timedelta(days=365)
    )
    assert found.path[1]["messages"][0]["subject"] == "Hello Nora"
    assert found.path[0]["at"] == (NOON + timedelta(days=365)).isoformat()


def test_who_would_be_refused_is_told_why_and_walked_all_the_same(world: World) -> None:
    start = ("start", "event", {"event_name": "Signed Up", "filter": property_is("country", "NL")})
    flow = world.drawn(start, HELLO)
    found = tried(world, flow, document={"userId": "nobody"})
    assert (found.enters, found.status, len(found.path)) == (False, "completed", 2)
    assert found.why


def test_what_a_person_or_another_program_says_is_said_beforehand(world: World) -> None:
    tier = {**property_is("customProperties.tier", None), "value": {"node": "call.body.tier"}}
    flow = world.drawn(
        STARTS,
        ("approve", "approval", {"question": "May she?"}),
        ("call", "webhook", {"url": "https://shop.example/tier"}),
        ("ask", "split", {"branches": [{"port": "yes", "criteria": tier}]}),
        GOLD,
        edges="start:next>approve approve:next>call call:next>ask ask:yes>gold",
    )
    made_up = {"userId": "nobody", "customProperties": {"tier": "gold"}}
    assert tried(world, flow, document=made_up).reason == "waits for approval"
    ways, answers = {"approve": "next"}, {"call": {"status": 200, "body": {"tier": "gold"}}}
    found = tried(world, flow, document=made_up, ways=ways, answers=answers)
    assert [one["node"] for one in found.path] == ["start", "approve", "call", "ask", "gold"]
    other = tried(world, flow, document=made_up, ways={"approve": "refused"})
    assert [one["node"] for one in other.path] == ["start", "approve"]


def test_a_flow_that_runs_is_tried_as_published_or_as_drawn_and_its_people_stay_where_they_are(world: World) -> None:
    flow = world.flow(STARTS, wait("1d"), HELLO)
    world.meets("mara")
    world.does("mara", "Signed Up")
    before = list(Enrollment.objects.values())
    found = tried(world, flow, contact=world.contact("mara"), published=True)
    assert (found.enters, found.status, len(found.path)) == (False, "completed", 3), "she is inside already"
    assert list(Enrollment.objects.values()) == before
    flow.refresh_from_db()
    assert (flow.status, flow.versions.count()) == ("running", 1)


def test_leaving_a_segment_ends_it_and_the_trigger_puts_one_into_it(world: World) -> None:
    world.segment("leads", property_is("customProperties.stage", "lead"))
    flow = world.flow(
        ("start", "contact_segment", {"segment": "leads"}),
        ("up", "update_contact", {"changes": [{"attribute": "customProperties.stage", "set": "done"}]}),
        HELLO,
        exit_on_leave=True,
    )
    found = tried(world, flow, document={"userId": "nobody"})
    assert found.status == "completed", "segments are not looked at anew in a rehearsal"


def test_a_draft_with_faults_and_a_flow_never_published_are_refused(world: World) -> None:
    flow = world.drawn(("start", "event", {}), HELLO)
    with pytest.raises(Refused, match="fault"):
        rehearse(flow, Wish(document={"userId": "x"}))
    with pytest.raises(Refused, match="never published"):
        rehearse(flow, Wish(document={"userId": "x"}, published=True))


def test_by_api(world: World) -> None:
    flow = story(world)
    world.meets("mara")
    answer = api(f"flows/{flow.slug}/simulate/", {"contact": "user:mara", "at": "2026-05-01T09:00:00Z"})
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    made_up = api(f"flows/{flow.slug}/simulate/", {"made_up": {"userId": "n", "firstName": "Nora"}})
    assert made_up.json()["path"][1]["messages"][0]["subject"] == "Hello Nora"
    for wrong, status in (
        ({}, 400),
        ({"contact": "user:mara", "made_up": {}}, 400),
        ({"made_up": {}}, 400),
        ({"made_up": {"email": 7}}, 400),
        ({"contact": "user:nobody"}, 404),
        ({"contact": "user:mara", "at": "soon"}, 400),
        ({"contact": "user:mara", "clock": "x"}, 400),
    ):
        assert api(f"flows/{flow.slug}/simulate/", wrong).status_code == status, wrong
    assert not Message.objects.exists()


def api(path: str, body: Any) -> Any:
    key = {"Authorization": f"Bearer {make_key(name='k', scope='read', actor=HOUSE)[1]}"}
    return Client().post(f"/api/v1/{path}", body, content_type="application/json", headers=key)
