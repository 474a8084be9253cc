"""Recording what became of calls: only where the token is still ours, in one transaction with what the contacts learn."""

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from contacts import changes
from contacts.changes import NewChange
from messaging.channels import Receipt, at_most_once
from messaging.models import Channel, Message
from messaging.telling import SENT, Told, tell
from workspace.trips import array, ask, together

GAPS = (60, 15 * 60, 3 * 3600, 20 * 3600)  # seconds to the 2nd, 3rd, 4th and 5th try: about a day in all
TRIES = 5
FLOWS = 2  # the stage at which flows look at Changes

LOCK = "SELECT id FROM contacts_contact WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE"
RECORD = """
WITH clock AS MATERIALIZED (SELECT tributary_now() AS now)
UPDATE messaging_message m
SET status = v.status, provider_id = v.provider_id, reason = v.reason,
    due_at = coalesce(clock.now + make_interval(secs => v.gap), m.due_at),
    content = CASE WHEN v.answer IS NULL THEN m.content ELSE m.content || jsonb_build_object('answer', v.answer) END,
    token = NULL, lease_until = NULL, settled_at = CASE WHEN v.status = 'queued' THEN NULL ELSE clock.now END
FROM clock, jsonb_to_recordset(%s::jsonb) AS v(id bigint, status text, provider_id text, reason text,
     gap double precision, answer jsonb)
WHERE m.id = v.id AND m.id = ANY(%s::bigint[]) AND m.token = %s::uuid AND (m.status = 'calling') IS TRUE
RETURNING m.id, m.status, clock.now
"""


@transaction.atomic
def record(token: UUID, called: Sequence[tuple[Message, Receipt]]) -> int:
    """Write down what became of these calls; a call whose token is no longer ours changes nothing."""
    if not called:
        return 0
    rows = json.dumps([_row(message, receipt) for message, receipt in called])
    with together():
        ask(LOCK, [array(sorted({message.contact_id for message, _ in called}))])
        written = ask(RECORD, [rows, array(message.pk for message, _ in called), str(token)])
    at = max((now for _, _, now in written.rows()), default=None)
    if at is None:
        return 0
    statuses = {pk: status for pk, status, _ in written.rows()}
    settled = [message for message, _ in called if statuses.get(message.pk, "queued") != "queued"]
    note_settled(settled, at)
    sent = [one for one in settled if statuses[one.pk] == "sent" and one.channel in SENT]
    tell([told_of(one, SENT[one.channel], at) for one in sent], at)
    return len(statuses)


def lock(contact_ids: Iterable[int]) -> None:
    """Lock contacts in id order; every writer does this before it touches their messages."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [array(sorted(contact_ids))])


def note_settled(messages: Iterable[Message], at: datetime) -> None:
    """Queue the Changes that wake whoever waits: for a webhook's answer somebody always does, for the rest whoever reads."""
    rows = [(one.channel, NewChange(one.contact_id, f"message:{one.key}", ref=one.pk, at=at)) for one in messages]
    changes.note([row for channel, row in rows if channel != Channel.WEBHOOK])
    awaited = [row for channel, row in rows if channel == Channel.WEBHOOK]
    changes.note(awaited, read={row.fact: FLOWS for row in awaited})


def _row(message: Message, receipt: Receipt) -> dict[str, Any]:
    status, gap = outcome_of(message, receipt)
    return {
        "id": message.pk,
        "status": status,
        "provider_id": receipt.provider_id[:500],
        "reason": receipt.reason,
        "gap": gap,
        "answer": receipt.answer if message.channel == "webhook" else None,
    }


def outcome_of(message: Message, receipt: Receipt) -> tuple[str, float | None]:
    """Return the status a call leads to, and in how many seconds it is tried again if it is."""
    if receipt.outcome in ("sent", "failed"):
        return receipt.outcome, None
    if receipt.outcome == "unsure" and at_most_once(message.channel, message.klass):
        return "unknown", None
    tries = message.attempts + 1  # the row was read before this call was counted
    if tries >= TRIES:
        return "failed", None
    return "queued", _gap(tries, receipt.retry_after)


def _gap(tries: int, wished: float | None) -> float:
    own = GAPS[min(tries, len(GAPS)) - 1]
    jitter = random.uniform(0.9, 1.1)  # noqa: S311 - spreads tries, guards nothing
    return max(own * jitter, wished or 0.0)


def told_of(message: Message, event: str, at: datetime) -> Told:
    """Return the event that says what became of a message."""
    return Told(f"{message.key}:{event}", message.contact_id, event, properties_of(message), at)


def properties_of(message: Message) -> dict[str, Any]:
    """Return what an event about a message says of it."""
    content: Mapping[str, Any] = message.content
    version, stream = message.template_version, message.stream
    said = {
        "message_key": message.key,
        "channel": message.channel,
        "template": version.template.slug if version else None,
        stream.kind: stream.slug,
        "node": content.get("node"),
        "campaign": content.get("campaign"),
        "topic": message.topic or None,
    }
    return {name: value for name, value in said.items() if value}
