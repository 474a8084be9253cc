"""The pages of who stands still, of people and of templates, as people see them: clean in every view."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from flows.library import own
from flows.models import Enrollment
from tests.flows.conftest import STARTS, WELCOME, World, wait
from workspace.audit import HOUSE

WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_clean(
    open_page: Callable[..., Page],
    axe: Callable[[Page], None],
    admin_user: Any,
    real_world: World,
    viewport: Any,
    scheme: str,
) -> None:
    world = real_world
    flow = world.flow(STARTS, wait("9d"), WELCOME)
    world.meets("mara", "ben", "zoe")
    for who in ("mara", "ben", "zoe"):
        world.does(who, "Signed Up")
    stuck = Enrollment.objects.filter(contact__user_id="mara")
    stuck.update(due_at=None, parked="held: failed at mail after 5 tries")
    Enrollment.objects.filter(contact__user_id="ben").update(parked="blocked: There is no list “gone”.")
    own.keep(flow, actor=HOUSE, about="Greets after nine days.")
    page = open_page(admin_user, scheme=scheme, viewport=viewport)
    for path in ("/flows/stuck/", f"/flows/{flow.pk}/people/", "/flow-templates/", f"/enrollments/{stuck.get().pk}/"):
        page.goto(path)
        axe(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    page.goto(f"/flows/stuck/?flow={flow.slug}")
    page.get_by_label("Choose Mara").check()
    expect(page.get_by_text("1 chosen")).to_be_visible()
    axe(page)
    page.get_by_label("Step to move to").select_option("mail")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_text("1 journey moved.")).to_be_visible()
