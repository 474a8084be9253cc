"""Putting messages into the queue and taking them out again: the rows are the work."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from messaging.models import Message, Stream
from workspace import doorbell

WAITING = (Message.Status.QUEUED, Message.Status.HELD, Message.Status.SENDING)


@dataclass(slots=True)  # not frozen: thousands are made a second, and freezing trebles their price
class Draft:
    """One thing to be said to one contact; the key makes it once.

    `content` for email: subject, preheader, body (own text over the template's), campaign, node, event, answers;
    for webhook: url, method, headers, body, event, answers.
    """

    key: str
    contact_id: int
    channel: str
    stream_id: int
    due_at: datetime
    planned_at: datetime
    klass: str = "marketing"
    topic: str = ""
    thread: str = ""
    turn: int = 0
    template_version_id: int | None = None
    sender_id: int | None = None
    content: dict[str, Any] = field(default_factory=dict)
    late: str = "always"
    lane: int = 0


QUEUE = """
INSERT INTO messaging_message (key, contact_id, channel, class, stream_id, due_at, planned_at, topic, thread, turn,
                               template_version_id, sender_id, content, late, lane, status, attempts, public_id)
SELECT d.*, 'queued', 0, gen_random_uuid()
FROM ROWS FROM (jsonb_to_recordset(%s::jsonb) AS (key text, contact_id bigint, channel text, klass text,
                stream_id bigint, due_at timestamptz, planned_at timestamptz, topic text, thread text, turn int,
                template_version_id bigint, sender_id bigint, content jsonb, late text, lane smallint)) AS d
ON CONFLICT (key) DO NOTHING
"""


def queue(drafts: Sequence[Draft]) -> int:
    """Insert these messages in one statement within the caller's transaction; a key that exists is left as it is."""
    if not drafts:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(QUEUE, [json.dumps([_row(draft) for draft in drafts])])
        made: int = cursor.rowcount
    doorbell.ring_on_commit("deliver")
    return made


def _row(draft: Draft) -> dict[str, Any]:
    return {
        "key": draft.key,
        "contact_id": draft.contact_id,
        "channel": draft.channel,
        "klass": draft.klass,
        "stream_id": draft.stream_id,
        "due_at": draft.due_at.isoformat(),
        "planned_at": draft.planned_at.isoformat(),
        "topic": draft.topic,
        "thread": draft.thread,
        "turn": draft.turn,
        "template_version_id": draft.template_version_id,
        "sender_id": draft.sender_id,
        "content": draft.content,
        "late": draft.late,
        "lane": draft.lane,
    }


WITHDRAW = """
UPDATE messaging_message
SET status = 'refused', gate = %s, reason = %s, token = NULL, lease_until = NULL, settled_at = tributary_now()
WHERE status IN ('queued', 'held', 'sending') AND {which}
"""


def withdraw(threads: Sequence[str], *, gate: str = "exited", reason: str = "The contact left the flow.") -> int:
    """Refuse what these threads have not yet said, within the caller's transaction, which holds the contacts' rows."""
    if not threads:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(WITHDRAW.format(which="thread = ANY(%s) AND thread <> ''"), [gate, reason, list(threads)])
        return int(cursor.rowcount)


def set_stream(kind: str, slug: str, state: str = Stream.State.OPEN) -> Stream:
    """Open, hold or close where messages come from ("flow", "win-back"), within the caller's transaction.

    Held: what is queued stays queued. Closed: what is still queued is refused, so leave a flow that drained open.
    """
    stream, _ = Stream.objects.update_or_create(kind=kind, slug=slug, defaults={"state": Stream.State(state)})
    if stream.state == Stream.State.CLOSED:
        refuse_closed(stream.pk)
    if stream.state == Stream.State.OPEN:
        doorbell.ring_on_commit("deliver")
    return stream


def refuse_closed(stream_id: int) -> int:
    """Refuse what a closed stream has not yet said."""
    with connection.cursor() as cursor:
        cursor.execute(WITHDRAW.format(which="stream_id = %s"), ["paused", "What it came from has ended.", stream_id])
        return int(cursor.rowcount)
