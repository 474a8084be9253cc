"""The pages of attributes and events, as Mia uses them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page

from contacts import declaring, retyping, working
from contacts.models import Attribute, EventName, name_id
from tests.conftest import PHONE
from tests.contacts.conftest import identify, tell, track
from workspace import clock
from workspace.audit import HOUSE

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia(client: Client, marketer: Any) -> Client:
    """Mia has signed in."""
    client.force_login(marketer, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def read(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return answer.content.decode()


def some() -> None:
    tell(
        identify("ann", Plan="pro", seats="12", email="ann@example.com"),
        identify("bo", plan="free", seats="many"),
        track("ann", "Order Completed", revenue=12.5, sku="x", to="ann@example.com"),
        track("bo", "order completed", revenue=3),
    )


def test_two_thousand_names_of_two_hundred_signs_are_searched_sorted_and_paged(mia: Client) -> None:
    Attribute.objects.bulk_create(Attribute(name=f"{n:04}-{'n' * 120}", label="L" * 128) for n in range(2000))
    names = [f"{n:04} {'e' * 190}" for n in range(2000)]
    EventName.objects.bulk_create(EventName(id=name_id(one), name=one) for one in names)
    for url in (reverse("attributes"), reverse("events")):
        assert "1999" not in read(mia, url + "?sort=name")
        assert "1999" in read(mia, url + "?sort=name&page=19")
        assert "1999" in read(mia, url + "?q=1999")
        for odd in ("page=x", "page=99999999999999999999", "show=odd", "sort=odd", "q=%00", "page=400"):
            read(mia, f"{url}?{odd}")


def test_duplicates_and_names_not_seen_lately_are_pointed_out(mia: Client) -> None:
    some()
    Attribute.objects.create(name="old", created_at=clock.now() - timedelta(days=90))
    assert "Like <bdi>Plan</bdi>" in read(mia, reverse("attributes"))
    assert "seats" not in read(mia, reverse("attributes") + "?show=duplicates").split("Standard")[0]
    assert "old" in read(mia, reverse("attributes") + "?show=quiet").split("Standard")[0]
    assert "order completed" in read(mia, reverse("events") + "?show=duplicates")


def test_mia_confirms_what_was_learned_and_joins_a_duplicate(mia: Client) -> None:
    some()
    seats, one, other = (Attribute.objects.get(name=name) for name in ("seats", "Plan", "plan"))
    here = reverse("attribute", args=[seats.pk])
    assert "Confirm as text" in read(mia, here)
    mia.post(here, {"label": "Seats"})
    seats.refresh_from_db()
    assert (seats.label, seats.declared) == ("Seats", False)
    mia.post(here, {"label": "Seats", "type": "text", "confirm": 1, "sure": 1})
    seats.refresh_from_db()
    assert seats.declared
    mia.post(reverse("attribute", args=[one.pk]), {"join": other.pk})
    assert "What arrives by this name is stored as" in read(mia, reverse("attribute", args=[one.pk]))
    assert "Also arrives as" in read(mia, reverse("attribute", args=[other.pk]))
    refused = mia.post(reverse("attribute", args=[one.pk]), {"join": other.pk}, follow=True).content.decode()
    assert "was joined into" in refused


def test_a_conversion_under_way_is_seen_and_stopped(mia: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    some()
    monkeypatch.setattr(retyping, "FEW", 0)
    seats = Attribute.objects.get(name="seats")
    declaring.change_attribute(seats, type="number", actor=HOUSE)
    here = reverse("attribute", args=[seats.pk])
    assert "being converted" in read(mia, here)
    assert "or cancel it" in mia.post(here, {"type": "boolean"}, follow=True).content.decode()
    mia.post(here, {"cancel": ""})
    working.work()
    seats.refresh_from_db()
    assert seats.type == "text"


def test_the_page_of_an_event_shows_its_properties_without_giving_anybody_away(mia: Client) -> None:
    some()
    name = EventName.objects.get(name="Order Completed")
    here = reverse("event", args=[name.pk])
    page = read(mia, here)
    assert "•••" in page
    assert "ann@example.com" not in page.split("Newest")[0]
    assert sum(mia.get(reverse("event_days", args=[name.pk])).json()["series"][0]["values"]) in (0, 1)
    assert mia.post(reverse("events"), {"name": name.pk, "hidden": "on", "back": here}).headers["Location"] == here
    away = mia.post(reverse("events"), {"name": name.pk, "hidden": "off", "back": "https://example.org/"})
    assert away.headers["Location"] == reverse("events")
    said = mia.post(reverse("events"), {"name": name.pk, "value_property": "sku"}, follow=True).content.decode()
    assert "Choose one of revenue" in said


def test_a_viewer_sees_the_catalogue_and_changes_nothing(client: Client, viewer: Any) -> None:
    some()
    client.force_login(viewer, backend="allauth.account.auth_backends.AuthenticationBackend")
    pk = Attribute.objects.get(name="seats").pk
    assert "Confirm as" not in read(client, reverse("attribute", args=[pk]))
    assert client.post(reverse("attribute", args=[pk]), {"type": "number", "sure": 1}).status_code == 403
    assert client.post(reverse("events"), {"name": 1, "hidden": "on"}).status_code == 403


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_catalogue_in_a_browser(
    open_page: Callable[..., Page], admin_user: Any, axe: Callable[[Page], None]
) -> None:
    some()
    tell(identify("cy", **{"a" * 120: "x"}), track("cy", "E" * 190, price=1))
    seats, name = Attribute.objects.get(name="seats"), EventName.objects.get(name="Order Completed")
    pages = ["/attributes/", f"/attributes/{seats.pk}/", "/events/", f"/events/{name.pk}/"]
    for scheme, size in (("light", None), ("dark", PHONE)):
        page = open_page(admin_user, scheme=scheme, **({"viewport": size} if size else {}))
        for url in pages:
            page.goto(url)
            axe(page)
            width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert width[0] <= width[1], (url, width)
    page = open_page(admin_user)
    page.goto(f"/attributes/{seats.pk}/")
    page.get_by_label("Type").select_option("number")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Nothing has changed yet").wait_for()
    axe(page)
    page.get_by_role("button", name="Change the type").click()
    page.get_by_text("Its type was declared.").wait_for()
    seats.refresh_from_db()
    assert (seats.type, seats.declared) == ("number", True)
