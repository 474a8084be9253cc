"""The pages of contacts, lists, events, attributes and imports."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from playwright.sync_api import Page

from contacts import services, working
from contacts.models import Attribute, Consent, Contact, EventName, List
from tests.contacts.conftest import identify, tell, track
from workspace.audit import HOUSE
from workspace.models import Job
from workspace.uses import set_uses

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia(client: Client, marketer: Any) -> Client:
    """Mia has signed in."""
    client.force_login(marketer, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def ann(db: None) -> Contact:
    """Ann, who bought something."""
    tell(identify("ann", email="ann@example.com", firstName="Ann", lastName="Lee", plan="pro", n=3))
    tell(track("ann", "Order Completed", revenue=12.5, note="<script>alert(1)</script>"))
    return Contact.objects.get()


PAGES = ["contacts", "contacts_count", "contact_new", "lists", "imports", "events", "attributes"]


def test_nobody_sees_a_page_without_signing_in(client: Client, ann: Contact) -> None:
    for name in PAGES:
        assert client.get(reverse(name)).status_code == 302, name
    for name in ("contact", "contact_edit", "contact_timeline"):
        assert client.get(reverse(name, args=[ann.pk])).status_code == 302, name


def test_every_page_stands_empty_and_full(mia: Client) -> None:
    for name in PAGES:
        assert mia.get(reverse(name)).status_code == 200, name
    tell(identify("ann", plan="pro"), track("ann", "Order Completed", revenue=3))
    for name in PAGES:
        assert mia.get(reverse(name)).status_code == 200, name


def test_a_viewer_looks_but_does_not_change(client: Client, viewer: Any, ann: Contact) -> None:
    client.force_login(viewer, backend="allauth.account.auth_backends.AuthenticationBackend")
    staff = services.create_list(name="Staff", actor=HOUSE)
    assert client.get(reverse("contact", args=[ann.pk])).status_code == 200
    for url in (
        reverse("contact", args=[ann.pk]),
        reverse("lists"),
        reverse("list", args=[staff.pk]),
        reverse("imports"),
        reverse("events"),
        reverse("attributes"),
    ):
        assert client.post(url, {"erase": 1, "name": "x"}).status_code == 403, url
    assert client.get(reverse("contact_new")).status_code == 403


def test_mia_finds_ann_by_how_she_begins(mia: Client, ann: Contact) -> None:
    tell(identify("bo", firstName="Bo"))
    page = mia.get(reverse("contacts"), {"q": "ann@"}).content.decode()
    assert "Ann Lee" in page
    assert ">Bo<" not in page
    fragment = mia.get(reverse("contacts"), {"q": "zzz"}, headers={"HX-Request": "true"}).content.decode()
    assert "Nobody begins like that" in fragment
    assert "<html" not in fragment


def test_the_page_of_a_contact_shows_what_she_did_and_escapes_it(mia: Client, ann: Contact) -> None:
    with CaptureQueriesContext(connection) as queries:
        page = mia.get(reverse("contact", args=[ann.pk])).content.decode()
    assert "Order Completed" in page
    assert "12.5" in page
    assert "<script>alert(1)" not in page
    assert len(queries) < 30


def test_mia_adds_and_edits_a_contact_with_own_attributes(mia: Client) -> None:
    typed = {
        "userId": "cy",
        "email": "cy@example.com",
        "firstName": "Cy",
        "key": ["plan", "age", ""],
        "value": ["pro", "42", "x"],
    }
    mia.post(reverse("contact_new"), typed)
    cy = Contact.objects.get()
    assert (cy.first_name, cy.attributes) == ("Cy", {"plan": "pro", "age": 42})
    mia.post(reverse("contact_edit", args=[cy.pk]), {**typed, "firstName": "", "key": ["age"], "value": ["43"]})
    cy.refresh_from_db()
    assert (cy.first_name, cy.attributes, cy.user_id) == ("", {"age": 43}, "cy")


def test_a_form_with_faults_comes_back_with_sentences(mia: Client, ann: Contact) -> None:
    answer = mia.post(reverse("contact_new"), {"userId": "ann", "email": "nobody"})
    assert answer.status_code == 422
    assert b"is not an email address" in answer.content
    assert mia.post(reverse("contact_new"), {"userId": "ann"}).status_code == 422
    assert mia.post(reverse("contact_new"), {}).status_code == 422


def test_lists_consent_and_erasure_from_the_page_of_a_contact(mia: Client, ann: Contact) -> None:
    staff = services.create_list(name="Staff", actor=HOUSE)
    url = reverse("contact", args=[ann.pk])
    mia.post(url, {"add_to_list": 1, "list": staff.pk})
    assert staff.members.count() == 1
    mia.post(url, {"remove_from_list": staff.pk})
    assert staff.members.count() == 0
    mia.post(url, {"consent": 1, "channel": "email", "status": "subscribed", "source": "call"})
    assert Consent.objects.get().source == "call"
    mia.post(url, {"erase": 1})
    ann.refresh_from_db()
    assert ann.erased_at is not None
    assert mia.get(url).status_code == 200


def test_mia_makes_a_list_and_pastes_people_into_it(mia: Client, ann: Contact) -> None:
    mia.post(reverse("lists"), {"name": "Staff"})
    staff = List.objects.get()
    url = reverse("list", args=[staff.pk])
    page = mia.post(url, {"add": 1, "who": "ann@example.com\nnobody\n"}, follow=True).content.decode()
    assert "1 put on Staff" in page
    assert "Not known here: nobody" in page
    mia.post(url, {"remove": 1, "chosen": [ann.pk]})
    assert staff.members.count() == 0
    set_uses("segment:vip", ["list:staff"])
    assert "Staff is used by Segment vip." in mia.post(url, {"delete": 1}, follow=True).content.decode()
    mia.post(url, {"archive": 1})
    assert List.objects.get().archived_at is not None


def test_lists_are_searched_sorted_and_say_what_uses_them(mia: Client, ann: Contact) -> None:
    staff = services.create_list(name="Staff", actor=HOUSE)
    services.create_list(name="Guests of the fair", actor=HOUSE)
    services.add_to_list(staff, [ann.pk], cause="manual")
    set_uses("segment:vip", ["list:staff"])
    lists = reverse("lists")
    found = mia.get(lists, {"q": "FAIR\x00"}).content.decode()
    assert "Guests of the fair" in found
    assert reverse("list", args=[staff.pk]) not in found
    largest = mia.get(lists, {"sort": "size"}).content.decode()
    assert largest.index("Staff") < largest.index("Guests of the fair")
    assert "Segment vip" in largest
    assert "No list matches" in mia.get(lists, {"q": "nothing like it"}).content.decode()


def test_mia_blocks_an_event_and_retypes_an_attribute(mia: Client, ann: Contact) -> None:
    name = EventName.objects.get()
    mia.post(reverse("events"), {"name": name.pk, "blocked": "on"})
    name.refresh_from_db()
    assert name.blocked
    plan = Attribute.objects.get(name="plan")
    shown = mia.post(reverse("attribute", args=[plan.pk]), {"type": "list", "label": "Plan"}).content.decode()
    assert "Nothing has changed yet" in shown
    plan.refresh_from_db()
    assert (plan.type, plan.label) == ("text", "")
    mia.post(reverse("attribute", args=[plan.pk]), {"type": "list", "label": "Plan", "confirm": 1, "sure": 1})
    plan.refresh_from_db()
    assert (plan.type, plan.declared, plan.label) == ("list", True, "Plan")
    mia.post(reverse("attributes"), {"name": "tier", "type": "number"})
    assert Attribute.objects.get(name="tier").declared


def test_mia_brings_a_file_sees_it_first_and_reads_the_report(mia: Client) -> None:
    staff = services.create_list(name="Staff", actor=HOUSE)
    file = SimpleUploadedFile("people.csv", b"id,email,plan\nann,ann@example.com,pro\nbo,nobody,free\n")
    preview = mia.post(reverse("imports"), {"file": file}, follow=True)
    assert b"2 rows read, nothing stored yet" in preview.content.replace(b'<span class="num">', b"").replace(
        b"</span>", b""
    )
    assert not Contact.objects.exists()
    url = preview.redirect_chain[-1][0]
    wrong = mia.post(url, {"column-0": "", "column-1": "", "column-2": "customProperties.plan"})
    assert wrong.status_code == 422
    mapped = {"column-0": "userId", "column-1": "email", "column-2": "customProperties.plan", "list": staff.pk}
    report = mia.post(url, mapped, follow=True).content.decode()
    assert "1 of 2 rows were taken in" in report
    assert "is not an email address" in report
    assert staff.members.count() == 1
    mia.post(url, mapped)
    assert Contact.objects.count() == 1


def test_a_broken_file_comes_back_with_its_sentence(mia: Client) -> None:
    for raw, words in ((b"", b"empty"), (b"id,id\n1,2\n", b"Two columns"), (b'id\n"open', b"quote left open")):
        answer = mia.post(reverse("imports"), {"file": SimpleUploadedFile("x.csv", raw)})
        assert answer.status_code == 422
        assert words in answer.content, raw


def test_odd_addresses_are_answered_below_500(mia: Client, ann: Contact) -> None:
    for query in (
        "before=x",
        "before=99999999999999999999",
        "q=%00",
        "list=%00",
        "before=2026-01-01T00:00:00+00:00~x",
        "q=" + "x" * 5000,
    ):
        for url in (reverse("contacts"), reverse("contact", args=[ann.pk]), reverse("events"), reverse("lists")):
            assert mia.get(f"{url}?{query}").status_code < 500, (url, query)
    assert mia.get("/contacts/99999999999999999/").status_code == 404


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_searching_and_reading_a_contact_in_a_browser(signed_in_page: Page, axe: Callable[[Page], None]) -> None:
    tell(identify("ann", email="ann@example.com", firstName="Ann", plan="pro"), identify("bo", firstName="Bo"))
    tell(track("ann", "Order Completed", revenue=12.5))
    page = signed_in_page
    page.goto("/contacts/")
    axe(page)
    page.get_by_placeholder("Name, email, phone or user id").fill("ann")
    page.wait_for_url("**/contacts/?q=ann*")
    assert page.get_by_text("Bo", exact=True).count() == 0
    page.get_by_role("link", name="Ann").click()
    page.get_by_role("heading", name="Timeline").wait_for()
    axe(page)
    page.get_by_role("link", name="Edit").click()
    page.get_by_role("button", name="Another attribute").click()
    assert page.locator("[data-attribute-row]").count() == 4
    axe(page)


def big_file(mia: Client, rows: int) -> str:
    """Bring a file of so many people, map it, and return the address of its page."""
    lines = "".join(f"u{number},u{number}@example.com\n" for number in range(rows))
    file = SimpleUploadedFile("many.csv", f"id,email\n{lines}".encode())
    url: str = mia.post(reverse("imports"), {"file": file}, follow=True).redirect_chain[-1][0]
    mia.post(url, {"column-0": "userId", "column-1": "email"})
    return url


def test_a_large_file_is_brought_by_a_worker_and_its_page_says_how_far_it_is(mia: Client) -> None:
    url = big_file(mia, 1500)
    page = mia.get(url).content.decode()
    assert "Rows are being taken in" in page
    assert "1,500" in page
    assert not Contact.objects.exists()
    assert working.work() == 1
    report = mia.get(url, headers={"X-Live": "1"}).content.decode()
    assert "Every row was good" in report
    assert Contact.objects.count() == 1500
    job = Job.objects.get()
    assert (job.status, job.done, job.request) == ("done", 1500, {"name": "many.csv"})
    assert job.result["contacts"] == 1500


def test_a_file_that_is_stopped_keeps_what_was_taken_in_and_can_be_brought_again(mia: Client) -> None:
    url = big_file(mia, 1500)
    job = Job.objects.get()
    working._step(job.pk)
    mia.post(url, {"cancel": "1"})
    working.work()
    job.refresh_from_db()
    assert (job.status, job.result["stored"], Contact.objects.count()) == ("cancelled", 1000, 1000)
    assert "was stopped" in mia.get(url).content.decode()
    big_file(mia, 1500)
    working.work()
    latest = Job.objects.latest("pk").result
    assert (latest["stored"], latest["repeated"], Contact.objects.count()) == (500, 1000, 1500)


def test_a_file_that_nobody_mapped_is_left_alone_by_workers(mia: Client) -> None:
    mia.post(reverse("imports"), {"file": SimpleUploadedFile("x.csv", b"id\nann\n")})
    assert working.work() == 0
    assert Job.objects.get().status == "waiting"
