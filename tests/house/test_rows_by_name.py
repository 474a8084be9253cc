"""The back office says who and what a row is of, finds rows as people name contacts, and keeps what is nobody's to read."""

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from contacts import importing, services
from contacts.csv_import import read_sheet
from contacts.models import Contact
from flows.models import Broadcast
from tests.house.filling import fill
from tests.house.test_every_model import MODELS, address
from workspace.audit import HOUSE
from workspace.models import Workspace

pytestmark = pytest.mark.django_db
SEARCHED = (
    "contacts.Event", "contacts.Consent", "contacts.ListMember", "segmentation.Membership", "segmentation.Transition",
    "flows.Entry", "flows.Enrollment", "flows.Step", "flows.Conversion", "messaging.Message",
)  # fmt: skip
NOT_NAMES = re.compile(r"^\d+\b(?! \w{3} \d{4},)|\+00:00")  # a number of something; an instant as programs write it


def found(client: Client, label: str, words: str) -> int:
    """Return how many rows a list finds."""
    model = next(one for one in MODELS if one._meta.label == label)
    return int(client.get(address(model), {"q": words}).context["cl"].result_count)


def test_rows_are_found_by_whatever_names_their_contact(ada: Client) -> None:
    fill(2)
    ana = Contact.objects.get(user_id="u0")
    for label in SEARCHED:
        ways = [found(ada, label, words) for words in ("u0", "u0@example.com", ana.ref, str(ana.pk))]
        assert len(set(ways)) == 1, (label, ways)
        assert ways[0] >= 1, label
        assert found(ada, label, "nobody@example.com") == 0, label


def test_journeys_and_messages_are_found_by_their_own_ids_too(ada: Client) -> None:
    fill(2)
    row = next(one for one in MODELS if one._meta.label == "flows.Enrollment")._default_manager.earliest("pk")
    assert found(ada, "flows.Enrollment", f"enr_{row.pk}") == 1
    assert found(ada, "flows.Enrollment", "enr_x") == 0
    assert found(ada, "messaging.Message", f"e:{row.pk}:") == 1


def test_the_head_of_a_page_names_its_row_and_never_by_numbers_alone(ada: Client) -> None:
    fill(1)
    heads = {}
    for model in MODELS:
        if (row := model._default_manager.first()) and model._meta.label not in ("django_celery_beat.CrontabSchedule",):
            heads[model._meta.label] = str(ada.get(address(model, "change", row.pk)).context["original"])
    ours = {label: head for label, head in heads.items() if not label.startswith("django_celery_beat.")}
    assert not {label: head for label, head in ours.items() if not head.strip() or NOT_NAMES.search(head)}
    assert heads["contacts.Consent"] == "u0@example.com · Subscribed · email"
    assert heads["segmentation.Membership"].endswith("· Segment 0")


def test_a_list_counts_results_only_when_something_was_asked(ada: Client) -> None:
    fill(2)
    url = reverse("admin:segmentation_segment_changelist")
    assert "Show all" not in ada.get(url).content.decode()
    assert "Show all" in ada.get(url, {"q": "Segment 1"}).content.decode()


def test_every_box_to_search_says_what_is_searched(ada: Client) -> None:
    fill(1)
    for model in MODELS:
        shown = ada.get(address(model)).context["cl"]
        if shown.search_fields and model._meta.app_label not in ("account", "auth", "mfa", "django_celery_beat"):
            assert shown.search_help_text, model._meta.label


def test_the_secret_of_a_second_factor_is_shown_to_nobody(ada: Client) -> None:
    vera = User.objects.create(username="vera", email="vera@example.com")
    kept = Authenticator.objects.create(user=vera, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    page = ada.get(reverse("admin:mfa_authenticator_change", args=[kept.pk])).content.decode()
    assert "vera" in page
    assert "JBSWY3DPEHPK3PXP" not in page
    assert ada.get(reverse("admin:mfa_authenticator_add")).status_code == 403
    answer = ada.post(reverse("admin:mfa_authenticator_delete", args=[kept.pk]), {"post": "yes"})
    assert answer.status_code == 302
    assert not Authenticator.objects.exists()


def test_the_page_of_a_file_shows_how_many_rows_it_has_and_none_of_them(ada: Client) -> None:
    job = importing.keep("people.csv", read_sheet(b"id,email\nann,ann@example.com\nbo,bo@example.com\n"), HOUSE)
    page = ada.get(reverse("admin:workspace_job_change", args=[job.pk])).content.decode()
    assert "ann@example.com" not in page
    assert "2 of them" in page


def test_a_suppression_shows_its_digest_and_asks_for_an_address_while_it_is_made(ada: Client) -> None:
    made = services.suppress(channel="email", address="no@example.com", reason="manual", actor=HOUSE)
    assert made.digest in ada.get(reverse("admin:contacts_suppression_change", args=[made.pk])).content.decode()
    assert 'name="address"' in ada.get(reverse("admin:contacts_suppression_add")).content.decode()


def test_rules_of_the_house_are_laid_out_as_people_read_them(ada: Client) -> None:
    Workspace.objects.filter(pk=1).update(purchase={"purchase": "Order Completed"})
    page = ada.get(reverse("admin:workspace_workspace_change", args=[1])).context["adminform"].form
    text: Any = page["purchase"].value()
    assert text.startswith('{\n  "')


def test_nobody_writes_a_broadcast_past_its_service(ada: Client) -> None:
    kept = Broadcast.objects.create(name="News", slug="news")
    assert ada.post(reverse("admin:flows_broadcast_change", args=[kept.pk]), {"name": "X"}).status_code == 403
    assert ada.get(reverse("admin:flows_broadcast_add")).status_code == 403
