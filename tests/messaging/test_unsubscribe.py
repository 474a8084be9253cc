"""Leaving is one click, at once, for ever, and only ever for oneself."""

from typing import Any

import pytest
from django.test import Client

from contacts import consents
from contacts.models import Consent, ConsentNow, Contact, Event
from messaging import outbox
from messaging.models import Message
from messaging.tokens import unsubscribe_token, unsubscribe_url
from tests.messaging.conftest import Provider, Queue, person
from workspace import clock

pytestmark = pytest.mark.django_db


def path(message: Message) -> str:
    return f"/m/u/{unsubscribe_token(message)}/"


def standing(contact: Contact) -> dict[str, str]:
    return dict(ConsentNow.objects.filter(contact=contact).values_list("topic", "status"))


def test_reading_the_page_changes_nothing_and_a_scanner_may_read_it(
    maria: Contact, queued: Queue, client: Client
) -> None:
    message = queued(maria)
    answer = client.get(path(message))
    assert answer.status_code == client.head(path(message)).status_code == 200
    assert b"News and offers" in answer.content
    assert b"maria" not in answer.content.lower()
    assert standing(maria) == {"news": "subscribed"}
    assert not answer.cookies


@pytest.mark.parametrize("form", ["urlencoded", "multipart"])
def test_one_click_of_a_mail_reader_is_enough_and_may_come_twice(
    maria: Contact, queued: Queue, provider: Provider, form: str
) -> None:
    message = queued(maria)
    strict = Client(enforce_csrf_checks=True)
    given: dict[str, Any] = (
        {"data": {"List-Unsubscribe": "One-Click"}}
        if form == "multipart"
        else {"data": "List-Unsubscribe=One-Click", "content_type": "application/x-www-form-urlencoded"}
    )
    assert [strict.post(path(message), **given).status_code for _ in range(3)] == [200, 200, 200]
    assert standing(maria) == {"news": "unsubscribed"}
    assert Consent.objects.filter(contact=maria, status="unsubscribed").count() == 1
    assert Event.objects.filter(name__name="Unsubscribed").count() == 1
    outbox.deliver()
    assert provider.calls == []


def test_the_page_offers_all_email_too(maria: Contact, queued: Queue, client: Client) -> None:
    message = queued(maria)
    answer = client.post(path(message), {"scope": "everything"})
    assert b"You are unsubscribed" in answer.content
    assert standing(maria)[""] == consents.UNSUBSCRIBED


def test_a_link_reaches_its_own_contact_only(maria: Contact, queued: Queue, client: Client) -> None:
    nils = person("Nils")
    client.post(path(queued(maria)))
    assert standing(nils) == {"news": "subscribed"}


def test_a_tampered_token_is_nothing_at_every_byte(maria: Contact, queued: Queue, client: Client) -> None:
    other, token = queued(person("Nils")), unsubscribe_token(queued(maria))
    swapped = unsubscribe_token(other)[:22] + token[22:]
    for n in range(len(token)):
        wrong = token[:n] + ("A" if token[n] != "A" else "B") + token[n + 1 :]
        assert client.post(f"/m/u/{wrong}/").status_code == 404, n
    for wrong in (swapped, token[:-1], token + "A", "x", "%00", "é", "A" * 48, "." * 48):
        assert client.get(f"/m/u/{wrong}/").status_code == 404
    assert set(standing(maria).values()) == {"subscribed"}


def test_the_link_says_nothing_about_anybody(maria: Contact, queued: Queue) -> None:
    link = unsubscribe_url(queued(maria))
    assert "maria" not in link
    assert f"/{maria.pk}" not in link


def test_old_links_work_after_the_secret_key_was_changed(
    maria: Contact, queued: Queue, client: Client, settings: Any
) -> None:
    link = path(queued(maria))
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another" * 8
    assert client.get(link).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get(link).status_code == 404


def test_a_link_works_after_a_merge_and_after_erasure(maria: Contact, queued: Queue, client: Client) -> None:
    winner, message = person("Maria2"), queued(maria)
    Contact.objects.filter(pk=maria.pk).update(merged_into=winner)
    assert client.post(path(message)).status_code == 200
    assert standing(winner) == {"news": "unsubscribed"}
    Contact.objects.filter(pk=winner.pk).update(erased_at=clock.now())
    assert client.post(path(message), {"scope": "everything"}).status_code == 200
    assert "" not in standing(winner)
