"""The first start of an empty base, and every later one."""

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from contacts.models import Contact
from workspace.models import Key

pytestmark = pytest.mark.django_db


def bootstrap(**options: Any) -> dict[str, Any]:
    """Run the command and read its one line."""
    out = StringIO()
    call_command("bootstrap", stdout=out, **options)
    lines = out.getvalue().splitlines()
    assert len(lines) == 1
    return dict(json.loads(lines[0]))


def test_the_first_start_prints_a_way_in_that_works(client: Client) -> None:
    said = bootstrap()
    assert set(said) == {"new", "admin_email", "admin_password", "manage_key", "ingest_key"}
    assert said["new"] is True
    answer = client.post(reverse("account_login"), {"login": said["admin_email"], "password": said["admin_password"]})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/").status_code == 200
    assert client.get("/admin/").status_code == 200


def test_the_first_keys_work_and_their_secrets_are_not_kept(client: Client) -> None:
    said = bootstrap(email="ada@example.com", password="waterwheel-91")
    assert (said["admin_email"], said["admin_password"]) == ("ada@example.com", "waterwheel-91")
    ingest = {"authorization": f"Bearer {said['ingest_key']}"}
    body = {"userId": "anna", "event": "Order Completed"}
    assert client.post("/v1/track", body, content_type="application/json", headers=ingest).status_code == 200
    assert Contact.objects.filter(user_id="anna").exists()
    assert client.get("/api/v1/contacts/", headers=ingest).status_code == 403
    manage = {"authorization": f"Bearer {said['manage_key']}"}
    assert client.get("/api/v1/contacts/", headers=manage).status_code == 200
    assert not {said["manage_key"], said["ingest_key"]} & set(Key.objects.values_list("digest", flat=True))


def test_a_later_start_says_nothing_secret_and_makes_nobody() -> None:
    bootstrap()
    before = (User.objects.count(), Key.objects.count(), Group.objects.count())
    assert bootstrap() == {"new": False}
    assert (User.objects.count(), Key.objects.count(), Group.objects.count()) == before


def may(group: str) -> set[str]:
    """Return what a group may do, as app.codename."""
    rows = Group.objects.get(name=group).permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in rows}


def test_the_groups_may_do_what_their_names_say() -> None:
    bootstrap()
    viewer, marketer, sender, reviewer, chief = map(may, ("viewer", "marketer", "sender", "reviewer", "administrator"))
    assert viewer
    assert all(".view_" in one for one in viewer)
    assert "workspace.view_key" not in viewer | marketer | sender | reviewer
    assert {"segmentation.add_segment", "flows.change_flow", "contacts.change_contact"} <= marketer - viewer
    assert "flows.run_flow" in sender - marketer
    assert viewer < marketer < sender < chief
    assert reviewer - viewer == {"workspace.add_review", "workspace.change_review"}
    assert "workspace.change_workspace" in chief - sender
    assert "auth.change_user" in chief - sender


def test_a_later_start_mends_a_group_that_lost_or_won_rights() -> None:
    bootstrap()
    wanted = may("viewer")
    Group.objects.get(name="viewer").permissions.set(Group.objects.get(name="administrator").permissions.all())
    Group.objects.get(name="marketer").permissions.clear()
    bootstrap()
    assert may("viewer") == wanted
    assert may("marketer") > wanted
