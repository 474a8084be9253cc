"""Every page of the navigation, wide and on a phone, light and dark: axe finds nothing, and nothing hangs over the edge."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from config.staff import make_groups
from tests.conftest import PHONE, WIDE
from tests.house.filling import fill

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MORE = ("/contacts/new/", "/segments/new/", "/segments/overlap/", "/destinations/new/", "/settings/keys/", "/settings/purchases/")  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_every_page_of_the_navigation_is_clean(
    open_page: Callable[..., Page], admin_user: Any, axe: Callable[[Page], None], viewport: Any, scheme: str
) -> None:
    make_groups()
    fill(2)
    page = open_page(admin_user, scheme=scheme, viewport=viewport)
    page.goto("/")
    found = page.locator("a.nav-link").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert len(found) > 10
    for address in [*found, *MORE]:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        axe(page)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 1, address
