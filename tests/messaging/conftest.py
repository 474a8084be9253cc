"""The people and things that messaging's stories are about."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from django.db import connection, transaction

from contacts import consents
from contacts.models import Contact, Identity
from messaging import services
from messaging.channels import Receipt
from messaging.models import Message, Stream, TemplateVersion
from workspace import clock
from workspace.audit import HOUSE
from workspace.models import Workspace


@pytest.fixture(autouse=True)
def _house(request: pytest.FixtureRequest) -> None:
    """A base that an earlier run emptied has no Workspace: put it back."""
    if "db" in request.fixturenames or request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        Workspace.objects.get_or_create(pk=1)


def person(name: str, *, agrees_to: str | None = "news", **columns: Any) -> Contact:
    """Make a contact who has (by default) agreed to the topic news."""
    contact = Contact.objects.create(
        **{"email": f"{name.lower()}@example.com", "first_name": name, "user_id": name.lower(), **columns}
    )
    Identity.objects.create(kind="user", value=contact.user_id, contact=contact)
    if agrees_to is not None:
        say(contact, "subscribed", agrees_to)
    return contact


def say(contact: Contact, status: str, topic: str = "", at: datetime | None = None) -> None:
    """Record what a contact says about email, under the contact's row lock as every writer does."""
    with transaction.atomic():
        Contact.objects.select_for_update(no_key=True).get(pk=contact.pk)
        consents.record([consents.Evidence(contact.pk, "email", status, "test", at or clock.now(), topic)])


@pytest.fixture
def maria(db: None) -> Contact:
    """Maria, who agreed to news."""
    return person("Maria")


@pytest.fixture
def stream(db: None) -> Stream:
    """The flow win-back, running."""
    return services.set_stream("flow", "win-back")


@pytest.fixture
def welcome(db: None) -> TemplateVersion:
    """A published template about news."""
    services.ensure_defaults()
    template = services.create_template(
        name="Welcome",
        actor=HOUSE,
        subject="Hello {{ contact.firstName }}",
        body="<p>Hi <b>{{ contact.firstName }}</b>, see <a href='https://shop.example/'>the shop</a>.</p>",
        topic="news",
    )
    return services.publish_template(template, actor=HOUSE)


Queue = Callable[..., Message]


@pytest.fixture
def queued(stream: Stream, welcome: TemplateVersion) -> Queue:
    """Give a function that queues one message to a contact."""

    def queue(contact: Contact, key: str = "", **parts: Any) -> Message:
        at = clock.now() - timedelta(seconds=1)
        key = key or f"e:{contact.pk}:1"
        given: dict[str, Any] = {
            "channel": "email",
            "topic": "news",
            "stream_id": stream.pk,
            "due_at": at,
            "planned_at": at,
            "template_version_id": welcome.pk,
        }
        with transaction.atomic():
            services.queue([services.Draft(key=key, contact_id=contact.pk, **{**given, **parts})])
        return Message.objects.get(key=key)

    return queue


class Provider:
    """A provider that remembers its calls and answers by script."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.sent: list[Any] = []
        self.script: list[Receipt] = []
        self.before: Callable[[], None] | None = None
        self.lock = threading.Lock()

    def send(self, outgoing: Any, address: str) -> Receipt:
        assert len(connection.savepoint_ids) == 0, "a provider is never called inside a transaction"
        if self.before:
            self.before()
        with self.lock:
            self.calls.append((outgoing.key, address))
            self.sent.append(outgoing)
            return self.script.pop(0) if self.script else Receipt("sent", provider_id="p")

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    """Stand a remembering provider behind every channel."""
    one = Provider()
    monkeypatch.setattr("messaging.outbox.line_for", lambda channel: one)
    return one


class MailServer:
    """A real SMTP server on loopback that answers by script."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.answers: list[str] = []
        self.connections = 0
        self.port = 0

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]) -> Any:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer == "hang up":
            self.mails.append(envelope)
            server.transport.close()
            return "421 gone"
        if answer.startswith("250"):
            self.mails.append(envelope)
        return answer


@pytest.fixture
def mail_server(settings: Any) -> Iterator[MailServer]:
    """Start a mail server and send through it."""
    handler, ready = MailServer(), threading.Event()
    loop = asyncio.new_event_loop()

    def run() -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(loop.create_server(lambda: SMTP(handler, loop=loop), "127.0.0.1", 0))
        handler.port = server.sockets[0].getsockname()[1]
        ready.set()
        loop.run_forever()
        server.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(10)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", handler.port, 5
    yield handler
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
