"""Joining duplicates: the values of one attribute go over to another, and what arrives by its name is stored as that."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from contacts import readers, retyping, working
from contacts.changes import NewChange, note
from contacts.conversions import converted, find_moments
from contacts.live import poke_soon
from contacts.models import Attribute
from contacts.properties import CUSTOM, fact_of
from contacts.readers import Reader
from contacts.storing import run
from workspace import clock
from workspace.audit import Actor
from workspace.doorbell import ring_on_commit
from workspace.models import Job
from workspace.problems import Refused, refuse

KIND = "attribute.join"
CHUNK = 2000
BACKLOG = 5


def alike(names: Iterable[str]) -> dict[str, list[str]]:
    """Return name → the other names that are equal but for case, blanks, dashes and underscores."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[folded(name)].append(name)
    return {
        name: [one for one in group if one != name] for group in groups.values() if len(group) > 1 for name in group
    }


def folded(name: str) -> str:
    """Write a name as it is compared with others that may mean the same."""
    return "".join(sign for sign in name.casefold() if sign not in " _-")


def begin(source: Attribute, target: Attribute, *, actor: Actor) -> Job:
    """Join an attribute, whose row the caller holds as the other's, into another; refused while criteria name it."""
    _refuse(source, target)
    source.joined_into, source.hidden = target, True
    source.save(update_fields=["joined_into", "hidden"])
    Attribute.objects.filter(joined_into=source).update(joined_into=target)
    request = {"attribute": source.pk, "name": source.name, "into": target.name, "cursor": 0}
    total = run("SELECT count(*) FROM contacts_contact WHERE attributes ? %s", [source.name])[0][0]
    return working.begin(KIND, request, total=total, actor_id=actor.user_id)


def _refuse(source: Attribute, target: Attribute) -> None:
    if source.pk == target.pk:
        raise refuse("into", "An attribute is not joined into itself. Name another.")
    for one in (source, target):
        if "." in one.name or Attribute.objects.filter(name__startswith=f"{one.name}.").exists():
            raise refuse(
                "into", f"{one.name} stands within a group of others or is one; only single values are joined.", 409
            )
        retyping.refuse_busy(one)
    users = readers.readers_of(fact_of(CUSTOM + source.name))
    if users:
        raise Refused(_in_use(source, target, users), status=409)


def _in_use(source: Attribute, target: Attribute, users: Sequence[Reader]) -> str:
    named = ", ".join(one.label for one in users[:10]) + (f" and {len(users) - 10} more" if len(users) > 10 else "")
    return f"{source.name} is named by {named}. Let them name {target.name} first; then join."


def under_way(target: Attribute) -> Job | None:
    """Return the joining of an attribute that is not through yet."""
    return working.standing(KIND, attribute=target.pk)


def cancel(source: Attribute) -> bool:
    """Ask a joining to stop: what went over stays there, the rest stays under its name, which stands by itself again."""
    job = under_way(source)
    return bool(job and Job.objects.filter(pk=job.pk).update(cancel_requested=True))


def _stop(job: Job) -> bool:
    Attribute.objects.filter(pk=job.request["attribute"]).update(joined_into=None, hidden=False)
    poke_soon()
    return True


_HOLD = "SELECT id FROM contacts_contact WHERE id > %s AND attributes ? %s ORDER BY id LIMIT %s FOR NO KEY UPDATE"
_MOVE = """
WITH held AS MATERIALIZED (
    SELECT id, v, w, v_at, w_at, v_at > w_at OR (w IS NULL AND v_at = w_at) AS newer FROM (
        SELECT id, attributes -> %s AS v, attributes -> %s AS w, coalesce(attributes_at ->> %s, '') AS v_at,
            coalesce(attributes_at ->> %s, '') AS w_at FROM contacts_contact WHERE id = ANY(%s) OFFSET 0
    ) x
)
UPDATE contacts_contact c SET
    attributes = (c.attributes - %s::text) || CASE WHEN held.newer THEN jsonb_build_object(%s::text, {converted}) ELSE '{{}}' END,
    attributes_at = (c.attributes_at - %s::text)
        || CASE WHEN greatest(held.v_at, held.w_at) = '' THEN '{{}}' ELSE jsonb_build_object(%s::text, greatest(held.v_at, held.w_at)) END
FROM held WHERE c.id = held.id
RETURNING c.id, held.newer AND c.attributes -> %s IS DISTINCT FROM held.w
"""


def step(job: Job) -> bool | None:
    """Move the next values; a second time for those that came by the old name while nobody knew it as one."""
    if job.cancel_requested:
        return _stop(job)
    name, into = job.request["name"], job.request["into"]
    ids = [row[0] for row in run(_HOLD, [job.request["cursor"], name, CHUNK])]
    if ids:
        _move(ids, name, into)
        job.done = min(job.total, job.done + len(ids))
        job.request = {**job.request, "cursor": ids[-1]}
        return False
    if not job.request.get("again"):
        if not working.others_ended(job):
            return None
        job.request = {**job.request, "cursor": 0, "again": True}
        return False
    find_moments(name, "text")
    job.done = job.total
    return True


def _move(ids: list[int], name: str, into: str) -> None:
    target = Attribute.objects.get(name=into)
    said = converted(target.type, "held.v") if target.declared else "held.v"
    old, new = CUSTOM + name, CUSTOM + into
    parameters: list[Any] = [name, into, old, new, ids, name, into, old, new, into]
    rows = run(_MOVE.format(converted=said), parameters)
    changed = [pk for pk, differs in rows if differs]
    find_moments(into, target.type)
    at = clock.now()
    note([NewChange(pk, fact_of(new), "edited", at=at, fires=False, lane=BACKLOG) for pk in sorted(changed)])
    ring_on_commit("attend")
    poke_soon()


working.register(KIND, step)
