"""A mail server that delivers nothing: it keeps what it is given, to be read at /mailbox/."""

import asyncio
import email
import email.errors
import email.header
import email.policy
from collections.abc import Sequence
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope
from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError, close_old_connections

from messaging.models import CaughtMail
from messaging.rendering import one_line
from workspace import doorbell

log = structlog.get_logger()

KEPT = 5_000
SIZE_LIMIT = 10 * 1024 * 1024
TAKEN = "250 Kept"
NOT_NOW = "451 The database cannot be reached; please try again"


class Catcher:
    """Takes mails off the wire and stores those of a moment in one insert; answers only once they are stored."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[tuple[list[CaughtMail], asyncio.Future[str]]] = asyncio.Queue()

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Queue one mail and wait until it is stored."""
        stored: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        raw = envelope.original_content or b""
        await self.waiting.put((caught(envelope.mail_from or "", envelope.rcpt_tos, raw), stored))
        return await stored

    async def store(self) -> None:
        """Store whatever waits, moment by moment, for ever."""
        while True:
            batch = [await self.waiting.get()]
            while not self.waiting.empty() and len(batch) < 200:
                batch.append(self.waiting.get_nowait())
            answer = await sync_to_async(keep)([mail for mails, _ in batch for mail in mails])
            for _, stored in batch:
                if not stored.done():
                    stored.set_result(answer)


def caught(sender: str, recipients: Sequence[str], raw: bytes) -> list[CaughtMail]:
    """Return one row per recipient of a mail."""
    head = email.message_from_bytes(raw, policy=email.policy.compat32)
    return [
        CaughtMail(
            sender=one_line(sender),
            recipient=one_line(one),
            subject=header(head, "Subject"),
            message_key=header(head, "X-Tributary-Key")[:120],
            raw=raw,
        )
        for one in recipients
    ]


def header(mail: Any, name: str) -> str:
    """Return a header as people read it, whatever it was made of."""
    try:
        text = str(email.header.make_header(email.header.decode_header(str(mail.get(name, "")))))
    except (ValueError, LookupError, email.errors.HeaderParseError):
        text = str(mail.get(name, ""))
    return one_line(text.encode("utf-8", "replace").decode("utf-8"))


def keep(mails: list[CaughtMail]) -> str:
    """Insert mails, drop the oldest beyond what is kept, and return what to answer."""
    try:
        close_old_connections()
        CaughtMail.objects.bulk_create(mails)
        if any(mail.pk % 100 < len(mails) for mail in mails):
            drop_oldest()
    except (DatabaseError, InterfaceError) as error:
        log.warning("mailbox.not_stored", error=str(error))
        return NOT_NOW
    doorbell.poke(["mailbox"])
    return TAKEN


def drop_oldest() -> None:
    """Keep the newest mails only."""
    last = CaughtMail.objects.order_by("-pk").values_list("pk", flat=True)[KEPT : KEPT + 1]
    if last:
        CaughtMail.objects.filter(pk__lte=last[0]).delete()


async def serve(host: str, port: int, ready: Any = None) -> None:
    """Listen until cancelled."""
    catcher = Catcher()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(catcher, data_size_limit=SIZE_LIMIT, enable_SMTPUTF8=True, ident="Tributary mailbox", loop=loop),
        host,
        port,
    )
    async with server:
        if ready is not None:
            ready(server.sockets[0].getsockname()[1])
        await asyncio.gather(server.serve_forever(), catcher.store())
