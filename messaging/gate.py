"""The gate: under the contacts' row locks, `sending` → `calling` for those that may be said now, and for no other.

Two trips in one short transaction: lock the contacts, and look (by statements of their own, because their snapshots
must be younger than the locks: whoever unsubscribes holds the same lock); flip. What the flip returns may be called, once.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from contacts import consents
from messaging import policy, reaching
from messaging.claim import LEASE
from messaging.models import Message
from messaging.settling import note_settled
from workspace.models import Workspace
from workspace.trips import array, ask, together

Contact = tuple[str, str, str, str, bool]  # email, phone, user id, timezone, alive
SAID = ("calling", "sent", "delivered", "bounced", "complained", "unknown")

# IS TRUE keeps the planner at the ids: an index of what is being sent would be gone through for each of them.
FLIP = """
UPDATE messaging_message m
SET status = v.status, gate = v.gate, reason = v.reason, address = v.address,
    due_at = coalesce(v.until, m.due_at),
    token = CASE WHEN v.status = 'calling' THEN m.token END,
    lease_until = CASE WHEN v.status = 'calling' THEN %s::timestamptz END,
    calling_at = CASE WHEN v.status = 'calling' THEN %s::timestamptz ELSE m.calling_at END,
    settled_at = CASE WHEN v.status = 'refused' THEN %s::timestamptz END,
    attempts = m.attempts + (v.status = 'calling')::int
FROM jsonb_to_recordset(%s::jsonb) AS v(id bigint, status text, gate text, reason text, address text, until timestamptz)
WHERE m.id = v.id AND m.id = ANY(%s::bigint[]) AND m.token = %s::uuid AND (m.status = 'sending') IS TRUE
RETURNING m.id, m.status, m.address
"""
STATUS = {"go": "calling", "refuse": "refused", "hold": "held", "wait": "queued"}


@transaction.atomic
def gate(token: UUID, messages: Sequence[Message], faults: Mapping[int, str]) -> dict[int, str]:
    """Judge claimed messages and return id → address of those that may be called now; `faults` are content errors."""
    at, scenes = _look(messages, faults)
    handed = _hand_on(token, [pk for pk, scene in scenes.items() if not scene.alive], at)
    verdicts = _judge_in_turn(scenes, [one for one in messages if one.pk not in handed])
    rows = _flip(token, scenes, verdicts, at)
    refused = {row[0] for row in rows if row[1] == "refused"}
    note_settled([one for one in messages if one.pk in refused], at)
    return {pk: address for pk, status, address in rows if status == "calling"}


_HAND_ON = """
UPDATE messaging_message m
SET contact_id = c.merged_into_id, status = 'queued', token = NULL, lease_until = NULL, due_at = %s
FROM contacts_contact c
WHERE c.id = m.contact_id AND c.merged_into_id IS NOT NULL AND c.erased_at IS NULL
    AND m.id = ANY(%s::bigint[]) AND m.token = %s AND (m.status = 'sending') IS TRUE
RETURNING m.id
"""


def _hand_on(token: UUID, ids: list[int], at: datetime) -> set[int]:
    """Give what was to be said to a contact who has been merged to the winner, to be written and judged anew as theirs."""
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_HAND_ON, [at, ids, token])
        return {row[0] for row in cursor.fetchall()}


_LOCK = """
SELECT id, email, phone, coalesce(user_id, ''), timezone, erased_at IS NULL AND merged_into_id IS NULL
FROM contacts_contact WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE
"""
_STREAMS = "SELECT id, state FROM messaging_stream WHERE id = ANY(%s::bigint[])"
_HOUSE = "SELECT sending_held, caps, quiet_hours, timezone FROM workspace_workspace WHERE id = 1"


def _look(messages: Sequence[Message], faults: Mapping[int, str]) -> tuple[datetime, dict[int, policy.Scene]]:
    """Lock the contacts in id order, and ask, in one trip, what the gates go by."""
    ids = sorted({one.contact_id for one in messages})
    with together():
        locked = ask(_LOCK, [array(ids)])
        now, consented = ask("SELECT tributary_now()"), consents.ask_standing(ids)
        open_now, settings = ask(_STREAMS, [array({one.stream_id for one in messages})]), ask(_HOUSE)
        likely = reaching.ask_suppressed({(one.channel, reaching.last_known(one)) for one in messages})
    contacts: dict[int, Contact] = {row[0]: row[1:] for row in locked.rows()}
    at, house = now.rows()[0][0], _house(*settings.rows()[0])
    addresses = {one.pk: reaching.address_of(one, contacts.get(one.contact_id)) for one in messages}
    seen = Seen(
        at=at,
        house=house,
        streams=dict(open_now.rows()),
        agreed=consents.standing_in(consented),
        suppressed=_suppressed(likely, {(one.channel, addresses[one.pk]) for one in messages}),
        said=_said(house, ids, at),
    )
    return at, {
        one.pk: seen.scene(one, contacts.get(one.contact_id), addresses[one.pk], faults.get(one.pk, ""))
        for one in messages
    }


def _suppressed(likely: reaching.Asked, addresses: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return which addresses must not be written to; those that changed since they were read are asked for now."""
    changed = addresses - likely.addresses
    return likely.suppressed() | (reaching.ask_suppressed(changed).suppressed() if changed else set())


@dataclass(frozen=True, slots=True)
class Seen:
    """What the database says of a chunk under its locks."""

    at: datetime
    house: Workspace
    streams: Mapping[int, str]
    agreed: Mapping[tuple[int, str, str], str]
    suppressed: Collection[tuple[str, str]]
    said: Mapping[tuple[int, str], int]

    def scene(self, one: Message, contact: Contact | None, written: str, fault: str) -> policy.Scene:
        """Return what the gates are told of one message."""
        *_, zone, alive = contact or ("", "", "", "", False)
        house, channel, content = self.house, one.channel, one.content
        address = reaching.without(written, self.suppressed, channel)
        cap = None if content.get("cap") == "exempt" else policy.cap_of(house.caps, channel)
        quiet = content.get("quiet", house.quiet_hours)
        return policy.Scene(
            at=self.at,
            planned_at=one.planned_at,
            klass=one.klass,
            channel=channel,
            alive=alive,
            stream=self.streams.get(one.stream_id, "closed"),
            house_held=house.sending_held,
            address=address or written,
            suppressed=bool(written) and not address,
            consented=not policy.asks_consent(channel) or may_be_told(self.agreed, one.contact_id, channel, one.topic),
            cap=cap[0] if cap else None,
            said=self.said.get((one.contact_id, channel), 0),
            quiet_until=policy.quiet_until(quiet, self.at, policy.zone_for(content.get("zone"), zone, house.timezone)),
            quiet_skips=quiet.get("then") == "skip",
            late=one.late,
            released=bool(content.get("released")),
            fault=fault,
        )


def _house(held: bool, caps: str, quiet_hours: str, zone: str) -> Workspace:
    return Workspace(pk=1, sending_held=held, caps=json.loads(caps), quiet_hours=json.loads(quiet_hours), timezone=zone)


def may_be_told(agreed: Mapping[tuple[int, str, str], str], contact: int, channel: str, topic: str) -> bool:
    """Tell whether marketing on a topic may go: the topic is subscribed, the whole channel not unsubscribed."""
    whole = agreed.get((contact, channel, ""))
    own = agreed.get((contact, channel, topic)) if topic else whole
    return own == consents.SUBSCRIBED and whole != consents.UNSUBSCRIBED


def _said(house: Workspace, contacts: Sequence[int], at: datetime) -> dict[tuple[int, str], int]:
    """Count what each contact was told within the longest cap's time, on channels that have a cap."""
    found: dict[tuple[int, str], int] = {}
    for channel in house.caps:
        if (cap := policy.cap_of(house.caps, channel)) is not None:
            found |= _said_on(channel, contacts, at - cap[1])
    return found


def _said_on(channel: str, contacts: Sequence[int], since: datetime) -> dict[tuple[int, str], int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT contact_id, count(*) FROM messaging_message
               WHERE contact_id = ANY(%s) AND channel = %s AND class = 'marketing' AND status = ANY(%s)
                 AND calling_at > %s GROUP BY contact_id""",
            [list(contacts), channel, list(SAID), since],
        )
        return {(contact, channel): count for contact, count in cursor.fetchall()}


def _judge_in_turn(scenes: dict[int, policy.Scene], messages: Sequence[Message]) -> dict[int, policy.Verdict]:
    """Judge one after the other, so that what goes now counts for the caps of what comes after."""
    going: Counter[tuple[int, str]] = Counter()
    verdicts = {}
    for one in messages:
        who = (one.contact_id, one.channel)
        scene = replace(scenes[one.pk], said=scenes[one.pk].said + going[who]) if going[who] else scenes[one.pk]
        verdicts[one.pk] = policy.judge(scene)
        going[who] += scene.marketing and verdicts[one.pk].outcome == "go"
    return verdicts


def _flip(
    token: UUID, scenes: Mapping[int, policy.Scene], verdicts: Mapping[int, policy.Verdict], at: datetime
) -> list[tuple[Any, ...]]:
    rows = json.dumps([_row(pk, scenes[pk].address, verdict) for pk, verdict in verdicts.items()])
    lease = at + LEASE + timedelta(seconds=5)
    return ask(FLIP, [lease, at, at, rows, array(verdicts), str(token)]).rows()


def _row(pk: int, address: str, verdict: policy.Verdict) -> dict[str, Any]:
    return {
        "id": pk,
        "status": STATUS[verdict.outcome],
        "gate": verdict.gate,
        "reason": verdict.reason,
        "address": address,
        "until": verdict.until.isoformat() if verdict.until else None,
    }
