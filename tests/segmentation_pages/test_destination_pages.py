"""The pages of destinations."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from segmentation.models import Delivery, Destination
from tests.conftest import staff
from tests.segmentation.receiving import Receiver, circle, destined, join, listening, work_off
from workspace.models import Audit

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """Another program that listens."""
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    with listening() as server:
        yield server


@pytest.fixture
def mia(marketer: Any, client: Client) -> Client:
    """Mia at her desk."""
    client.force_login(marketer, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def test_mia_makes_a_webhook_and_sees_its_secret_once(mia: Client, receiver: Receiver) -> None:
    segment = circle()
    said = {
        "name": "CRM",
        "segment": segment.pk,
        "url": receiver.url,
        "what": "both",
        "batch_size": 100,
        "begin": "now",
    }
    page = mia.post(reverse("destination_new") + "?kind=webhook", said)
    assert b"whsec_" in page.content
    made = Destination.objects.get()
    shown = mia.get(reverse("destination", args=[made.pk]))
    assert b"whsec_" not in shown.content
    assert b"CRM" in mia.get(reverse("destinations")).content


def test_a_hostile_address_is_refused_beside_its_box(mia: Client) -> None:
    said = {"name": "CRM", "segment": circle().pk, "url": "http://127.0.0.1/", "what": "both", "batch_size": 1}
    page = mia.post(reverse("destination_new") + "?kind=webhook", {**said, "begin": "now"})
    assert page.status_code == 422
    assert "private network" in page.content.decode()


def test_each_button_does_what_it_says(mia: Client, receiver: Receiver) -> None:
    segment = circle()
    held = destined(segment, receiver)
    url = reverse("destination", args=[held.pk])

    def press(**said: str) -> str:
        return mia.post(url, said, follow=True).content.decode()

    assert "is paused" in press(pause="")
    join(segment, "Ana")
    assert "A test is on its way" in press(test="")
    work_off()
    assert "goes on" in press(resume="")
    receiver.script = [(500, {})]
    work_off()
    row = Delivery.objects.get(kind="changed")
    page = mia.get(url).content.decode()
    assert "It answered 500." in page
    assert "Retry now" in page
    assert "1 tried again now." in press(retry=str(row.pk))
    work_off()
    assert "told everything again" in press(replay="", since="2026-01-01T10:00")
    assert "date and time in the past" in press(replay="", since="2999-01-01T10:00")
    assert "being sent" in press(state="")
    assert "cancelled." in press(cancel="")
    assert "whsec_" in press(rotate="")
    assert "not known here" in press(nonsense="")
    assert "is deleted" in press(delete="")
    assert not Destination.objects.exists()


def test_it_is_changed_in_a_form(mia: Client, receiver: Receiver) -> None:
    held = destined(circle(), receiver)
    url = reverse("destination_edit", args=[held.pk])
    assert b"CRM" in mia.get(url).content
    said = {"name": "CRM 2", "url": receiver.url, "what": "exits", "batch_size": 10, "schedule": "weekly"}
    assert mia.post(url, said).status_code == 422
    assert mia.post(url, {**said, "weekday": 1, "schedule_at": "06:30"}).status_code == 302
    held.refresh_from_db()
    assert (held.name, held.what, held.weekday, held.next_at is not None) == ("CRM 2", "exits", 1, True)


def test_vic_looks_and_presses_nothing_and_fetches_nothing(
    client: Client, receiver: Receiver, settings: Any, tmp_path: Any
) -> None:
    settings.TRIBUTARY_HOME = tmp_path
    held = destined(circle(), receiver)
    vic = staff("vic")
    client.force_login(vic, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = client.get(reverse("destination", args=[held.pk]))
    assert page.status_code == 200
    assert b"Pause" not in page.content
    assert client.post(reverse("destination", args=[held.pk]), {"pause": ""}).status_code == 403
    assert client.get(reverse("destination_file", args=[held.pk, 1])).status_code == 403
    assert client.get(reverse("destination_new")).status_code == 403


def test_a_file_is_fetched_and_that_is_written_down(mia: Client, settings: Any, tmp_path: Any) -> None:
    settings.TRIBUTARY_HOME = tmp_path
    segment = circle()
    join(segment, "Ana")
    held = destined(segment, kind="csv")
    mia.post(reverse("destination", args=[held.pk]), {"state": ""})
    work_off()
    row = Delivery.objects.get()
    assert b"Download" in mia.get(reverse("destination", args=[held.pk])).content
    got = mia.get(reverse("destination_file", args=[held.pk, row.pk]))
    assert b"Ana" in b"".join(got)  # type: ignore[arg-type] # a streaming response
    assert Audit.objects.filter(verb="destination.downloaded").count() == 1


def test_failed_deliveries_are_tried_again_from_their_list_in_the_admin(
    admin_user: Any, client: Client, receiver: Receiver
) -> None:
    client.force_login(admin_user, backend="allauth.account.auth_backends.AuthenticationBackend")
    segment = circle()
    destined(segment, receiver)
    join(segment, "Ana")
    receiver.script = [(400, {})]
    work_off()
    Delivery.objects.update(status="failed", settled_at=Now())
    deliveries = reverse("admin:segmentation_delivery_changelist")
    chosen = {"_selected_action": [Delivery.objects.get().pk]}
    page = client.post(deliveries, {"action": "retry", **chosen}, follow=True).content.decode()
    assert "1 delivery tried again." in page
    work_off()
    assert Delivery.objects.get().status == "delivered"
