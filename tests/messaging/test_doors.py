"""The pages, the API and the back office of messaging."""

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contacts.models import Contact, Suppression
from messaging import outbox, services
from messaging.catcher import caught
from messaging.models import CaughtMail, Message, Sender, Template, TemplateVersion
from tests.messaging.conftest import MailServer, Provider, Queue
from workspace.audit import HOUSE
from workspace.models import Audit

pytestmark = pytest.mark.django_db
NASTY = '<script>alert("x")</script><img src=x onerror=alert(1)>'


def api(client: Client, key: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
    given = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
    answer = getattr(client, method)(f"/api/v1/{path}", headers={"Authorization": f"Bearer {key}", **headers}, **given)
    assert answer.status_code < 500, answer.content
    return answer


def test_a_template_is_made_previewed_published_and_kept_by_etag(
    client: Client, manage_key: str, maria: Contact
) -> None:
    services.ensure_defaults()
    words = {
        "name": "Hello",
        "subject": "Hi {{ contact.firstName }}",
        "body": "<p>{{ event.order }}</p>",
        "topic": "news",
    }
    made = api(client, manage_key, "post", "templates/", words)
    assert (made.status_code, made.json()["slug"], made.json()["version"]) == (201, "hello", None)
    ref = made.json()["id"]
    seen = api(
        client, manage_key, "post", f"templates/{ref}/preview/", {"contact": "user:maria", "event": {"order": "A<1"}}
    )
    assert (seen.json()["subject"], "A&lt;1" in seen.json()["html"]) == ("Hi Maria", True)
    assert api(client, manage_key, "post", "templates/hello/publish/").json()["version"] == 1
    stale = api(client, manage_key, "patch", f"templates/{ref}/", {"body": "new"}, **{"If-Match": made["ETag"]})
    assert stale.status_code == 412
    fresh = api(client, manage_key, "get", f"templates/{ref}/")["ETag"]
    assert (
        api(client, manage_key, "patch", f"templates/{ref}/", {"body": "new"}, **{"If-Match": fresh}).status_code == 200
    )
    assert [one["slug"] for one in api(client, manage_key, "get", "templates/").json()["results"]] == ["hello"]
    assert api(client, manage_key, "delete", f"templates/{ref}/").status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "named"),
    [
        ("post", "templates/", {"name": "x", "colour": 1}, 400, "colour"),
        ("post", "templates/", {}, 400, "name"),
        ("post", "templates/", {"name": "x", "topic": "nowhere"}, 400, "topic"),
        ("post", "templates/", {"name": "x", "body": "x" * 300_000}, 400, "body"),
        ("post", "templates/", [], 400, ""),
        ("get", "templates/nothing/", None, 404, ""),
        ("get", "templates/%00/", None, 404, ""),
        ("get", "templates/tpl_99999999999999999999999/", None, 404, ""),
        ("post", "templates/welcome/test/", {"address": "a@b.example, c@d.example"}, 400, "address"),
        ("post", "templates/welcome/preview/", {"contact": "user:nobody"}, 400, "contact"),
        ("post", "senders/", {"name": "x", "slug": "x", "address": "a@b.example\nBcc: c@d.example"}, 400, "address"),
        ("post", "senders/", {"name": "x", "slug": "default", "address": "a@b.example"}, 409, "slug"),
        ("post", "topics/", {"name": "x", "slug": "Not"}, 400, "slug"),
        ("delete", "topics/news/", None, 409, ""),
        ("delete", "senders/default/", None, 409, "is_default"),
        ("post", "messages/", {"template": "nothing", "to": "user:maria"}, 400, "template"),
        ("post", "messages/", {"template": "welcome", "to": "user:maria"}, 409, "template"),
        ("get", "messages/msg_0/", None, 404, ""),
        ("get", "messages/?contact=%00&status=odd&flow=%00", None, 200, ""),
        ("post", "suppressions/", {"address": "nobody"}, 400, "address"),
        ("post", "suppressions/", {"address": "a@b.example", "reason": "spite"}, 400, "reason"),
    ],
)
def test_bad_input_is_answered_with_its_place(
    client: Client,
    manage_key: str,
    welcome: TemplateVersion,
    method: str,
    path: str,
    body: Any,
    status: int,
    named: str,
) -> None:
    answer = api(client, manage_key, method, path, body)
    assert answer.status_code == status, answer.content
    if named:
        assert answer.json()["errors"][0]["path"] == named


def test_a_read_key_changes_nothing(client: Client, read_key: str, welcome: TemplateVersion) -> None:
    assert api(client, read_key, "get", "templates/welcome/").status_code == 200
    for path, body in (
        ("templates/", {"name": "x"}),
        ("templates/welcome/publish/", {}),
        ("messages/", {}),
        ("suppressions/", {}),
    ):
        assert api(client, read_key, "post", path, body).status_code == 403
    assert client.get("/api/v1/messages/").status_code in (401, 403)


def test_a_receipt_is_sent_once_per_idempotency_key(
    client: Client, manage_key: str, maria: Contact, provider: Provider
) -> None:
    template = services.create_template(
        name="Receipt", actor=HOUSE, subject="Order {{ event.id }}", body="<p>Thanks</p>", transactional=True
    )
    services.publish_template(template, actor=HOUSE)
    order = {"template": "receipt", "to": "user:maria", "data": {"id": "A-1"}}
    first = api(client, manage_key, "post", "messages/", order, **{"Idempotency-Key": "order-1"})
    again = api(client, manage_key, "post", "messages/", order, **{"Idempotency-Key": "order-1"})
    other = api(client, manage_key, "post", "messages/", {**order, "data": {}}, **{"Idempotency-Key": "order-1"})
    assert (first.status_code, first.json()["id"], other.status_code) == (202, again.json()["id"], 409)
    api(client, manage_key, "post", "messages/", {**order, "to": "new.customer@example.com"})
    outbox.deliver()
    assert sorted(address for _, address in provider.calls) == ["maria@example.com", "new.customer@example.com"]
    assert provider.sent[0].email.subject == "Order A-1"


def test_one_message_tells_its_gates_and_is_handled_by_hand(
    client: Client, manage_key: str, maria: Contact, queued: Queue, provider: Provider
) -> None:
    message = queued(maria)
    Message.objects.filter(pk=message.pk).update(status="unknown", reason="The worker stopped.")
    listed = api(client, manage_key, "get", "messages/?status=unknown&flow=win-back&contact=user:maria").json()[
        "results"
    ]
    assert [one["id"] for one in listed] == [message.ref]
    assert api(client, manage_key, "post", f"messages/{message.ref}/release/").status_code == 409
    assert api(client, manage_key, "post", f"messages/{message.ref}/retry/").json()["status"] == "queued"
    outbox.deliver()
    told = api(client, manage_key, "get", f"messages/{message.ref}/").json()
    assert (told["status"], told["history"][0]["verb"]) == ("sent", "message.retried")
    assert {gate["state"] for gate in told["gates"]} == {"passed"}
    assert [key for key, _ in provider.calls] == [message.key]


def test_a_suppressed_address_is_kept_as_a_digest_and_can_be_lifted(client: Client, manage_key: str) -> None:
    made = api(client, manage_key, "post", "suppressions/", {"address": "Rude@Example.com"})
    assert (made.status_code, "rude" in made.content.decode().lower()) == (201, False)
    assert api(client, manage_key, "post", "suppressions/lift/", {"address": "rude@example.com"}).json() == {
        "lifted": True
    }
    assert not Suppression.objects.exists()


@pytest.fixture
def nasty(maria: Contact, queued: Queue, provider: Provider) -> Message:
    """Maria's name, a template and a mail are full of markup."""
    Contact.objects.update(first_name=NASTY)
    Template.objects.update(name=NASTY[:120], subject=NASTY)
    message = queued(maria, content={"subject": NASTY, "body": f"<p>Hi {{{{ contact.firstName }}}}</p>{NASTY}"})
    raw = f"Subject: {NASTY}\r\nX-Tributary-Key: {message.key}\r\nContent-Type: text/html\r\n\r\n{NASTY}".encode()
    CaughtMail.objects.bulk_create(caught(NASTY, [NASTY], raw))
    return message


def test_every_page_shows_markup_as_text_within_few_queries(
    client: Client, admin_user: Any, nasty: Message, django_assert_max_num_queries: Any
) -> None:
    client.force_login(admin_user)
    mail, template = CaughtMail.objects.get(), Template.objects.get()
    paths = [
        reverse("templates"),
        reverse("template", args=[template.pk]),
        reverse("messages"),
        reverse("messages") + "?status=queued&flow=win-back&before=999999&q=%00",
        reverse("message", args=[nasty.pk]),
        reverse("suppressions"),
        reverse("mailbox"),
        reverse("mailbox") + "?q=script&after=0",
        reverse("mail", args=[mail.pk]),
    ]
    for path in paths:
        with django_assert_max_num_queries(25):
            answer = client.get(path)
        assert answer.status_code == 200, path
        assert b"<script>alert" not in answer.content
        assert b"<img src=x" not in answer.content
    for path in (
        reverse("mail_html", args=[mail.pk]),
        reverse("message_copy", args=[nasty.pk]),
        reverse("template_preview", args=[template.pk]),
    ):
        answer = client.get(path)
        policy = answer["Content-Security-Policy"]
        assert policy.startswith("sandbox")
        assert "allow-scripts" not in policy
        assert "default-src 'none'" in policy


def test_pages_need_a_person_and_posts_need_the_right(client: Client, viewer: Any, nasty: Message) -> None:
    template = Template.objects.get()
    for name, args in (
        ("templates", []),
        ("template", [template.pk]),
        ("messages", []),
        ("mailbox", []),
        ("suppressions", []),
    ):
        assert client.get(reverse(name, args=args)).status_code == 302
    client.force_login(viewer)
    posts = [
        (reverse("templates"), {"name": "x"}),
        (reverse("template", args=[template.pk]), {"publish": ""}),
        (reverse("message", args=[nasty.pk]), {"cancel": ""}),
        (reverse("suppressions"), {"address": "a@b.example"}),
    ]
    for path, body in posts:
        assert client.post(path, body).status_code == 403
    nasty.refresh_from_db()
    assert nasty.status == "queued"


def test_a_marketer_writes_tests_and_publishes_a_template(
    client: Client, marketer: Any, mail_server: MailServer
) -> None:
    services.ensure_defaults()
    client.force_login(marketer)
    client.post(reverse("templates"), {"name": "Spring"})
    one = Template.objects.get(name="Spring")
    path = reverse("template", args=[one.pk])
    words = {
        "name": "Spring",
        "subject": "Hi {{ contact.firstName }}",
        "preheader": "",
        "body": "<p>Hello</p>",
        "topic": "",
    }
    assert (
        b"no merge tag" in client.post(path, {**words, "body": "{{ user.name }}", "publish": ""}, follow=True).content
    )
    one.refresh_from_db()
    assert one.version is None
    client.post(path, {**words, "publish": ""})
    one.refresh_from_db()
    assert one.version is not None
    seen = client.post(reverse("template_preview", args=[one.pk]), {**words, "body": "<b>Not saved</b>"})
    assert b"Not saved" in seen.content
    client.post(path, {"test": "", "address": "me@example.com"})
    assert b"[Test] Hi Maria" in mail_server.mails[0].original_content
    assert (
        b"Bcc" not in client.post(path, {"test": "", "address": "a@b.example\r\nBcc: c@d.example"}, follow=True).content
        or len(mail_server.mails) == 1
    )


def test_an_unknown_message_is_sent_again_from_its_page(
    client: Client, admin_user: Any, maria: Contact, queued: Queue, provider: Provider
) -> None:
    message = queued(maria)
    Message.objects.update(status="unknown", reason="The worker stopped.")
    client.force_login(admin_user)
    path = reverse("message", args=[message.pk])
    assert b"Send again" in client.get(path).content
    client.post(path, {"retry": ""})
    outbox.deliver()
    assert len(provider.calls) == 1
    assert Audit.objects.filter(verb="message.retried", actor=admin_user).count() == 1


def test_the_back_office_opens_every_model_within_ten_queries_and_never_counts_messages(
    client: Client, admin_user: Any, nasty: Message, django_assert_max_num_queries: Any
) -> None:
    client.force_login(admin_user)
    for name in ("template", "templateversion", "sender", "message", "stream", "link", "caughtmail"):
        with django_assert_max_num_queries(10) as captured:
            answer = client.get(reverse(f"admin:messaging_{name}_changelist"))
        assert answer.status_code == 200, name
        counted = [one["sql"] for one in captured if re.search(r"SELECT COUNT\(\*\)[^)]*FROM \"messaging_", one["sql"])]
        assert not counted, counted
    for model in (Template, Sender, Message, CaughtMail):
        row = model.objects.first()
        assert row is not None
        answer = client.get(reverse(f"admin:messaging_{model._meta.model_name}_change", args=[row.pk]))
        assert answer.status_code == 200, model


def test_the_back_office_writes_through_the_services(
    client: Client, admin_user: Any, maria: Contact, queued: Queue
) -> None:
    message = queued(maria)
    client.force_login(admin_user)
    words = {"name": "Made here", "subject": "Hi", "preheader": "", "body": "Hello", "topic": ""}
    client.post(reverse("admin:messaging_template_add"), words)
    made = Template.objects.get(name="Made here")
    assert Audit.objects.filter(verb="template.created", subject=made.ref).exists()
    chosen = {"action": "publish", "_selected_action": [made.pk]}
    client.post(reverse("admin:messaging_template_changelist"), chosen)
    assert Template.objects.get(pk=made.pk).version is not None
    client.post(reverse("admin:messaging_message_changelist"), {"action": "hold", "_selected_action": [message.pk]})
    message.refresh_from_db()
    assert message.status == "held"
    sender = {
        "name": "News",
        "slug": "news",
        "address": "news@example.com",
        "display_name": "",
        "reply_to": "",
        "is_default": "on",
    }
    client.post(reverse("admin:messaging_sender_add"), sender)
    assert list(Sender.objects.filter(is_default=True).values_list("slug", flat=True)) == ["news"]
