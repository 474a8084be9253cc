"""Joining an anonymous contact to the one it turned out to be: everything it had goes over, its row stays as a sign."""

# ruff: noqa: S608 - the only text put into statements here is the constant _PAIRS

import json
from collections.abc import Sequence
from datetime import datetime

from contacts.changes import NewChange
from contacts.people import Person
from contacts.properties import CUSTOM, STANDARD
from contacts.storing import run

Pairs = Sequence[tuple[Person, Person]]
_PAIRS = "(SELECT (p ->> 0)::bigint AS loser, (p ->> 1)::bigint AS winner FROM jsonb_array_elements(%s::jsonb) p) pair"


def join_attributes(pairs: Pairs) -> None:
    """Let the winner take over what was said of the loser, where that is newer."""
    for loser, winner in pairs:
        turned = len(winner.turns)
        for name, stamp in list(loser.said_at.items()):
            at = datetime.fromisoformat(stamp)
            if name in STANDARD:
                value = loser.columns.get(STANDARD[name].column) or None
            else:
                value = loser.attributes.get(name.removeprefix(CUSTOM))
            winner.say(name, value, at)
        del winner.turns[turned:]  # what is merely brought along starts no flow
        if loser.seen_at:
            winner.see(loser.seen_at)


def join_rows(pairs: Pairs, at: datetime) -> list[NewChange]:
    """Move the rows of losers to their winners and return the Changes that this makes; nothing of it fires flows."""
    if not pairs:
        return []
    given = json.dumps([[loser.id, winner.winner().id] for loser, winner in pairs])
    run(
        f"UPDATE contacts_contact c SET merged_into_id = winner FROM {_PAIRS} WHERE c.id = loser OR c.merged_into_id = loser",
        [given],
    )
    run(f"UPDATE contacts_identity i SET contact_id = winner FROM {_PAIRS} WHERE i.contact_id = loser", [given])
    _hand_on_what_waits(given)
    facts = [*_join_lists(given), *_join_consents(given), *_join_events(given)]
    _join_activity(given)
    for table in ("contacts_address", "contacts_moment"):
        run(f"DELETE FROM {table} t USING {_PAIRS} WHERE t.contact_id = loser", [given])
    both = {person.id for pair in pairs for person in (pair[0], pair[1].winner())}
    changes = [NewChange(one, "contact", "merged", at=at, fires=False) for one in sorted(both)]
    return changes + [NewChange(winner, fact, "merged", ref, at=at, fires=False) for winner, fact, ref in facts]


def _hand_on_what_waits(given: str) -> None:
    """Let events at which nobody has looked yet be the winner's: who orders and then says who they are has ordered."""
    run(
        f"UPDATE contacts_change c SET contact_id = winner FROM {_PAIRS} WHERE c.contact_id = loser AND c.fact LIKE 'event:%%'",
        [given],
    )


def _join_lists(given: str) -> list[tuple[int, str, None]]:
    rows = run(
        f"""WITH gone AS (DELETE FROM contacts_listmember m USING {_PAIRS} WHERE m.contact_id = loser
                          RETURNING m.list_id, winner, m.added_at, m.origin),
                 come AS (INSERT INTO contacts_listmember (list_id, contact_id, added_at, origin)
                          SELECT DISTINCT ON (list_id, winner) list_id, winner, added_at, origin FROM gone
                          ORDER BY list_id, winner, added_at
                          ON CONFLICT DO NOTHING RETURNING list_id, contact_id)
            SELECT come.contact_id, l.slug FROM come JOIN contacts_list l ON l.id = come.list_id""",
        [given],
    )
    return [(winner, f"list:{slug}", None) for winner, slug in rows]


def _join_consents(given: str) -> list[tuple[int, str, None]]:
    """Copy the loser's standing consents as evidence; the stricter of two stands."""
    rows = run(
        f"""WITH gone AS (DELETE FROM contacts_consentnow n USING {_PAIRS} WHERE n.contact_id = loser
                          RETURNING winner, n.channel, n.topic, n.status, n.at),
                 told AS (INSERT INTO contacts_consent (contact_id, channel, topic, status, source, at)
                          SELECT winner, channel, topic, status, 'merge', at FROM gone)
            INSERT INTO contacts_consentnow AS held (contact_id, channel, topic, status, at)
            SELECT DISTINCT ON (winner, channel, topic) winner, channel, topic, status, at FROM gone
            ORDER BY winner, channel, topic, status DESC, at DESC
            ON CONFLICT (contact_id, channel, topic) DO UPDATE SET status = excluded.status, at = excluded.at
            WHERE excluded.status = 'unsubscribed' AND held.status <> 'unsubscribed'
            RETURNING contact_id, channel""",
        [given],
    )
    return [(winner, f"consent:{channel}", None) for winner, channel in rows]


def _join_events(given: str) -> list[tuple[int, str, int]]:
    """Hand the loser's events to the winner: whose they are is corrected, what they say is not touched."""
    run("SELECT set_config('tributary.erasing', 'on', true)")
    rows = run(
        f"""WITH moved AS (UPDATE contacts_event e SET contact_id = winner FROM {_PAIRS} WHERE e.contact_id = loser
                           RETURNING e.contact_id, e.name_id, e.id)
            SELECT contact_id, n.name, max(moved.id) FROM moved JOIN contacts_eventname n ON n.id = moved.name_id
            GROUP BY 1, 2""",
        [given],
    )
    run("SELECT set_config('tributary.erasing', '', true)")
    return [(winner, f"event:{name}", ref) for winner, name, ref in rows]


def _join_activity(given: str) -> None:
    run(
        f"""WITH gone AS (DELETE FROM contacts_activity a USING {_PAIRS} WHERE a.contact_id = loser
                          RETURNING winner, a.last_seen_at)
            INSERT INTO contacts_activity AS held (contact_id, last_seen_at)
            SELECT winner, max(last_seen_at) FROM gone GROUP BY 1
            ON CONFLICT (contact_id) DO UPDATE SET last_seen_at = greatest(held.last_seen_at, excluded.last_seen_at)""",
        [given],
    )
