"""Finding and making the contacts that a batch speaks of: a few statements, however large the batch."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import connection

from contacts.addresses import key_of_email
from contacts.models import Identity as IdentityRow
from contacts.people import Identity, Person
from contacts.spec import Item
from workspace.trips import Answer, array, ask, together

USER, ANONYMOUS = IdentityRow.Kind.USER.value, IdentityRow.Kind.ANONYMOUS.value
STRIPES = 128  # locks that makers of contacts share; few enough for many batches to fit the lock table
STRIPE_LOCK = 41_207


@dataclass
class Directory:
    """Who answers to which identity or address, as far as the batch asks."""

    people: dict[int, Person] = field(default_factory=dict)
    by_identity: dict[Identity, Person] = field(default_factory=dict)
    by_address: dict[Identity, Person] = field(default_factory=dict)
    merges: list[tuple[Person, Person]] = field(default_factory=list)  # loser, winner
    fresh_ids: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)  # index of an item → why it cannot be

    def person(self, contact_id: int, user_id: str) -> Person:
        """Return the one Person of a contact, with the user id just read."""
        if (known := self.people.get(contact_id)) is None:
            known = self.people[contact_id] = Person(contact_id)
        known.user_id = user_id
        return known


def identities_of(item: Item) -> list[Identity]:
    """Return the identities that an item names."""
    named = [(USER, item.user_id)] if item.user_id else []
    if item.anonymous_id:
        named.append((ANONYMOUS, item.anonymous_id))
    if item.previous_id:
        named += [(ANONYMOUS, item.previous_id), (USER, item.previous_id)]
    return named


def addresses_of(item: Item) -> list[Identity]:
    """Return the addresses by which an item may find its contact: none once a user id is given."""
    if item.user_id or item.traits is None or item.contact_id or item.make:
        return []
    said = item.traits.standard
    email, phone = said.get("email"), said.get("phone")
    found = [("email", key_of_email(email))] if email else []
    return [*found, ("sms", phone)] if phone else found


def resolve(
    items: Sequence[Item], *, public: bool, asked: dict[str, Answer] | None = None
) -> tuple[list[Person], Directory]:
    """Return the contact of each item, making, naming and joining contacts in memory as the items say.

    `asked`: an answer of ask_holders for at least these items.
    """
    directory = Directory()
    _look_up(directory, items, public, asked or ask_holders(items))
    if opening := [item for item in items if _opens(item, directory)]:
        with together():
            _lock_stripes(opening, public)
            held, ids = ask_holders(opening), ask_ids("contacts_contact", len(opening))
        _look_up(directory, opening, public, held)
        directory.fresh_ids = sorted([row[0] for row in ids.rows()])
    return [_settle(item, directory, public) for item in items], directory


def ask_ids(table: str, count: int) -> Answer:
    """Ask for so many ids of a table's sequence."""
    return ask("SELECT nextval(%s::regclass) FROM generate_series(1, %s::int)", [f"{table}_id_seq", count])


def allocate(table: str, count: int) -> list[int]:
    """Take so many ids of a table's sequence, in order."""
    return sorted([row[0] for row in ask_ids(table, count).rows()]) if count else []


def _opens(item: Item, directory: Directory) -> bool:
    """Tell whether an item needs more than the contact that its identities already name."""
    if item.previous_id:
        return True
    if item.contact_id and not item.user_id:
        return False
    found = [directory.by_identity.get(one) for one in identities_of(item)]
    if not found or None in found:
        return True
    return found[0] is not found[-1] and not (found[-1] and found[-1].user_id)


def ask_holders(items: Iterable[Item]) -> dict[str, Answer]:
    """Ask who holds the identities that items name."""
    named = {one for item in items for one in identities_of(item)}
    values = {kind: [value for named_as, value in named if named_as == kind] for kind in _HOLDERS}
    return {kind: ask(_HOLDERS[kind], [array(asked)]) for kind, asked in values.items() if asked}


def _look_up(directory: Directory, items: Sequence[Item], public: bool, asked: dict[str, Answer]) -> None:
    """Read who holds the names and addresses of items into the directory."""
    for kind, answer in asked.items():
        for value, contact_id, user_id in answer.rows():
            directory.by_identity[kind, value] = directory.person(contact_id, user_id)
    _look_up_ids(directory, {item.contact_id for item in items if item.contact_id})
    if not public:
        _look_up_addresses(directory, {one for item in items if item.traits for one in addresses_of(item)})


# Kind of identity → who has those that are asked for. A contact has one user id at most, so it need not be read.
_HOLDERS = {
    USER: "SELECT value, contact_id, value FROM contacts_identity WHERE kind = 'user' AND value = ANY(%s::text[])",
    ANONYMOUS: """SELECT i.value, c.id, coalesce(c.user_id, '') FROM contacts_identity i
        JOIN contacts_contact c ON c.id = i.contact_id WHERE i.kind = 'anonymous' AND i.value = ANY(%s::text[])""",
}


def _look_up_ids(directory: Directory, contact_ids: set[int]) -> None:
    if not contact_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, coalesce(user_id, '') FROM contacts_contact WHERE id = ANY(%s)", [list(contact_ids)])
        for contact_id, user_id in cursor.fetchall():
            directory.person(contact_id, user_id)


def _look_up_addresses(directory: Directory, addresses: set[Identity]) -> None:
    """Find the oldest contact of each address."""
    if not addresses:
        return
    channels, values = zip(*addresses, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT DISTINCT ON (a.channel, a.value) a.channel, a.value, c.id, coalesce(c.user_id, '')
               FROM unnest(%s::text[], %s::text[]) AS asked(channel, value)
               JOIN contacts_address a ON a.channel = asked.channel AND a.value = asked.value
               JOIN contacts_contact c ON c.id = a.contact_id AND c.merged_into_id IS NULL AND c.erased_at IS NULL
               ORDER BY a.channel, a.value, c.id""",
            [list(channels), list(values)],
        )
        for channel, value, contact_id, user_id in cursor.fetchall():
            directory.by_address[channel, value] = directory.person(contact_id, user_id)


def _lock_stripes(items: Sequence[Item], public: bool) -> None:
    """Let one batch at a time make or join contacts of the same names, in one order for all."""
    named: set[Identity] = {one for item in items for one in identities_of(item)}
    if not public:
        named |= {one for item in items for one in addresses_of(item)}
        # An item with a user id is not found by its email, but makes a contact that others are then found by.
        named |= {
            ("email", key_of_email(e)) for item in items if item.traits and (e := item.traits.standard.get("email"))
        }
    ask(
        "SELECT pg_advisory_xact_lock(%s::int, s) FROM (SELECT unnest(%s::int[]) s ORDER BY 1) q",
        [STRIPE_LOCK, array(sorted({_stripe(one) for one in named}))],
    )


def _stripe(identity: Identity) -> int:
    return hashlib.blake2b("\x1f".join(identity).encode(), digest_size=2).digest()[0] % STRIPES


def _settle(item: Item, directory: Directory, public: bool) -> Person:
    """Decide whom one item is about."""
    if item.previous_id:
        return _join_alias(item, directory)
    if item.contact_id:
        return _known(item, directory)
    user = directory.by_identity.get((USER, item.user_id)) if item.user_id else None
    anonymous = directory.by_identity.get((ANONYMOUS, item.anonymous_id)) if item.anonymous_id else None
    user, anonymous = user and user.winner(), anonymous and anonymous.winner()
    person = user or _nameless(anonymous, item) or _by_address(item, directory, public) or _make(directory)
    _list_addresses(item, person, directory)
    if item.user_id and user is None:
        _name(person, (USER, item.user_id), directory)
    if item.anonymous_id and anonymous is None:
        _name(person, (ANONYMOUS, item.anonymous_id), directory)
    elif anonymous is not None and anonymous is not person and not anonymous.user_id:
        _merge(anonymous, person, directory)
    return person


def _known(item: Item, directory: Directory) -> Person:
    """Return the contact that the caller named by its number, giving it the user id it lacked."""
    person = directory.people[item.contact_id or 0]
    holder = directory.by_identity.get((USER, item.user_id)) if item.user_id else person
    if holder is None and not person.user_id:
        _name(person, (USER, item.user_id), directory)
    elif holder is not person:
        directory.refused[item.index] = f'The user id "{item.user_id}" cannot be given to this contact.'
    return person


def _nameless(anonymous: Person | None, item: Item) -> Person | None:
    """Return the contact of the anonymous id, unless it already has a user id and the item names another."""
    if anonymous is None or (item.user_id and anonymous.user_id):
        return None
    return anonymous


def _by_address(item: Item, directory: Directory, public: bool) -> Person | None:
    if public:
        return None
    for address in addresses_of(item):
        if found := directory.by_address.get(address):
            return found.winner()
    return None


def _list_addresses(item: Item, person: Person, directory: Directory) -> None:
    """Let later items of the batch find the contact by the addresses that this one says."""
    said = item.traits.standard if item.traits else {}
    if email := said.get("email"):
        directory.by_address.setdefault(("email", key_of_email(email)), person)
    if phone := said.get("phone"):
        directory.by_address.setdefault(("sms", phone), person)


def _make(directory: Directory) -> Person:
    person = Person(directory.fresh_ids.pop(0), new=True, loaded=True)
    directory.people[person.id] = person
    return person


def _name(person: Person, identity: Identity, directory: Directory) -> None:
    person.identities.append(identity)
    directory.by_identity[identity] = person
    if identity[0] == USER:
        person.user_id = identity[1]
        person.touched = True


def _merge(loser: Person, winner: Person, directory: Directory) -> None:
    loser.merged_into = winner
    if loser.new:  # was never stored: its names simply go over
        winner.identities += loser.identities
        directory.people.pop(loser.id)
    else:
        directory.merges.append((loser, winner))


def _join_alias(item: Item, directory: Directory) -> Person:
    """Join what a previous id names to the user id; two user ids are never merged by a call."""
    user = directory.by_identity.get((USER, item.user_id))
    previous = directory.by_identity.get((ANONYMOUS, item.previous_id))
    other = directory.by_identity.get((USER, item.previous_id))
    user, previous = user and user.winner(), previous and previous.winner()
    if other is not None and other.winner() is not user:
        directory.refused[item.index] = "previousId is another user id; two user ids are never merged by a call."
        return other.winner()
    person = user or (previous if previous and not previous.user_id else None) or _make(directory)
    if user is None:
        _name(person, (USER, item.user_id), directory)
    if previous is None and other is None:
        _name(person, (ANONYMOUS, item.previous_id), directory)
    elif previous is not None and previous is not person and not previous.user_id:
        _merge(previous, person, directory)
    return person
