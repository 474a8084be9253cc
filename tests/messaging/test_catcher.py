"""The catcher keeps what real mail clients send it."""

import asyncio
import contextlib
import smtplib
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from messaging import catcher
from messaging.catcher import caught, keep, serve
from messaging.models import CaughtMail

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("transactional_db")]


@pytest.fixture
def port(transactional_db: None) -> Iterator[int]:
    """Start the catcher on a free port."""
    ready: list[int] = []
    started = threading.Event()
    loop = asyncio.new_event_loop()
    work: list[Any] = []

    def up(at: int) -> None:
        ready.append(at)
        started.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        work.append(loop.create_task(serve("127.0.0.1", 0, up)))
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(work[0])

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(10)
    yield ready[0]
    loop.call_soon_threadsafe(work[0].cancel)
    thread.join(10)


def mail(n: int = 0) -> EmailMessage:
    one = EmailMessage()
    one["Subject"], one["From"], one["To"] = f"Grüße {n}", "shop@example.com", "ann@example.com"
    one["X-Tributary-Key"] = f"e:{n}:1"
    one.set_content("Hello")
    return one


def test_a_mail_is_stored_before_it_is_acknowledged(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as line:
        for n in range(20):
            line.send_message(mail(n), to_addrs=["ann@example.com", "bob@example.com"])
            assert CaughtMail.objects.count() == 2 * (n + 1)
    one = CaughtMail.objects.order_by("pk").first()
    assert one is not None
    assert (one.subject, one.recipient, one.message_key) == ("Grüße 0", "ann@example.com", "e:0:1")
    assert b"Hello" in bytes(one.raw)


def test_many_at_once_are_all_kept(port: int) -> None:
    def send(n: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as line:
            for k in range(5):
                line.send_message(mail(n * 10 + k))

    threads = [threading.Thread(target=send, args=[n]) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert CaughtMail.objects.values("message_key").distinct().count() == 50


def test_only_the_newest_are_kept(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catcher, "KEPT", 50)
    for _ in range(3):
        keep(caught("a@example.com", ["b@example.com"] * 100, b"Subject: x\r\n\r\nx"))
    assert 50 <= CaughtMail.objects.count() <= 150


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"Subject: \x00\r\n\r\n",
        b"Subject: =?utf-8?b?////?=\r\n\r\n",
        b"Subject: =?x?q?a?=\r\n\r\nx",
    ],
)
def test_odd_mails_are_kept_too(transactional_db: None, raw: bytes) -> None:
    assert keep(caught("a@example.com\x00", ["b@example.com"], raw)).startswith("250")
