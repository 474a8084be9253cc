"""Real mail servers and real web servers at the end of each road."""

import email
import email.policy
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from contacts.models import Contact
from messaging import outbox
from messaging.channels.webhook import signing_secrets
from messaging.models import Message
from tests.messaging.conftest import MailServer, Queue, person
from workspace import clock
from workspace.models import Workspace

pytestmark = pytest.mark.django_db


def read(mail: Any) -> Any:
    return email.message_from_bytes(mail.original_content, policy=email.policy.default)


def test_a_marketing_email_carries_all_that_the_law_and_mail_readers_ask(
    maria: Contact, queued: Queue, mail_server: MailServer
) -> None:
    Workspace.objects.update(sender_line="Shop Ltd, 1 River Street, Porto")
    message = queued(maria)
    outbox.deliver()
    mail = read(mail_server.mails[0])
    assert mail["Subject"] == "Hello Maria"
    assert mail["To"] == "maria@example.com"
    assert mail["X-Tributary-Key"] == message.key
    assert message.key.replace(":", ".") in mail["Message-ID"]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = mail["List-Unsubscribe"].strip(" <>")
    html, text = mail.get_body(("html",)).get_content(), mail.get_body(("plain",)).get_content()
    assert link in html
    assert link in text
    assert "1 River Street" in html
    assert "the shop (https://shop.example/)" in text


def test_a_receipt_carries_no_unsubscribe_link(maria: Contact, queued: Queue, mail_server: MailServer) -> None:
    queued(maria, klass="transactional")
    outbox.deliver()
    assert read(mail_server.mails[0])["List-Unsubscribe"] is None


def test_one_connection_serves_a_batch(db: None, queued: Queue, mail_server: MailServer) -> None:
    for n in range(12):
        queued(person(f"P{n}"))
    outbox.deliver()
    assert (len(mail_server.mails), mail_server.connections) == (12, 1)


def test_names_with_line_breaks_add_no_headers(queued: Queue, mail_server: MailServer) -> None:
    queued(person("Eve", first_name="Eve\r\nBcc: victim@example.com"))
    outbox.deliver()
    mail = read(mail_server.mails[0])
    assert mail["Bcc"] is None
    assert mail_server.mails[0].rcpt_tos == ["eve@example.com"]


def test_what_the_server_answers_decides(db: None, queued: Queue, mail_server: MailServer) -> None:
    messages = [queued(person(name)) for name in ("Ann", "Bob", "Cleo", "Dan")]
    mail_server.answers = ["250 OK", "451 busy", "550 no such mailbox", "250 OK"]
    outbox.deliver()
    found = list(Message.objects.order_by("pk").values_list("status", flat=True))
    assert found == ["sent", "queued", "failed", "sent"]
    messages[2].refresh_from_db()
    assert "550" in messages[2].reason


def test_a_line_that_breaks_while_a_mail_is_handed_over_leaves_marketing_unknown(
    maria: Contact, queued: Queue, mail_server: MailServer
) -> None:
    news = queued(maria, "e:1:1")
    mail_server.answers = ["hang up"]
    outbox.deliver()
    news.refresh_from_db()
    assert (news.status, len(mail_server.mails)) == ("unknown", 1)
    after = queued(maria, "e:2:1")
    outbox.deliver()
    after.refresh_from_db()
    assert after.status == "sent"


def test_a_mail_server_that_is_away_is_asked_again_later(maria: Contact, queued: Queue, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    message = queued(maria)
    outbox.deliver()
    message.refresh_from_db()
    assert message.status == "queued"
    assert message.due_at > clock.now()


class Hooks:
    """A web server that keeps what it is sent and answers by script."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.url = ""


@pytest.fixture
def hooks(settings: Any) -> Iterator[Hooks]:
    one = Hooks()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            one.heard.append((dict(self.headers), body))
            status, headers, answer = one.answers.pop(0) if one.answers else (200, {}, b'{"ok": true}')
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    one.url = f"http://127.0.0.1:{server.server_port}/hook"
    settings.WEBHOOK_ALLOWED_HOSTS = [f"127.0.0.1:{server.server_port}"]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield one
    server.shutdown()
    server.server_close()


def hook(queued: Queue, contact: Contact, hooks: Hooks, **content: Any) -> Message:
    given = {"url": hooks.url, "method": "POST", **content}
    return queued(contact, channel="webhook", klass="transactional", topic="", template_version_id=None, content=given)


def test_a_webhook_is_signed_carries_its_key_and_keeps_the_answer(maria: Contact, queued: Queue, hooks: Hooks) -> None:
    message = hook(queued, maria, hooks, body={"name": "{{ contact.firstName }}", "n": 1}, headers={"X-Own": "yes"})
    outbox.deliver()
    message.refresh_from_db()
    headers, body = hooks.heard[0]
    assert message.status == "sent"
    assert message.content["answer"] == {"status": 200, "body": {"ok": True}}
    assert headers["Webhook-Id" if "Webhook-Id" in headers else "webhook-id"] == message.key
    assert headers["X-Own"] == "yes"
    assert Webhook(signing_secrets()[0]).verify(body, headers) == {"name": "Maria", "n": 1}


def test_a_contacts_quotes_cannot_break_the_document_around_them(queued: Queue, hooks: Hooks) -> None:
    eve = person("Eve", first_name='Eve", "admin": true, "x": "')
    hook(queued, eve, hooks, body='{"name": "{{ contact.firstName }}"}')
    outbox.deliver()
    assert json.loads(hooks.heard[0][1]) == {"name": 'Eve", "admin": true, "x": "'}


def test_a_contact_can_never_choose_the_host(queued: Queue, hooks: Hooks) -> None:
    eve = person("Eve", first_name="169.254.169.254/")
    message = hook(queued, eve, hooks, url="http://{{ contact.firstName }}")
    outbox.deliver()
    message.refresh_from_db()
    assert message.status in ("refused", "failed")
    assert hooks.heard == []


def test_a_busy_program_is_called_again_when_it_asks_with_the_same_id(
    maria: Contact, queued: Queue, hooks: Hooks
) -> None:
    message = hook(queued, maria, hooks)
    hooks.answers = [(429, {"Retry-After": "7200"}, b"")]
    outbox.deliver()
    message.refresh_from_db()
    assert message.status == "queued"
    assert (message.due_at - clock.now()).total_seconds() > 7000
    Message.objects.update(due_at=clock.now())
    outbox.deliver()
    assert [headers["webhook-id"] for headers, _ in hooks.heard] == [message.key] * 2


def test_a_program_that_says_no_is_not_asked_again(maria: Contact, queued: Queue, hooks: Hooks) -> None:
    message = hook(queued, maria, hooks)
    hooks.answers = [(404, {}, b"\x00\xff not here")]
    outbox.deliver()
    message.refresh_from_db()
    assert (message.status, message.content["answer"]["status"]) == ("failed", 404)


def test_an_address_inside_is_never_called(maria: Contact, queued: Queue, hooks: Hooks) -> None:
    message = hook(queued, maria, hooks, url="http://169.254.169.254/latest/")
    outbox.deliver()
    message.refresh_from_db()
    assert (message.status, "private network" in message.reason) == ("failed", True)
