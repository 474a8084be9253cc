"""Taking due messages for oneself: `queued` → `sending` with a token and a lease, and giving them back."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from messaging.models import Message, Sender, Stream, TemplateVersion
from messaging.scenes import STANDARD

LEASE = timedelta(seconds=60)

# Per open stream and channel its first due messages (neither a held stream's backlog nor another channel's costs
# anything), then the first of all those. A later turn of a thread stays where it is until every earlier one has settled.
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT m.id FROM messaging_stream s CROSS JOIN unnest(%(channels)s::text[]) AS road(channel) CROSS JOIN LATERAL (
        SELECT m.id, m.lane, m.due_at FROM messaging_message m
        WHERE m.stream_id = s.id AND m.channel = road.channel AND m.status = 'queued' AND m.due_at <= %(at)s
          AND (m.thread = '' OR NOT EXISTS (
              SELECT 1 FROM messaging_message e WHERE e.thread = m.thread AND e.thread <> '' AND e.turn < m.turn
                AND e.status IN ('queued', 'held', 'sending', 'calling')))
        ORDER BY m.lane, m.due_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
    ) m WHERE s.state = 'open' ORDER BY m.lane, m.due_at LIMIT %(limit)s
)
UPDATE messaging_message m SET status = 'sending', token = %(token)s, lease_until = %(until)s
FROM due WHERE m.id = due.id RETURNING m.id
"""
# What composing, the gates and the record go by; a message has as many columns again that only people look at.
READ = (
    *("key", "contact", "channel", "klass", "topic", "stream", "template_version", "sender", "content", "lane"),
    *("due_at", "planned_at", "late", "attempts", "public_id", "address"),
    *(f"contact__{column}" for column in (*STANDARD.values(), "attributes")),
)


@dataclass(frozen=True, slots=True)
class Claim:
    """Messages that are ours under one token until the lease ends."""

    token: uuid.UUID
    messages: list[Message]


def claim(limit: int, channels: Sequence[str], at: datetime) -> Claim:
    """Claim up to this many due messages in one statement, urgent lanes first."""
    token = uuid.uuid4()
    given: dict[str, Any] = {"at": at, "channels": list(channels), "limit": limit, "token": token, "until": at + LEASE}
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, given)
        ids = [row[0] for row in cursor.fetchall()]
    return Claim(token, _loaded(ids) if ids else [])


def _loaded(ids: Sequence[int]) -> list[Message]:
    """Read messages with their contacts, and once each what many of them share."""
    found = list(Message.objects.filter(pk__in=ids).select_related("contact").only(*READ))
    streams = Stream.objects.in_bulk({one.stream_id for one in found})
    senders = Sender.objects.in_bulk({one.sender_id for one in found if one.sender_id})
    wanted = {one.template_version_id for one in found if one.template_version_id}
    versions = TemplateVersion.objects.select_related("template").in_bulk(wanted)
    for one in found:
        one.stream = streams[one.stream_id]
        if one.sender_id:
            one.sender = senders[one.sender_id]
        if one.template_version_id:
            one.template_version = versions[one.template_version_id]
    return sorted(found, key=lambda one: (one.lane, one.due_at, one.pk))


def give_back(token: uuid.UUID, ids: Sequence[int]) -> None:
    """Put claimed messages that were not gated back into the queue."""
    Message.objects.filter(pk__in=ids, token=token, status=Message.Status.SENDING).update(
        status=Message.Status.QUEUED, token=None, lease_until=None
    )
