"""Changing the type of an attribute: seen before it is done, old meaning until all values are converted, mended after.

Values are converted first and the type changes last, so that each contact's answer goes from the old one to the new one
exactly once. A cancelled change puts back what it converted.
"""

# ruff: noqa: S608 - the texts put into statements are constants of contacts.conversions

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from contacts import readers, working
from contacts.conversions import CONVERTED, converted, find_moments, fits, reads
from contacts.counting import standing_count
from contacts.models import Attribute, Converted
from contacts.properties import CUSTOM, fact_of
from contacts.readers import Effect
from contacts.storing import run
from workspace.audit import Actor
from workspace.models import Job
from workspace.problems import refuse

KIND = "attribute.type"
FEW = 2000  # so many values are converted while the person waits
CHUNK = 2000
SAMPLED = 1_000_000  # above this a part of the contacts is counted and the whole estimated
SAMPLE = 200_000
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Preview:
    """What another type would mean for the values stored and for those who read them."""

    type: str
    fits: int
    converts: int
    wrong: int
    estimated: bool = False
    samples: list[str] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the wire form."""
        counts = {name: getattr(self, name) for name in ("type", "fits", "converts", "wrong", "estimated", "samples")}
        return {**counts, "segments": [one.as_json() for one in self.effects]}


def preview(attribute: Attribute, kind: str) -> Preview:
    """Say what a change of type would do, without doing any of it."""
    counts, estimated = _counted(attribute, kind)
    with transaction.atomic():
        if kind in CONVERTED and "." not in attribute.name:
            _as_if(attribute.name, kind)
        found = readers.effects(attribute.name, kind)
        run("DROP VIEW IF EXISTS pg_temp.contacts_contact")
    return Preview(kind, *counts, estimated, _samples(attribute, kind) if counts[2] else [], found)


_STANDING = "merged_into_id IS NULL AND erased_at IS NULL AND coalesce(attributes #>> %s::text[], '') <> ''"


def _counted(attribute: Attribute, kind: str) -> tuple[tuple[int, int, int], bool]:
    people = standing_count()
    share = min(1.0, SAMPLE / people) if people > SAMPLED else 1.0
    part = f"TABLESAMPLE SYSTEM ({share * 100:.4f})" if share < 1 else ""
    path = attribute.name.split(".")
    ((fit, convert, every),) = run(
        f"""SELECT count(*) FILTER (WHERE {fits(kind)}), count(*) FILTER (WHERE {_reads(attribute, kind)}), count(*)
            FROM (SELECT attributes #> %s::text[] AS v FROM contacts_contact {part} WHERE {_STANDING} OFFSET 0) x""",
        [path, path],
    )
    whole = (round(fit / share), round(convert / share), round((every - fit - convert) / share))
    return whole, share < 1


def _reads(attribute: Attribute, kind: str) -> str:
    return reads(kind) if "." not in attribute.name else "false"


def _samples(attribute: Attribute, kind: str) -> list[str]:
    """Return a few values that would match nothing; those of personal attributes are covered."""
    path = attribute.name.split(".")
    rows = run(
        f"""SELECT DISTINCT left(v::text, 60) FROM (
                SELECT v FROM (SELECT attributes #> %s::text[] AS v FROM contacts_contact WHERE {_STANDING} OFFSET 0) x
                WHERE NOT coalesce({fits(kind)}, false) AND NOT {_reads(attribute, kind)} LIMIT 200) y ORDER BY 1 LIMIT {SHOWN}""",
        [path, path],
    )
    return ["•••" for _ in rows] if attribute.personal else [row[0] for row in rows]


def _as_if(name: str, kind: str) -> None:
    """Let this transaction see contacts as if the values of an attribute had been converted; nobody is held up by it."""
    columns = [row[0] for row in run(
        """SELECT attname FROM pg_attribute WHERE attrelid = 'public.contacts_contact'::regclass AND attnum > 0
           AND NOT attisdropped ORDER BY attnum""")]  # fmt: skip
    (quoted,) = run("SELECT quote_literal(%s)", [name])[0]
    value = f"(attributes -> {quoted})"
    seen = f"CASE WHEN {reads(kind, value)} THEN attributes || jsonb_build_object({quoted}, {converted(kind, value)}) ELSE attributes END"
    said = ", ".join(f"{seen} AS attributes" if one == "attributes" else one for one in columns)
    run(f"CREATE TEMPORARY VIEW contacts_contact AS SELECT {said} FROM public.contacts_contact".replace("%", "%%"))


def begin(held: Attribute, kind: str, *, actor: Actor) -> Job:
    """Change the type of an attribute, whose row the caller holds: few values at once, many as work that can be stopped."""
    refuse_busy(held)
    request = {"attribute": held.pk, "name": held.name, "type": kind, "phase": "convert", "cursor": 0}
    total = run("SELECT count(*) FROM contacts_contact WHERE attributes ? %s", [_top(held)])[0][0]
    job = working.begin(KIND, request, total=total, actor_id=actor.user_id)
    if total <= FEW or kind not in CONVERTED or "." in held.name:
        _turn(job, held)
        job.status = Job.Status.RUNNING
        job.save()
    return job


def refuse_busy(held: Attribute) -> None:
    """Refuse to change an attribute that is being changed."""
    if held.joined_into_id:
        raise refuse("name", f"{held.name} was joined into {held.joined_into}; change that one.", 409)
    if under_way(held) is not None:
        raise refuse("type", f"The values of {held.name} are being converted. Wait for that, or cancel it.", 409)


def under_way(held: Attribute) -> Job | None:
    """Return the conversion of an attribute that is not through yet."""
    job = working.standing(KIND, attribute=held.pk)
    return job if job is not None and job.request["phase"] == "convert" else None


@transaction.atomic
def cancel(held: Attribute) -> bool:
    """Ask a conversion to stop and put back what it converted; False when there is none."""
    job = under_way(held)
    return bool(job and Job.objects.filter(pk=job.pk).update(cancel_requested=True))


def _top(held: Attribute) -> str:
    return held.name.partition(".")[0]


def step(job: Job) -> bool | None:
    """Convert the next values; then change the type; then look after those who wrote by the old type meanwhile."""
    phase = job.request["phase"]
    if phase == "convert":
        if job.cancel_requested:
            return _put_back(job)
        if not _convert(job):
            _turn(job, Attribute.objects.select_for_update().get(pk=job.request["attribute"]))
        return False
    if not working.others_ended(job):
        return None
    name, kind = job.request["name"], job.request["type"]
    late = _convert_rest(job)
    find_moments(name, kind)
    if late:
        readers.mend([fact_of(CUSTOM + name)])
    Converted.objects.filter(job=job).delete()
    return True


def _turn(job: Job, held: Attribute) -> None:
    """Let the new type stand, all values being of it."""
    _convert_rest(job)
    held.type, held.declared = job.request["type"], True
    held.save(update_fields=["type", "declared"])
    find_moments(held.name, held.type)
    readers.mend([fact_of(CUSTOM + held.name)])
    job.done = job.total
    job.request = {**job.request, "phase": "turned"}


_HOLD = "SELECT id FROM contacts_contact WHERE id > %s AND attributes ? %s ORDER BY id LIMIT %s FOR NO KEY UPDATE"


def _convert(job: Job) -> bool:
    """Convert the next values, keeping what they were; False when there are no more."""
    ids = [row[0] for row in run(_HOLD, [job.request["cursor"], job.request["name"], CHUNK])]
    _convert_these(job, ids)
    job.done += len(ids)
    job.request = {**job.request, "cursor": ids[-1] if ids else job.request["cursor"]}
    return len(ids) == CHUNK


def _convert_rest(job: Job) -> int:
    """Convert whatever still reads as the type, and return how many values that were."""
    name, kind = job.request["name"], job.request["type"]
    if kind not in CONVERTED or "." in name:
        return 0
    test = reads(kind, "(attributes -> %s)")
    sql = f"SELECT id FROM contacts_contact WHERE attributes ? %s AND {test} ORDER BY id FOR NO KEY UPDATE"
    ids = [row[0] for row in run(sql, [name] * sql.count("%s"))]
    _convert_these(job, ids)
    return len(ids)


def _convert_these(job: Job, ids: list[int]) -> None:
    name, kind = job.request["name"], job.request["type"]
    run(
        f"""WITH held AS MATERIALIZED (SELECT id, v FROM (SELECT id, attributes -> %s AS v FROM contacts_contact
                WHERE id = ANY(%s) OFFSET 0) x WHERE {reads(kind)}),
            kept AS (INSERT INTO contacts_converted (job_id, contact_id, value) SELECT %s, id, v FROM held
                ON CONFLICT (job_id, contact_id) DO UPDATE SET value = excluded.value)
            UPDATE contacts_contact c SET attributes = c.attributes || jsonb_build_object(%s::text, {converted(kind, "held.v")})
            FROM held WHERE c.id = held.id""",
        [name, ids, job.pk, name],
    )


def _put_back(job: Job) -> bool:
    """Put back the next values as they were, but for those that arrived since; True when none is left."""
    name, kind = job.request["name"], job.request["type"]
    rows = run(
        """SELECT c.id FROM contacts_contact c JOIN contacts_converted k ON k.contact_id = c.id
           WHERE k.job_id = %s ORDER BY c.id LIMIT %s FOR NO KEY UPDATE OF c""",
        [job.pk, CHUNK],
    )
    ids = [row[0] for row in rows]
    run(
        f"""UPDATE contacts_contact c SET attributes = c.attributes || jsonb_build_object(%s::text, k.value)
            FROM contacts_converted k WHERE k.job_id = %s AND k.contact_id = c.id AND c.id = ANY(%s)
                AND c.attributes -> %s = {converted(kind, "k.value")}""",
        [name, job.pk, ids, name],
    )
    Converted.objects.filter(job=job, contact_id__in=ids).delete()
    job.done = max(0, job.done - len(ids))
    return not ids


working.register(KIND, step)
