"""Values offered to those who write conditions: such as there are, and nothing of anybody's own."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contacts.models import Attribute, EventName
from segmentation.vocabulary import choices
from tests.factories import did, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia(marketer: Any, client: Client) -> Client:
    """Mia at her desk."""
    client.force_login(marketer, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def offered(mia: Client, **query: str) -> list[str]:
    """Ask for the values of a name."""
    return list(mia.get(reverse("segments_values"), query).json()["values"])


def test_values_of_attributes_and_parameters_are_offered_the_frequent_ones_first(mia: Client) -> None:
    for name, plan in (("Ana", "gold"), ("Ben", "gold"), ("Cleo", "silver")):
        did(person(name, country="NL", attributes={"plan": plan}), "Order Completed", genre=["jazz", "soul"])
    EventName.objects.update(properties={"genre": "list"})
    Attribute.objects.get_or_create(name="plan", defaults={"type": "text"})
    assert offered(mia, name="customProperties.plan") == ["gold", "silver"]
    assert offered(mia, name="country") == ["NL"]
    assert sorted(offered(mia, event="Order Completed", name="genre")) == ["jazz", "soul"]
    assert choices()["doors"]["values"] == reverse("segments_values")


def test_personal_values_are_never_offered(mia: Client) -> None:
    ana = person("Ana", email="ana@example.com", attributes={"nick": "Annie"})
    did(ana, "Order Completed", email="ana@example.com")
    Attribute.objects.update_or_create(name="nick", defaults={"type": "text", "personal": True})
    for query in ({"name": "email"}, {"name": "firstName"}, {"name": "customProperties.nick"}, {"name": "\x00"}):
        assert offered(mia, **query) == []
    EventName.objects.update(properties={"email": "text"})
    assert offered(mia, event="Order Completed", name="email") == []
    assert offered(mia, event="never heard of", name="x") == []


def test_pickers_show_how_many_have_a_value_and_a_few_of_those_and_nothing_personal(mia: Client) -> None:
    for name, plan in (("Ana", "gold"), ("Ben", "gold"), ("Cleo", "silver"), ("Dan", "")):
        attributes = {"plan": plan, "nick": name} if plan else {}
        did(person(name, country="NL", attributes=attributes), "Order Completed", genre=["jazz"], mail=f"{name}@x.com")
    EventName.objects.update(properties={"genre": "list", "mail": "text"})
    Attribute.objects.get_or_create(name="plan", defaults={"type": "text"})
    Attribute.objects.update_or_create(name="nick", defaults={"type": "text", "personal": True})
    found = mia.get(reverse("segments_samples")).json()["samples"]
    assert found["customProperties.plan"] == {"share": 75, "samples": ["gold", "silver"]}
    assert found["customProperties.nick"] == {"share": 75, "samples": []}
    assert found["country"] == {"share": 100, "samples": ["NL"]}
    assert "email" not in found
    found = mia.get(reverse("segments_samples"), {"event": "Order Completed"}).json()["samples"]
    assert found == {"genre": {"share": 100, "samples": ["jazz"]}, "mail": {"share": 100, "samples": []}}
    assert mia.get(reverse("segments_samples"), {"event": "Nobody\x00"}).json() == {"samples": {}}
