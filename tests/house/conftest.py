"""What the tests of the house share: clients of people who have signed in, and programs with keys."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from config.staff import make_groups
from tests.conftest import staff

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def signed_in(person: Any) -> Client:
    """Return a browser in which this person has signed in."""
    client = Client()
    client.force_login(person, backend=BACKEND)
    return client


@pytest.fixture
def groups(db: None) -> None:
    """Make the groups of the house as bootstrap does."""
    make_groups()


@pytest.fixture
def ada(admin_user: Any) -> Client:
    """Ada, who may do everything, signed in."""
    return signed_in(admin_user)


@pytest.fixture
def vic(groups: None) -> Client:
    """Vic, who only looks, signed in."""
    return signed_in(staff("vic", "viewer"))


@pytest.fixture
def program() -> Callable[[str], APIClient]:
    """Give a function that returns a program that comes with a secret."""

    def with_secret(secret: str) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        return client

    return with_secret
