"""The page of keys: a secret seen once, a successor, and a key that is refused at once."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page

from tests.conftest import PHONE
from workspace.audit import HOUSE
from workspace.keys import find_key, make_key
from workspace.models import Key

URL = "/settings/keys/"


@pytest.mark.django_db
def test_ada_makes_rotates_and_revokes_a_key(ada: Client) -> None:
    page = ada.post(URL, {"make": "1", "name": "Shop", "scope": "read", "days": "30"}).content.decode()
    secret = re.search(r"rea_[\w-]{20,}", page)
    assert secret
    key = find_key(secret[0])
    assert key
    assert key.expires_at
    assert secret[0] not in ada.get(URL).content.decode()
    rotated = ada.post(URL, {"rotate": key.pk}).content.decode()
    assert find_key(re.search(r"rea_[\w-]{20,}", rotated)[0])  # type: ignore[index] # it is there
    assert find_key(secret[0])
    ada.post(URL, {"revoke": key.pk})
    assert find_key(secret[0]) is None
    assert "revoked" in ada.get(URL).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"make": "1", "name": "", "scope": "read"}, 422),
        ({"make": "1", "name": "Web", "scope": "manage", "public": "on"}, 422),
        ({"make": "1", "name": "x", "scope": "all", "days": "-1"}, 422),
        ({"revoke": "99999999999999999999"}, 404),
        ({"rotate": "x"}, 404),
        ({}, 404),
    ],
)
def test_what_cannot_be_is_said_on_the_page(ada: Client, said: dict[str, str], code: int) -> None:
    assert ada.post(URL, said).status_code == code
    assert not Key.objects.exists()


@pytest.mark.django_db
def test_a_viewer_sees_no_keys(vic: Client) -> None:
    assert vic.get(URL).status_code == 403
    assert vic.post(URL, {"make": "1", "name": "Shop", "scope": "read"}).status_code == 403


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_reads_well_for_everybody(
    open_page: Callable[..., Page], admin_user: Any, axe: Any, scheme: str
) -> None:
    make_key(name="Shop", scope="ingest", public=True, actor=HOUSE)
    page = open_page(admin_user, scheme=scheme, viewport=PHONE)
    page.goto(URL)
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name").fill("Export")
    page.get_by_role("button", name="Make the key").click()
    page.get_by_role("heading", name="Copy the secret").wait_for()
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
