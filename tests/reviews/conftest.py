"""The people of the stories of reviews."""

from typing import Any

import pytest
from django.test import Client

from config.staff import make_groups
from tests.conftest import staff


@pytest.fixture
def groups(db: None) -> None:
    """Make the groups of the house."""
    make_groups()


@pytest.fixture
def mia(groups: None) -> Any:
    """Mia, who makes segments."""
    return staff("mia", "marketer")


@pytest.fixture
def rita(groups: None) -> Any:
    """Rita, who reviews."""
    return staff("rita", "reviewer")


@pytest.fixture
def ron(groups: None) -> Any:
    """Ron, who reviews too, and makes segments as well."""
    return staff("ron", "reviewer", "marketer")


@pytest.fixture
def vic(groups: None) -> Any:
    """Vic, who only looks."""
    return staff("vic", "viewer")


def signed_in(person: Any) -> Client:
    """Sign somebody in."""
    client = Client()
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client
