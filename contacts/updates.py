"""Changing attributes of many contacts at once, as flows and people do: set, clear, increment, append."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from contacts import storing
from contacts.changes import NewChange, note, turned
from contacts.documents import DERIVED, WRITABLE
from contacts.learning import is_number, learn_attributes
from contacts.live import poke_soon
from contacts.locking import load, lock_standing
from contacts.people import Person
from contacts.properties import CUSTOM, is_custom
from contacts.traits import read_traits
from contacts.types import as_type
from workspace.doorbell import ring_on_commit
from workspace.problems import Fault, Refused

OPERATIONS = ("set", "clear", "increment", "append")


def faults_of(changes: Sequence[Mapping[str, Any]], path: str = "changes") -> list[Fault]:
    """Return what is wrong with a list of changes: each names an attribute and one thing to do with it."""
    faults = []
    for index, change in enumerate(changes):
        here = f"{path}[{index}]"
        name = change.get("attribute")
        done = [one for one in OPERATIONS if one in change]
        if not isinstance(name, str) or not (name in WRITABLE or is_custom(name)):
            faults.append(Fault(f"{here}.attribute", _why_not(name)))
        elif len(done) != 1 or set(change) - {"attribute", *done}:
            faults.append(Fault(here, "Say exactly one of set, clear, increment or append."))
        elif done[0] == "increment" and not is_number(change["increment"]):
            faults.append(Fault(f"{here}.increment", "Increment by a number."))
        elif done[0] in ("increment", "append") and not is_custom(name):
            faults.append(Fault(f"{here}.{done[0]}", f"{name} is a text; it can only be set or cleared."))
        elif done[0] == "set" and name in WRITABLE:
            faults += _faults_of_value(name, change["set"], f"{here}.set")
    return faults


def _why_not(name: object) -> str:
    if name in DERIVED:
        return f"{name} is derived and cannot be written."
    return 'Name an attribute: a standard one such as "city", or your own such as "customProperties.plan".'


def _faults_of_value(name: str, value: Any, path: str) -> list[Fault]:
    try:
        read_traits({name: value}, trusted=True, path="")
    except Refused as error:
        return [Fault(path, one.message) for one in error.faults]
    return []


@transaction.atomic
def update_attributes(
    contact_ids: Collection[int], changes: Sequence[Mapping[str, Any]], *, cause: str, at: datetime, fires: bool = True
) -> int:
    """Do these changes to each of these contacts, set by set, and return how many contacts changed.

    Contacts merged or erased meanwhile are left alone; a change older than what was said of the attribute is too.
    """
    if faults := faults_of(changes):
        raise Refused(faults[0].message, faults)
    return _update(dict.fromkeys(contact_ids, changes), changes, cause, at, fires)


@transaction.atomic
def update_each(
    wanted: Mapping[int, Sequence[Mapping[str, Any]]], *, cause: str, at: datetime, fires: bool = True
) -> int:
    """Do to each contact changes of its own, all in the same few statements; return how many contacts changed."""
    changes = [one for those in wanted.values() for one in those]
    if faults := faults_of(changes):
        raise Refused(faults[0].message, faults)
    return _update(wanted, changes, cause, at, fires)


def _update(
    wanted: Mapping[int, Sequence[Mapping[str, Any]]],
    changes: Sequence[Mapping[str, Any]],
    cause: str,
    at: datetime,
    fires: bool,
) -> int:
    people = [Person(pk, user_id) for pk, user_id in lock_standing(list(wanted))]
    load(people)
    types = learn_attributes([{_top(one): one.get("set")} for one in changes if is_custom(one["attribute"])])
    for person in people:
        for change in wanted[person.id]:
            _change(person, _by_standing_name(change, types.joined), types.declared, at)
    storing.store_people(people)
    storing.store_moments(people, types.all)
    facts = [(one, name) for one in people for name in one.changed]
    turns = [change for one in people for change in turned(one.id, one.turns, cause=cause, fires=fires)]
    note([*(NewChange(one.id, f"attribute:{name}", cause, at=at, fires=fires) for one, name in facts), *turns])
    ring_on_commit("attend")
    transaction.on_commit(poke_soon)
    return sum(1 for one in people if one.changed)


def _top(change: Mapping[str, Any]) -> str:
    return str(change["attribute"]).removeprefix(CUSTOM).partition(".")[0]


def _by_standing_name(change: Mapping[str, Any], joined: Mapping[str, str]) -> Mapping[str, Any]:
    """Let a change by a name that was joined into another be one of that."""
    top = _top(change)
    if not is_custom(change["attribute"]) or top not in joined:
        return change
    return {**change, "attribute": CUSTOM + joined[top] + change["attribute"].removeprefix(CUSTOM + top)}


def _standard(change: Mapping[str, Any]) -> Any:
    name = change["attribute"]
    return None if "clear" in change else read_traits({name: change["set"]}, trusted=True, path="").standard.get(name)


def _change(person: Person, change: Mapping[str, Any], declared: dict[str, str], at: datetime) -> None:
    name = change["attribute"]
    if name in WRITABLE:
        person.say(name, _standard(change), at)
        return
    path = name.removeprefix(CUSTOM).split(".")
    value = _changed(_at(person.attributes, path), change, declared.get(".".join(path)))
    top = path[0]
    whole = value if len(path) == 1 else _laid(person.attributes.get(top), path[1:], value)
    person.say(CUSTOM + top, whole, at)


def _at(attributes: Any, path: Sequence[str]) -> Any:
    for part in path:
        attributes = attributes.get(part) if isinstance(attributes, dict) else None
    return attributes


def _laid(held: Any, path: Sequence[str], value: Any) -> dict[str, Any]:
    """Return an object with the value at a path below it, the rest as it was."""
    copy = dict(held) if isinstance(held, dict) else {}
    inner = value if len(path) == 1 else _laid(copy.get(path[0]), path[1:], value)
    if inner is None:
        copy.pop(path[0], None)
    else:
        copy[path[0]] = inner
    return copy


def _changed(held: Any, change: Mapping[str, Any], declared: str | None) -> Any:
    """Return the new value; what is no number counts as 0 when incremented, what is no list is replaced by one."""
    if "set" in change:
        return as_type(change["set"], declared)
    if "increment" in change:
        return (held if is_number(held) else 0) + change["increment"]
    if "append" in change:
        items = held if isinstance(held, list) else []
        return items if change["append"] in items else [*items, change["append"]]
    return None
