"""Two programs that make the same thing at the same moment: one makes it, the other hears who has it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from rest_framework.test import APIClient

from contacts.models import Attribute, Contact, List, Topic
from flows.models import Flow
from messaging.models import Sender, Template
from segmentation.models import Segment

pytestmark = pytest.mark.django_db(transaction=True)

Make = tuple[str, dict[str, Any], str, Any]
MAKES: dict[str, Make] = {
    "segments": ("segments/", {"name": "VIP", "slug": "vip"}, "slug", Segment),
    "flows": ("flows/", {"name": "VIP", "slug": "vip"}, "slug", Flow),
    "lists": ("lists/", {"name": "VIP", "slug": "vip"}, "slug", List),
    "templates": ("templates/", {"name": "VIP", "slug": "vip"}, "slug", Template),
    "senders": ("senders/", {"name": "VIP", "slug": "vip", "address": "vip@example.com"}, "slug", Sender),
    "topics": ("topics/", {"name": "VIP", "slug": "vip"}, "slug", Topic),
    "attributes": ("attributes/", {"name": "vip", "type": "text"}, "name", Attribute),
    "contacts": ("contacts/", {"userId": "vip"}, "userId", Contact),
}


@pytest.fixture
def post(manage_key: str) -> Callable[..., Any]:
    """Give a function that posts as a program."""

    def send(make: Make) -> Any:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {manage_key}")
        try:
            return client.post(f"/api/v1/{make[0]}", make[1], format="json")
        finally:
            if connection.connection and not connection.in_atomic_block:
                connection.close()

    return send


def wait_until_somebody_waits_for_a_lock() -> None:
    """Look until another connection of this database stands behind a lock."""
    asking = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    for _ in range(500):
        with connection.cursor() as cursor:
            cursor.execute(asking)
            if (cursor.fetchone() or (0,))[0]:
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
def test_of_two_at_once_one_is_made_and_the_other_hears_who_has_it(make: Make, post: Callable[..., Any]) -> None:
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first = post(make)
            second = pool.submit(post, make)
            wait_until_somebody_waits_for_a_lock()
        answer = second.result()
    assert (first.status_code, answer.status_code) == (201, 409), answer.content
    _, _, path, model = make
    problem = answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert problem["errors"][0]["path"] == path
    assert '"vip"' in problem["detail"]
    assert model.objects.count() == 1
    if path != "userId":
        assert str(first.json().get("id", "attribute")) in problem["detail"]


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
def test_one_after_the_other_hears_the_same_sentence(make: Make, post: Callable[..., Any]) -> None:
    assert post(make).status_code == 201
    problem = post(make)
    assert problem.status_code == 409
    assert problem.json()["errors"][0]["path"] == make[2]
    assert '"vip"' in problem.json()["detail"]


def test_eight_at_once_make_one(post: Callable[..., Any]) -> None:
    with ThreadPoolExecutor(8) as pool:
        codes = sorted(one.status_code for one in pool.map(post, [MAKES["segments"]] * 8))
    assert codes == [201] + [409] * 7


def test_a_page_that_comes_second_is_told_too(admin_user: Any, post: Callable[..., Any]) -> None:
    def press() -> Any:
        client = Client()
        client.force_login(admin_user, backend="allauth.account.auth_backends.AuthenticationBackend")
        try:
            return client.post("/lists/", {"name": "VIP", "slug": "vip"})
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            post(("lists/", {"name": "VIP", "slug": "vip"}, "slug", List))
            second = pool.submit(press)
            wait_until_somebody_waits_for_a_lock()
        answer = second.result()
    assert answer.status_code < 500
    assert List.objects.filter(slug="vip").count() == 1
