"""The rows of files that wait to be brought: they go with the contact whom they name, and after a day by themselves."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import QuerySet

from contacts.models import Address, Contact, Identity
from contacts.working import STANDING
from workspace.models import Job

FILE, KIND = "import.file", "import"  # read and looked at; being brought
KEPT = timedelta(hours=24)
ROWS = "rows"


def with_rows() -> QuerySet[Job]:
    """Return the work that still holds rows of a file."""
    return Job.objects.filter(kind__in=(FILE, KIND), request__has_key=ROWS).order_by("pk")


def erase(contact_ids: Sequence[int]) -> int:
    """Drop the rows that name any of these contacts, and return how many; a file in a worker's hands follows at once."""
    standing = set(with_rows().values_list("pk", flat=True))
    if not standing or not (names := _names(contact_ids)):
        return 0
    free = list(with_rows().filter(pk__in=standing).select_for_update(skip_locked=True))
    if busy := standing - {one.pk for one in free}:  # not waited for: whoever holds them may wait for these contacts
        transaction.on_commit(partial(_erase_busy, busy, names))
    return sum(_drop(job, names) for job in free)


@transaction.atomic
def _erase_busy(pks: Collection[int], names: Collection[str]) -> None:
    for job in with_rows().filter(pk__in=pks).select_for_update():
        _drop(job, names)


def _names(contact_ids: Sequence[int]) -> set[str]:
    """Return all that contacts are known by, as a cell of a file might say it."""
    columns = Contact.objects.filter(pk__in=contact_ids).values_list("user_id", "email", "phone")
    said = {name for row in columns for name in row}
    said |= set(Identity.objects.filter(contact__in=contact_ids).values_list("value", flat=True))
    said |= set(Address.objects.filter(contact__in=contact_ids).values_list("value", flat=True))
    return {plain(name) for name in said if name}


def plain(text: str) -> str:
    """Return a cell or a name as they are compared: a phone number by its digits, all else without case."""
    bare = text.strip().lstrip("'").casefold()
    digits = "".join(one for one in bare if one.isdigit())
    return digits if len(digits) >= 6 and not bare.strip("+0123456789 ()-./") else bare


def _drop(job: Job, names: Collection[str]) -> int:
    """Take rows out of a file; those that were brought are no longer counted as still to be brought."""
    rows = job.request[ROWS]
    told = [any(plain(cell) in names for cell in cells) for _, cells in rows]
    if not any(told):
        return 0
    job.request = {**job.request, ROWS: [row for row, one in zip(rows, told, strict=True) if not one]}
    job.done, job.total = job.done - sum(told[: job.done]), job.total - sum(told)
    job.save(update_fields=["request", "done", "total"])
    return sum(told)


@transaction.atomic
def forget(at: datetime) -> int:
    """Drop files that nobody brought within a day, and the rows of those that broke off; return how many."""
    old = with_rows().filter(created_at__lt=at - KEPT).select_for_update(skip_locked=True)
    left = old.filter(kind=FILE).values_list("pk", flat=True)
    gone = Job.objects.filter(pk__in=list(left)).delete()[0]
    for job in old.filter(kind=KIND).exclude(status__in=STANDING):
        job.request = {"name": job.request.get("name", "")}
        job.save(update_fields=["request"])
        gone += 1
    return gone
