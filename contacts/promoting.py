"""Choosing the property whose number stands in the value column of an event name's events, old and new alike.

Criteria read the column only while `value_property` names their property. A change therefore empties that at once, so
that criteria read the document, which is right and slower; arriving events are written by the new choice, those stored
already are rewritten, and when every one of them is right the name says so.
"""

from contacts import working
from contacts.models import EventName
from contacts.storing import run
from contacts.working import STANDING
from workspace import clock
from workspace.audit import Actor
from workspace.models import Job
from workspace.problems import refuse

KIND = "event.value"
CHUNK = 5000
_CHUNK = """
SELECT id, at FROM contacts_event WHERE name_id = %s AND (at, id) > (%s::timestamptz, %s) ORDER BY at, id LIMIT %s
"""
_REWRITE = """
UPDATE contacts_event e SET value = n.value FROM (
    SELECT f.id, f.at, CASE WHEN jsonb_typeof(f.properties -> %s) = 'number' THEN (f.properties ->> %s)::numeric END AS value
    FROM contacts_event f WHERE f.name_id = %s AND (f.at, f.id) > (%s::timestamptz, %s) AND (f.at, f.id) <= (%s, %s)
) n WHERE e.id = n.id AND e.at = n.at AND e.value IS DISTINCT FROM n.value
"""


def choose(name: EventName, promoted: str, *, actor: Actor) -> None:
    """Let a property be the value of an event name, whose row the caller holds; "" for none."""
    refuse_unless_number(name, promoted)
    running = Job.objects.filter(kind=KIND, status__in=STANDING, request__name=str(name.pk))
    running.update(status=Job.Status.CANCELLED, cancel_requested=True, ended_at=clock.now())
    EventName.objects.filter(pk=name.pk).update(value_property="", promoting=promoted, chosen=True)
    name.value_property, name.promoting, name.chosen = "", promoted, True
    if promoted:
        request = {"name": str(name.pk), "property": promoted, "cursor": ["-infinity", 0]}
        working.begin(KIND, request, total=_count(name.pk), actor_id=actor.user_id)


def refuse_unless_number(name: EventName, promoted: str) -> None:
    """Refuse what is no number that arrived with the event; "" is none."""
    if promoted and (name.properties.get(promoted) != "number" or "." in promoted):
        words = f"{name.name} has no number called “{promoted[:60]}”. Choose one of {_numbers(name)}."
        raise refuse("value_property", words)


def _numbers(name: EventName) -> str:
    known = sorted(key for key, kind in name.properties.items() if kind == "number" and "." not in key)
    return ", ".join(known[:20]) or "none: no number has arrived with it yet"


def _count(name_id: int) -> int:
    return int(run("SELECT count(*) FROM contacts_event WHERE name_id = %s", [name_id])[0][0])


def step(job: Job) -> bool | None:
    """Rewrite the next events of the name, once nobody goes by its former value any more."""
    name_id, promoted = int(job.request["name"]), job.request["property"]
    if not working.others_ended(job):
        return None
    at, pk = job.request["cursor"]
    rows = run(_CHUNK, [name_id, at, pk, CHUNK])
    if rows:
        last_id, last_at = rows[-1]
        run("SELECT set_config('tributary.erasing', 'on', true)")
        run(_REWRITE, [promoted, promoted, name_id, at, pk, last_at, last_id])
        run("SELECT set_config('tributary.erasing', '', true)")
        job.done += len(rows)
        job.request = {**job.request, "cursor": [last_at.isoformat(), last_id]}
    if len(rows) == CHUNK:
        return False
    EventName.objects.filter(pk=name_id, promoting=promoted).update(value_property=promoted, promoting="")
    return True


working.register(KIND, step)
