"""The back office of contacts: every model, few queries, and no write round the services."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts import services
from contacts.models import Attribute, Contact, List, Suppression, Topic
from tests.contacts.conftest import identify, tell, track
from workspace.audit import HOUSE
from workspace.models import Audit
from workspace.uses import set_uses

pytestmark = pytest.mark.django_db
MODELS = [model for model in admin.site._registry if model._meta.app_label == "contacts"]


@pytest.fixture
def ada(client: Client, admin_user: Any) -> Client:
    """Ada has signed in, and a few facts stand."""
    client.force_login(admin_user, backend="allauth.account.auth_backends.AuthenticationBackend")
    for number in range(5):
        tell(identify(f"u{number}", email=f"u{number}@example.com", born="1990-01-01", emailSubscribed=True))
        tell(track(f"u{number}", "Order Completed", revenue=number))
    staff = services.create_list(name="Staff", actor=HOUSE)
    services.add_to_list(staff, Contact.objects.values_list("pk", flat=True), cause="manual")
    services.suppress(channel="email", address="x@example.com", reason="manual")
    Topic.objects.create(name="Offers", slug="offers")
    return client


def test_every_model_stands_in_the_back_office() -> None:
    assert len(MODELS) == 18


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model._meta.model_name))
def test_every_list_takes_few_queries_and_never_counts_the_table(ada: Client, model: Any) -> None:
    url = reverse(f"admin:contacts_{model._meta.model_name}_changelist")
    with CaptureQueriesContext(connection) as queries:
        assert ada.get(url).status_code == 200
    assert len(queries) <= 10, [one["sql"][:200] for one in queries]
    counting = [one["sql"] for one in queries if "COUNT(*)" in one["sql"] and f'"{model._meta.db_table}"' in one["sql"]]
    assert counting == []
    for q in ("u1", "1", "con_1", "\x00", "%", "x" * 300):
        assert ada.get(url, {"q": q}).status_code == 200, q
    row = model.objects.order_by("pk").first()
    if row is not None:
        assert ada.get(reverse(f"admin:contacts_{model._meta.model_name}_change", args=[row.pk])).status_code == 200


def test_a_contact_is_written_through_the_services(ada: Client) -> None:
    ada.post(
        reverse("admin:contacts_contact_add"),
        {"user_id": "new", "email": "new@example.com", "attributes": '{"plan": "pro"}'},
    )
    new = Contact.objects.get(user_id="new")
    assert new.identities.count() == 1
    ada.post(
        reverse("admin:contacts_contact_change", args=[new.pk]),
        {"user_id": "new", "email": "", "city": "Rome", "attributes": "{}"},
    )
    new.refresh_from_db()
    assert (new.email, new.city, new.attributes) == ("", "Rome", {})
    assert Audit.objects.filter(subject=new.ref).count() == 2
    faulty = ada.post(reverse("admin:contacts_contact_add"), {"user_id": "u1", "email": "nobody", "attributes": "[]"})
    assert faulty.status_code == 200
    assert b"already" in faulty.content


def test_contacts_are_erased_by_an_action(ada: Client) -> None:
    one = Contact.objects.order_by("pk").first()
    assert one is not None
    ada.post(reverse("admin:contacts_contact_changelist"), {"action": "erase", "_selected_action": [one.pk]})
    one.refresh_from_db()
    assert one.erased_at is not None


def test_a_list_in_use_stays(ada: Client) -> None:
    staff = List.objects.get()
    set_uses("flow:x", ["list:staff"])
    ada.post(reverse("admin:contacts_list_delete", args=[staff.pk]), {"post": "yes"})
    assert List.objects.filter(pk=staff.pk).exists()
    set_uses("flow:x", [])
    ada.post(reverse("admin:contacts_list_delete", args=[staff.pk]), {"post": "yes"})
    assert not List.objects.exists()


def test_attributes_topics_and_suppressions_are_written_through_the_services(ada: Client) -> None:
    ada.post(reverse("admin:contacts_attribute_add"), {"name": "tier", "type": "number"})
    assert Attribute.objects.get(name="tier").declared
    born = Attribute.objects.get(name="born")
    ada.post(reverse("admin:contacts_attribute_change", args=[born.pk]), {"name": "born", "type": "text"})
    assert Attribute.objects.get(name="born").type == "text"
    ada.post(reverse("admin:contacts_topic_add"), {"name": "News", "slug": "news"})
    assert Audit.objects.filter(verb="topic.created").exists()
    ada.post(
        reverse("admin:contacts_suppression_add"), {"channel": "email", "address": "Y@example.com", "reason": "manual"}
    )
    assert services.is_suppressed("email", "y@example.com")
    ada.post(reverse("admin:contacts_suppression_delete", args=[Suppression.objects.latest("pk").pk]), {"post": "yes"})
    assert not services.is_suppressed("email", "y@example.com")
