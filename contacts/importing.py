"""Bringing a file of contacts as work that can be watched and stopped: a thousand rows at a time, each in a transaction."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.urls import reverse

from contacts import working
from contacts.csv_import import BATCH, Report, Sheet, column_types, guess_mapping, take_rows
from contacts.lists import add_to_list
from contacts.models import List
from contacts.waiting_files import FILE, KIND
from workspace import audit, clock
from workspace.audit import Actor
from workspace.doorbell import ring_on_commit
from workspace.models import Job
from workspace.problems import refuse

__all__ = ["FILE", "KIND"]
FAULTS_KEPT = 1000


def keep(name: str, sheet: Sheet, actor: Actor, chosen: Sequence[str] = ()) -> Job:
    """Keep a file that was read until somebody says what its columns are; `chosen` is a first word on that."""
    said = {"chosen": list(chosen)} if chosen else {}
    held = {"name": name[:200].replace("\x00", ""), "header": sheet.header, "rows": sheet.rows, **said}
    return Job.objects.create(kind=FILE, request=held, total=len(sheet.rows), actor_id=actor.user_id)


def begin(job: Job, mapping: list[str], *, into: List | None, fires: bool, actor: Actor) -> bool:
    """Bring a file that is kept, once; False when somebody did meanwhile."""
    if not _begin(job, mapping, into=into, fires=fires, actor=actor):
        return False
    if job.total <= BATCH:  # so few are brought while the person waits
        working.finish(job.pk)
    return True


@transaction.atomic
def _begin(job: Job, mapping: list[str], *, into: List | None, fires: bool, actor: Actor) -> bool:
    fresh = Job.objects.select_for_update().filter(pk=job.pk, kind=FILE).first()  # a contact's rows may just have gone
    if fresh is None:
        return False
    types = column_types(sheet_of(fresh), mapping)
    said = {"mapping": mapping, "types": types, "list": into.pk if into else None, "fires": fires, "ids": []}
    fresh.kind, fresh.request, fresh.result = KIND, {**fresh.request, **said}, empty(into, fires=fires)
    fresh.actor_id = actor.user_id
    fresh.save()
    ring_on_commit("recompute")
    return True


def chosen_of(job: Job) -> list[str]:
    """Return what the columns of a file become unless somebody says otherwise."""
    chosen: list[str] = job.request.get("chosen") or guess_mapping(job.request["header"])
    return chosen


def drop(job: Job) -> bool:
    """Drop a file that was not brought; False when it was."""
    return bool(Job.objects.filter(pk=job.pk, kind=FILE).delete()[0])


def sheet_of(job: Job) -> Sheet:
    """Return the file of a job."""
    return Sheet(job.request["header"], [(line, cells) for line, cells in job.request["rows"]], ",")


def step(job: Job) -> bool:
    """Bring the next rows; the last step keeps the report instead of the file."""
    if "mapping" not in job.request:
        raise refuse("mapping", "The file was never mapped. Bring it again.")
    rows = [(line, cells) for line, cells in job.request["rows"][job.done : job.done + BATCH]]
    if rows and not job.cancel_requested:
        _bring(job, rows)
        job.done += len(rows)
    if job.done < job.total and not job.cancel_requested:
        return False
    _end(job)
    return True


def _bring(job: Job, rows: list[tuple[int, list[str]]]) -> None:
    said, report = job.request, Report(rows=len(rows))
    take_rows(rows, said["mapping"], said["types"], received_at=clock.now(), fires=said["fires"], report=report)
    held = List.objects.filter(pk=said["list"]).first() if said["list"] else None
    if held:
        ids = report.contact_ids
        add_to_list(held, ids, cause="import", fires=said["fires"], lane=5, origin=f"import:{job.pk}")
    known = {*said["ids"], *report.contact_ids}
    job.request = {**said, "ids": sorted(known)}
    job.result = added(job.result or empty(held, fires=said["fires"]), report, len(known))


def _end(job: Job) -> None:
    job.request = {"name": job.request["name"]}
    result = job.result or {}
    audit.record(
        Actor(user_id=job.actor_id), "contacts.imported", f"job_{job.pk}", rows=job.done, stored=result.get("stored", 0)
    )


def empty(into: List | None, *, fires: bool) -> dict[str, Any]:
    """Return the report of an import before anything was brought."""
    counts = dict.fromkeys(("rows", "stored", "contacts", "repeated", "refused"), 0)
    return {**counts, "faults": [], "list": into.name if into else "", "fires": fires}


def added(result: dict[str, Any], report: Report, contacts: int) -> dict[str, Any]:
    """Return a report with what became of the next rows."""
    faults = sorted(report.faults, key=lambda one: one[0])
    said = [*result["faults"], *({"line": line, **asdict(fault)} for line, fault in faults)]
    return {
        **result,
        "rows": result["rows"] + report.rows,
        "stored": result["stored"] + report.stored,
        "contacts": contacts,
        "repeated": result["repeated"] + report.rows - report.stored - len(faults),
        "refused": result["refused"] + len(faults),
        "faults": said[:FAULTS_KEPT],
    }


def cancel(job: Job) -> bool:
    """Ask a file that is being brought to stop; what was taken in stays."""
    running = Job.objects.filter(pk=job.pk, kind=KIND, status__in=working.STANDING)
    return bool(running.update(cancel_requested=True))


def called(slugs: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return the name and page of files by the number of their job."""
    rows = Job.objects.filter(kind=KIND, pk__in=[int(one) for one in slugs if one.isdecimal()])
    named = rows.values_list("pk", "request__name")
    return {str(pk): (name or f"Import {pk}", reverse("import", args=[pk])) for pk, name in named}


working.register(KIND, step)
