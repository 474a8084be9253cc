"""Consent: evidence that is only added to, and what it comes to now per channel and topic."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contacts.changes import NewChange
from contacts.models import ConsentStatus
from contacts.storing import run
from workspace.trips import Answer, array, ask

SUBSCRIBED, UNSUBSCRIBED = ConsentStatus.SUBSCRIBED.value, ConsentStatus.UNSUBSCRIBED.value


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a contact said about a channel and topic ("" is the whole channel)."""

    contact_id: int
    channel: str
    status: str
    source: str
    at: datetime
    topic: str = ""


def standing(contact_ids: Sequence[int]) -> dict[tuple[int, str, str], str]:
    """Return contact, channel, topic → status now."""
    return standing_in(ask_standing(contact_ids))


def ask_standing(contact_ids: Sequence[int]) -> Answer:
    """Ask what contacts agreed to; `standing_in` understands the answer."""
    return ask(
        "SELECT contact_id, channel, topic, status FROM contacts_consentnow WHERE contact_id = ANY(%s::bigint[])",
        [array(contact_ids)],
    )


def standing_in(asked: Answer) -> dict[tuple[int, str, str], str]:
    """Return what `standing` does, out of an answer."""
    return {(contact, channel, topic): status for contact, channel, topic, status in asked.rows()}


def record(evidence: Sequence[Evidence]) -> None:
    """Add evidence; the newest per channel and topic stands, and of two at one instant the unsubscribe.

    The caller holds the contacts' row locks, as every sender does when it asks for consent.
    """
    if not evidence:
        return
    rows = json.dumps([_row(one) for one in evidence])
    columns = "n(c bigint, ch text, t text, s text, src text, at timestamptz)"
    run(
        f"""INSERT INTO contacts_consent (contact_id, channel, topic, status, source, at)
            SELECT c, ch, t, s, src, at FROM jsonb_to_recordset(%s::jsonb) AS {columns}""",  # noqa: S608 - constants
        [rows],
    )
    run(
        f"""INSERT INTO contacts_consentnow AS held (contact_id, channel, topic, status, at)
            SELECT DISTINCT ON (c, ch, t) c, ch, t, s, at FROM jsonb_to_recordset(%s::jsonb) AS {columns}
            ORDER BY c, ch, t, at DESC, s DESC
            ON CONFLICT (contact_id, channel, topic) DO UPDATE SET status = excluded.status, at = excluded.at
            WHERE excluded.at > held.at OR (excluded.at = held.at AND excluded.status = '{UNSUBSCRIBED}')""",  # noqa: S608 - constants
        [rows],
    )


def changes_of(evidence: Sequence[Evidence], *, fires: bool, lane: int) -> list[NewChange]:
    """Return the Changes that evidence makes."""
    return [NewChange(one.contact_id, f"consent:{one.channel}", at=one.at, fires=fires, lane=lane) for one in evidence]


def _row(one: Evidence) -> dict[str, object]:
    return {
        "c": one.contact_id,
        "ch": one.channel,
        "t": one.topic,
        "s": one.status,
        "src": one.source[:60],
        "at": one.at.isoformat(),
    }
