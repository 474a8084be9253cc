"""A flow of the house kept as a template: with copies of what it needs, used again, deleted."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Value
from django.db.models.functions import Concat
from django.test import Client
from django.urls import reverse

from contacts.models import List
from flows import checking, services
from flows.library import own
from flows.library_models import OwnTemplate
from flows.models import Flow
from messaging.models import Template
from segmentation.models import Segment
from tests.flows.conftest import World, property_is, wait
from workspace.audit import HOUSE
from workspace.keys import make_key
from workspace.models import Audit
from workspace.problems import Refused


def nurse(world: World) -> Flow:
    """Draw a flow that names a segment by its trigger, another in a split, one below that, a letter, and a list."""
    world.segment("gold", property_is("customProperties.tier", "gold"))
    world.segment("vip", {"type": "SEGMENT", "segment": "gold"})
    world.segment("leads", property_is("customProperties.stage", "lead"))
    world.template("hello")
    world.make_list("readers")
    return world.drawn(
        ("start", "contact_segment", {"segment": "leads"}),
        ("ask", "split", {"branches": [{"port": "yes", "criteria": {"type": "SEGMENT", "segment": "vip"}}]}),
        ("mail", "send_email", {"template": "hello"}),
        wait("1d"),
        ("on", "add_to_list", {"list": "readers"}),
        edges="start:next>ask ask:yes>mail mail:next>wait wait:next>on",
    )


def test_a_flow_is_kept_with_copies_of_all_it_names_and_made_again_where_they_are_gone(world: World) -> None:
    kept = own.keep(nurse(world), actor=HOUSE, name="Nurse leads", about="For the spring.")
    assert [one["slug"] for one in kept.document["segments"]].index("gold") < [
        one["slug"] for one in kept.document["segments"]
    ].index("vip")
    assert {one["slug"] for one in kept.document["segments"]} == {"leads", "vip", "gold"}
    clear()
    made = own.use(kept, actor=HOUSE)
    assert [one.message for one in checking.check(made) if one.severity == "error"] == []
    assert services.activate(made, actor=HOUSE).status == "running"
    assert set(Segment.objects.values_list("slug", flat=True)) >= {"gold", "vip", "leads"}
    assert Template.objects.get(slug="hello").version is not None
    assert List.objects.filter(slug="readers").exists()


def clear() -> None:
    """Let nothing be called any more what a flow names."""
    for model in (Segment, Template, List):
        model._default_manager.update(slug=Concat("slug", Value("-gone")))


def test_what_is_there_is_used_and_the_template_stays_as_it_was_kept(world: World) -> None:
    flow = nurse(world)
    kept = own.keep(flow, actor=HOUSE)
    services.change_flow(flow, name="Other", actor=HOUSE)
    made = own.use(kept, actor=HOUSE, name="Second")
    assert (made.name, made.nodes.count(), kept.name) == ("Second", 5, "Flow 0")
    assert (Segment.objects.count(), Template.objects.count()) == (3, 1)


def test_names_are_told_apart_and_never_hide_one_of_the_library(world: World) -> None:
    flow = nurse(world)
    slugs = [own.keep(flow, actor=HOUSE, name=name).slug for name in ("Welcome", "Spring", "Spring")]
    assert slugs == ["welcome-2", "spring", "spring-2"]


def test_an_empty_flow_is_nothing_to_keep(world: World) -> None:
    with pytest.raises(Refused, match="no step yet"):
        own.keep(world.drawn(), actor=HOUSE)
    with pytest.raises(Refused, match="at most 200"):
        own.keep(nurse(world), actor=HOUSE, name="x" * 201)


def test_by_api_it_is_kept_listed_used_and_deleted(world: World) -> None:
    flow = nurse(world)
    kept = api("post", f"flows/{flow.slug}/save-as-template/", {"name": "Nurse", "about": "For leads."})
    assert kept.status_code == 201
    assert (kept.json()["slug"], kept.json()["own"]) == ("nurse", True)
    listed = api("get", "flows/templates/").json()
    assert (listed[0]["slug"], listed[0]["messages"], listed[-1]["own"]) == ("nurse", ["hello"], False)
    assert api("post", "flows/templates/", {"template": "nurse"}).status_code == 201
    assert api("delete", "flows/templates/welcome/").status_code == 409
    assert api("delete", "flows/templates/nurse/").status_code == 204
    assert api("delete", "flows/templates/nurse/").status_code == 404
    assert api("post", f"flows/{flow.slug}/save-as-template/", {"nme": "x"}).status_code == 400
    verbs = set(Audit.objects.values_list("verb", flat=True))
    assert {"flow.kept_as_template", "flow.template_deleted"} <= verbs


def api(verb: str, path: str, body: Any = None) -> Any:
    key = {"Authorization": f"Bearer {make_key(name='k', scope='manage', actor=HOUSE)[1]}"}
    return getattr(Client(), verb)(f"/api/v1/{path}", body, content_type="application/json", headers=key)


def test_on_the_pages_it_stands_first_under_your_own(world: World, admin_client: Client, client: Client) -> None:
    flow = nurse(world)
    answer = admin_client.post(reverse("flow", args=[flow.pk]), {"do": "template"}, follow=True)
    page = answer.content.decode()
    assert "among your own templates now" in page
    assert page.index("Your own") < page.index("Welcome new sign-ups")
    made = admin_client.post(reverse("flow_templates"), {"template": "flow-0"}, follow=True)
    assert "The flow is made" in made.content.decode()
    client.force_login(User.objects.create_user("vic"), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(reverse("flow_templates"), {"delete": "flow-0"}).status_code == 403
    assert client.post(reverse("flow", args=[flow.pk]), {"do": "template"}).status_code == 403
    admin_client.post(reverse("flow_templates"), {"delete": "flow-0"})
    assert not OwnTemplate.objects.exists()
