"""The one way in for facts: items of the Segment spec, stored set by set in one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.db import OperationalError, connection, transaction
from psycopg import errors

from contacts import consents, storing
from contacts.changes import NewChange, ask_facts, facts_read, queue, turned
from contacts.learning import Known, Types, ask_names, is_number, learn_attributes, learn_names
from contacts.live import poke_soon
from contacts.locking import Stale, created, load, lock
from contacts.merging import join_attributes, join_rows
from contacts.people import Person
from contacts.resolution import Directory, ask_holders, ask_ids, resolve
from contacts.spec import Item, Source, read_item
from contacts.storing import NewEvent
from workspace import clean, doorbell
from workspace.crash import crashpoint
from workspace.problems import Fault, Refused
from workspace.trips import Answer, together

__all__ = ["Source", "Taken", "take", "take_in"]

TRIES = 5
HERE = ("identify", "track", "page", "screen")
T = TypeVar("T")


@dataclass(slots=True)
class Taken:
    """What became of a call: per item its fault, or the contact it was about (None for a repeat or dropped item)."""

    faults: list[Fault | None]
    contact_ids: list[int | None]
    cursor: int = 0  # the last Change written: segments and flows are through when none at or before it waits
    stored: int = 0


@dataclass(slots=True)
class Batch:
    """The good items of a call on their way into the database."""

    items: list[Item]
    source: Source
    given: datetime | None  # when they were received; None: the database says
    lane: int
    fires: bool
    received_at: datetime = field(init=False)
    known: dict[str, Known] = field(default_factory=dict)
    holders: dict[str, Answer] = field(default_factory=dict)
    event_ids: list[int] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    directory: Directory = field(default_factory=Directory)
    changes: list[NewChange] = field(default_factory=list)

    def everyone(self) -> list[Person]:
        """Return each contact of the batch once, merged ones too when they stand in the database."""
        told = {person.id: person for person in self.people}
        joined = [person for person in told.values() if person.merged_into]
        for one in joined + [loser for loser, _ in self.directory.merges]:
            told[one.id] = one
            told[one.winner().id] = one.winner()
        return [one for one in told.values() if not (one.new and one.merged_into)]


def take(
    items: Sequence[Mapping[str, Any]], *, source: Source, received_at: datetime, lane: int = 0, fires: bool = True
) -> list[Fault | None]:
    """Store items, all or nothing per item, and return per item the fault that kept it out, or None."""
    return take_in(items, source=source, received_at=received_at, lane=lane, fires=fires).faults


def take_in(
    items: Sequence[Mapping[str, Any]],
    *,
    source: Source,
    received_at: datetime | None = None,
    lane: int = 0,
    fires: bool = True,
    proven: bool = False,
) -> Taken:
    """Do as `take` does, and tell also whom each item was about and how far the queue of Changes has come.

    They are received when the database takes them, unless an instant is given. `proven`: the gate has seen that all
    items are clean.
    """
    taken = Taken([None] * len(items), [None] * len(items))
    read = list(_read(items, source, taken.faults, proven))
    if received_at is not None:
        for item in read:
            item.arrive(received_at)
    store(read, taken, source=source, received_at=received_at, lane=lane, fires=fires)
    return taken


def store(
    items: list[Item], taken: Taken, *, source: Source, received_at: datetime | None, lane: int = 0, fires: bool = True
) -> None:
    """Store items that have been read, and have arrived at an instant or, without one, arrive now.

    What becomes of each is written into `taken` by its index.
    """
    if items:
        with_retry(lambda: _store(Batch(list(items), source, received_at, lane, fires), taken))


def _read(
    items: Sequence[Mapping[str, Any]],
    source: Source,
    faults: list[Fault | None],
    proven: bool,
) -> Iterable[Item]:
    for index, item in enumerate(items):
        try:
            if not proven:
                clean.check(item)
            yield read_item(item, index=index, source=source)
        except clean.Unclean as error:
            faults[index] = Fault(error.path, error.message)
        except Refused as error:
            faults[index] = error.faults[0]


def with_retry(work: Callable[[], T]) -> T:
    """Run a transaction, again from the start when it met another one's locks; inside another there is one try."""
    for _ in range(1 if connection.in_atomic_block else TRIES - 1):
        try:
            with transaction.atomic():
                return work()
        except OperationalError as error:
            if connection.in_atomic_block or not isinstance(
                error.__cause__, errors.DeadlockDetected | errors.SerializationFailure
            ):
                raise
    with transaction.atomic():
        return work()


def _store(batch: Batch, taken: Taken) -> None:
    """Write one batch; everything here is in one transaction."""
    _accept(batch)
    if not batch.items:
        return
    _find(batch)
    _refuse(batch, taken)
    _hear(batch)
    _record(batch)
    ids = queue(batch.changes, read=_write(batch))
    taken.stored, taken.cursor = len(batch.items), max(ids, default=0)
    for item, person in zip(batch.items, batch.people, strict=True):
        taken.contact_ids[item.index] = person.winner().id
    crashpoint("before_ingest_commit")
    transaction.on_commit(lambda: _tell(bool(ids)))


def _accept(batch: Batch) -> None:
    """Keep the items whose message id is new and whose event name is not blocked."""
    first = {item.message_id: item for item in reversed(batch.items)}
    with together():
        accepted = storing.ask_accept(batch.source.name, first, batch.given)
        names, batch.holders = ask_names(batch.items), ask_holders(batch.items)
        ids = ask_ids("contacts_event", sum(1 for item in batch.items if item.event))
    batch.received_at, fresh = storing.accepted(accepted)
    if batch.given is None:
        for item in batch.items:
            item.arrive(batch.received_at)
    batch.event_ids = sorted([row[0] for row in ids.rows()])
    batch.items = [item for item in batch.items if item.message_id in fresh and first[item.message_id] is item]
    batch.known = learn_names(batch.items, batch.received_at, names)
    batch.items = [item for item in batch.items if not (item.event and batch.known[item.event].blocked)]


def _find(batch: Batch) -> None:
    """Find or make everyone's contact and lock what is known of them."""
    asked: dict[str, Answer] | None = batch.holders
    for _ in range(TRIES):
        batch.people, batch.directory = resolve(batch.items, public=batch.source.public, asked=asked)
        try:
            _lock(batch)
        except Stale:
            asked = None
            continue
        return
    raise OperationalError("These contacts are being merged by others; try again.")


def _lock(batch: Batch) -> None:
    """Lock rows that will be written against writers, the others against being merged away; read the former."""
    everyone = batch.everyone()
    if batch.directory.merges:
        lock(everyone, strength="UPDATE")
        load(everyone)
        return
    told = {person.id for item, person in zip(batch.items, batch.people, strict=True) if item.traits is not None}
    written = [one for one in everyone if one.touched or one.id in told]
    lock(written, strength="NO KEY UPDATE")
    lock((one for one in everyone if not (one.touched or one.id in told)), strength="KEY SHARE")
    load(written)


def _refuse(batch: Batch, taken: Taken) -> None:
    """Take out the items that resolution refused, receipts and all."""
    refused = batch.directory.refused
    if not refused:
        return
    gone = [item.message_id for item in batch.items if item.index in refused]
    storing.run("DELETE FROM contacts_receipt WHERE source = %s AND message_id = ANY(%s)", [batch.source.name, gone])
    for index, why in refused.items():
        taken.faults[index] = Fault("userId", why)
    kept = [(i, p) for i, p in zip(batch.items, batch.people, strict=True) if i.index not in refused]
    batch.items, batch.people = [i for i, _ in kept], [p for _, p in kept]


def _hear(batch: Batch) -> None:
    """Lay what the items say over their contacts, in memory."""
    created(batch.everyone(), batch.received_at)
    types = _learn(batch)
    join_attributes(batch.directory.merges)
    for item, person in zip(batch.items, batch.people, strict=True):
        standing = person.winner()
        if item.traits is not None:
            standing.hear(item.traits, item.at, types.declared, types.joined)
        if batch.source.seen and item.kind in HERE:
            standing.see(item.at)
    everyone = batch.everyone()
    storing.store_people(everyone)
    storing.store_moments(everyone, types.all)
    batch.changes += join_rows(batch.directory.merges, batch.received_at)


def _learn(batch: Batch) -> Types:
    said: list[dict[str, Any]] = []
    for item in batch.items:
        if item.traits is not None:
            said.append(item.traits.custom if item.traits.group is None else {"group": item.traits.group})
    return learn_attributes(said) if said else Types({}, {})


def _record(batch: Batch) -> None:
    evidence = _evidence(batch)
    consents.record(evidence)
    batch.changes += consents.changes_of(evidence, fires=batch.fires, lane=batch.lane)


def _write(batch: Batch) -> dict[str, int]:
    """Write events and when contacts were last heard of, and add the Changes of facts that somebody reads.

    Returns those facts with their stages; only what is read is made.
    """
    told = [(i, p) for i, p in zip(batch.items, batch.people, strict=True) if i.event]
    events = [_event(pk, item, person, batch) for pk, (item, person) in zip(batch.event_ids, told, strict=False)]
    standing = [one for one in batch.everyone() if one.merged_into is None]
    facts = _facts(batch, standing)
    with together():
        storing.store_events(events, source=batch.source.name, received_at=batch.received_at)
        storing.store_activity(standing)
        asked = ask_facts(facts)
    if read := facts_read(facts, asked):
        batch.changes += _changes(batch, events, standing, read)
    return read


def _event(new_id: int, item: Item, person: Person, batch: Batch) -> NewEvent:
    known = batch.known[item.event]
    value = item.properties.get(known.value_property) if known.value_property else None
    return NewEvent(
        id=new_id,
        contact_id=person.winner().id,
        name=item.event,
        name_id=known.id,
        at=item.at,
        occurred_at=item.occurred_at,
        message_id=item.message_id,
        value=value if is_number(value) else None,
        properties=item.properties,
    )


def _evidence(batch: Batch) -> list[consents.Evidence]:
    """Return what traits say of consent, where that is news; an import never raises it over an unsubscribe."""
    said = [
        consents.Evidence(
            person.winner().id,
            channel,
            consents.SUBSCRIBED if yes else consents.UNSUBSCRIBED,
            batch.source.name,
            item.at,
        )
        for item, person in zip(batch.items, batch.people, strict=True)
        if item.traits is not None
        for channel, yes in item.traits.consents.items()
    ]
    if not said:
        return []
    standing = consents.standing([one.contact_id for one in said])
    news = []
    for one in said:
        held = standing.get((one.contact_id, one.channel, ""))
        if held == one.status or (batch.source.importing and held == consents.UNSUBSCRIBED):
            continue
        standing[one.contact_id, one.channel, ""] = one.status
        news.append(one)
    return news


def _facts(batch: Batch, standing: list[Person]) -> set[str]:
    """Return every fact that the batch changes, for any contact."""
    facts = {one.fact for one in batch.changes} | {f"event:{name}" for name in batch.known}
    for one in standing:
        if one.changed or one.new:
            facts.update(fact for fact, _ in _said(one, batch))
            facts.update(f"changed:{turn[0]}" for turn in one.turns)
    return facts | {"attribute:lastSeenAt"} if batch.source.seen else facts


def _changes(
    batch: Batch, events: list[NewEvent], standing: list[Person], read: Mapping[str, int]
) -> Iterable[NewChange]:
    """Make the Changes of facts that are read: of events by their ids, of what contacts are by theirs."""
    cause, fires, lane = "import" if batch.source.importing else "data", batch.fires, batch.lane
    for event in events:
        if (fact := f"event:{event.name}") in read:
            yield NewChange(event.contact_id, fact, "data", event.id, at=event.at, fires=fires, lane=lane)
    for one in standing:
        for fact, at in _said(one, batch):
            if fact in read:
                yield NewChange(one.id, fact, cause, at=at, fires=fires, lane=lane)
    for one in standing:
        turns = [turn for turn in one.turns if f"changed:{turn[0]}" in read]
        yield from turned(one.id, turns, cause=cause, fires=fires, lane=lane)


def _said(person: Person, batch: Batch) -> Iterable[tuple[str, datetime]]:
    """Return which facts of a contact changed, and when."""
    for name, at in person.changed.items():
        yield f"attribute:{name}", at
    if person.new:
        yield "contact", batch.received_at
    if person.seen_at:
        yield "attribute:lastSeenAt", person.seen_at


def _tell(changed: bool) -> None:
    if changed:
        doorbell.ring("attend")
    poke_soon()
