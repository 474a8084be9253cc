"""The queue of facts: who reads which fact, and the Changes that wait to be looked at.

Whoever writes facts takes READS_LOCK shared before asking who reads them, and holds it to the end of the transaction;
whoever begins to read a fact takes it exclusively. So a fact that committed before a reader is in the reader's first
full look, and one that commits after it has a Change: nothing falls between.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from contacts.models import Read
from contacts.people import Turn
from workspace.trips import Answer, array, ask, together

READS_LOCK = 7_265_616_473  # any constant of its own

MESSAGE_SETTLED = "message"  # read by those who wait for what becomes of any message; the facts are message:<key>

_INSERT = """
INSERT INTO contacts_change (contact_id, fact, cause, ref, at, fires, lane, stage, detail)
SELECT c, f, cause, ref, at, fires, lane, stage, detail
FROM jsonb_to_recordset(%s::jsonb) AS new(c bigint, f text, cause text, ref bigint, at timestamptz,
     fires boolean, lane smallint, stage smallint, detail jsonb)
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class NewChange:
    """A fact of a contact that has just changed; `ref` is the event or transition behind it."""

    contact_id: int
    fact: str
    cause: str = "data"
    ref: int | None = None
    at: datetime = field(kw_only=True)
    fires: bool = True
    lane: int = 0
    detail: str = ""  # as JSON; with one, each of several Changes of a fact counts


def read_facts(facts: Collection[str]) -> dict[str, int]:
    """Return fact → the stage to write its Changes at (1 when segments read it, else 2), of those that are read.

    Runs inside the transaction that writes the facts, and keeps new readers waiting until that has ended.
    """
    if not facts:
        return {}
    with together():
        asked = ask_facts(facts)
    return facts_read(facts, asked)


def ask_facts(facts: Collection[str]) -> Answer:
    """Keep new readers waiting, and ask who reads facts; `facts_read` understands the answer."""
    ask("SELECT pg_advisory_xact_lock_shared(%s::bigint)", [READS_LOCK])
    # A statement of its own: its snapshot must be younger than the lock.
    return ask(
        "SELECT fact, min(stage) FROM contacts_read WHERE fact = ANY(%s::text[]) GROUP BY fact", [array(_asked(facts))]
    )


def facts_read(facts: Collection[str], asked: Answer) -> dict[str, int]:
    """Return what `read_facts` does, out of an answer."""
    found = dict(asked.rows())
    return found if MESSAGE_SETTLED not in found else {**found, **_messages(facts, found[MESSAGE_SETTLED])}


def _asked(facts: Collection[str]) -> list[str]:
    """Return the facts to look up; whoever waits for messages reads them all by one name."""
    family = {MESSAGE_SETTLED} if any(fact.startswith("message:") for fact in facts) else set()
    return sorted({*facts, *family})


def _messages(facts: Collection[str], stage: int) -> dict[str, int]:
    """Return the facts that single messages settled, for readers of them all."""
    return {fact: stage for fact in facts if fact.startswith("message:")}


def note(changes: Sequence[NewChange], *, read: dict[str, int] | None = None) -> int:
    """Queue those of the Changes whose fact somebody reads (once each), and return how many were queued."""
    return len(queue(changes, read=read))


def queue(changes: Sequence[NewChange], *, read: dict[str, int] | None = None) -> list[int]:
    """Do as `note` does and return the ids of the queued Changes; `read` is an answer of read_facts already at hand."""
    stages = read_facts({one.fact for one in changes}) if read is None else read
    wanted = dict.fromkeys(one for one in changes if one.fact in stages)
    if not wanted:
        return []
    rows = json.dumps([_row(one, stages[one.fact]) for one in wanted])
    return [row[0] for row in ask(_INSERT, [rows]).rows()]


def turned(contact_id: int, turns: Iterable[Turn], **more: Any) -> list[NewChange]:
    """Return the Changes `changed:<property>` of an attribute's turns, each with what it was and what it became."""
    return [
        NewChange(
            contact_id, f"changed:{name}", at=at, detail=json.dumps({"was": was, "is": value}, default=str), **more
        )
        for name, was, value, at in turns
    ]


def set_reads(reader: str, stage: int, facts: Iterable[str]) -> None:
    """Replace what a reader ("rule:12", "version:4") reads; every fact written after this commits makes a Change.

    Waits for, and keeps waiting, every transaction that writes facts: call it late in a short transaction.
    """
    wanted = set(facts)
    with transaction.atomic(), connection.cursor() as cursor:
        held = set(Read.objects.filter(reader=reader, stage=stage).values_list("fact", flat=True))
        if wanted - held:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [READS_LOCK])
        Read.objects.filter(reader=reader, stage=stage, fact__in=held - wanted).delete()
        Read.objects.bulk_create(
            [Read(fact=fact, stage=stage, reader=reader) for fact in sorted(wanted - held)], ignore_conflicts=True
        )


def drop_reads(reader: str) -> None:
    """Forget everything a reader reads."""
    Read.objects.filter(reader=reader).delete()


def _row(change: NewChange, stage: int) -> dict[str, object]:
    return {
        "c": change.contact_id,
        "f": change.fact,
        "cause": change.cause,
        "ref": change.ref,
        "at": change.at.isoformat(),
        "fires": change.fires,
        "lane": change.lane,
        "stage": stage,
        **({"detail": json.loads(change.detail)} if change.detail else {}),
    }
