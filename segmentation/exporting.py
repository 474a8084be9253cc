"""Members, or entries and exits, as CSV: streamed into a file, safe to open in a spreadsheet, gone after a week or when a contact is erased."""

import csv
import json
import secrets
import time as stopwatch
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from time import time
from typing import Any

from django.conf import settings
from django.db import transaction

from contacts.documents import documents_of
from contacts.models import Attribute, Contact
from segmentation import delivering, movements
from segmentation.delivering import Claimed, Stopped
from segmentation.destination_models import FILES
from segmentation.models import Delivery, Destination, Handed, Membership, Transition
from segmentation.payloads import instant, people_of
from workspace import clock, doorbell
from workspace.crash import crashpoint

KEPT = timedelta(days=7)
CHUNK = 2000
TELL_SECONDS = 1.0  # so often a file says how far it is, and asks whether it is still wanted
MOST_COLUMNS = 200  # own attributes that have a column each; all of them stand in the last one anyway
FIXED = ("id", "userId", "email", "phone", "firstName", "lastName", "country", "city", "language", "timezone")
MOVED = ("move", "at", "seq", "cause", "quiet", "mergedInto")  # before the columns of the contact
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def folder() -> Path:
    """Return where exports lie, made when missing, for this account alone."""
    path = Path(settings.TRIBUTARY_HOME) / "exports"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def export(claimed: Claimed, destination: Destination, delivery: Delivery) -> None:
    """Write the file of a delivery; one that was broken off is written anew."""
    name = f"{destination.slug}-{delivery.pk}-{secrets.token_hex(8)}.csv"
    path = folder() / name
    began = stopwatch.monotonic()
    try:
        size = _write(path, claimed, destination, delivery)
        crashpoint("sync_before_record")
        _record(claimed, delivery, name, size, int((stopwatch.monotonic() - began) * 1000))
    except Stopped:
        path.unlink(missing_ok=True)
    except OSError as error:
        path.unlink(missing_ok=True)
        said = f"The file could not be written: {error.strerror or type(error).__name__}."
        delivering.record(claimed, delivery, delivering.Outcome(False, 0, error=said))


def _write(path: Path, claimed: Claimed, destination: Destination, delivery: Delivery) -> int:
    """Stream the rows into a file, a chunk at a time, and return how many they are."""
    own = sorted(Attribute.objects.exclude(name__contains=".").values_list("name", flat=True))[:MOST_COLUMNS]
    moves = delivery.kind == Delivery.Kind.MOVES
    size, told = 0, stopwatch.monotonic()
    with path.open("x", encoding="utf-8", newline="") as file:
        path.chmod(0o600)
        writer = csv.writer(file)
        before, after = (MOVED, ()) if moves else ((), ("since",))
        columns = (*before, *FIXED, "createdAt", "lastSeenAt", *after, *(f"customProperties.{name}" for name in own))
        writer.writerow([safe(one) for one in columns])
        _tell(claimed, delivery, 0, total=_total(claimed, destination, delivery))
        for lines in _moved(destination, delivery, own) if moves else _staying(destination, own):
            writer.writerows(lines)
            size += len(lines)
            if stopwatch.monotonic() - told >= TELL_SECONDS:
                told = stopwatch.monotonic()
                _tell(claimed, delivery, size)
    return size


def _total(claimed: Claimed, destination: Destination, delivery: Delivery) -> int:
    if delivery.kind == Delivery.Kind.MOVES:
        return movements.take_up(claimed, delivery)
    return Membership.objects.filter(segment=destination.segment_id).count()


def _tell(claimed: Claimed, delivery: Delivery, size: int, **more: int) -> None:
    """Say how far a file is and keep the destination, unless somebody has it or cancelled the file meanwhile."""
    ours = Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.CALLING, called_at=delivery.called_at)
    if not ours.update(size=size, **more) or not delivering.renew(claimed):
        raise Stopped
    doorbell.poke([f"destination:{claimed.id}"])


def _staying(destination: Destination, own: Sequence[str]) -> Iterator[list[list[str]]]:
    for rows in chunks(destination.segment_id):
        yield list(_lines(rows, own))


def _moved(destination: Destination, delivery: Delivery, own: Sequence[str]) -> Iterator[list[list[str]]]:
    """Yield who came and who went, in the order in which it happened; of somebody erased or merged only the id is told."""
    for page in movements.pages(destination, delivery):
        people = people_of({one[1] for one in page})
        yield [_move_line(one, people[one[1]], own) for one in page]


def _move_line(move: movements.Move, contact: dict[str, Any], own: Sequence[str]) -> list[str]:
    _, _, kind, at, seq, cause, fires = move
    custom = contact.get("customProperties", {})
    said = (kind, instant(at), seq, cause, not fires, contact.get("mergedInto"))
    fixed = [contact.get(name) for name in (*FIXED, "createdAt", "lastSeenAt")]
    return [safe(value) for value in (*said, *fixed, *(custom.get(name) for name in own))]


def chunks(segment_id: int) -> Iterator[list[tuple[int, Any]]]:
    """Yield the members by the order of their ids, a chunk at a time: no list of a million, and no transaction held."""
    last = 0
    while True:
        found = Membership.objects.filter(segment=segment_id, contact__gt=last).order_by("contact_id")
        rows = list(found.values_list("contact_id", "since")[:CHUNK])
        if not rows:
            return
        yield rows
        last = rows[-1][0]


def _lines(rows: Sequence[tuple[int, Any]], own: Sequence[str]) -> Iterator[list[str]]:
    found = Contact.objects.in_bulk([pk for pk, _ in rows])
    alive = [(found[pk], since) for pk, since in rows if pk in found and found[pk].alive]
    for document, (_, since) in zip(documents_of([one for one, _ in alive]), alive, strict=True):
        custom = document["customProperties"]
        fixed = [document[name] for name in (*FIXED, "createdAt", "lastSeenAt")]
        yield [safe(value) for value in (*fixed, instant(since), *(custom.get(name) for name in own))]


def safe(value: Any) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


@transaction.atomic
def _record(claimed: Claimed, delivery: Delivery, name: str, size: int, ms: int) -> None:
    """Hand the file over, unless the destination is no longer ours or somebody in the file was erased meanwhile."""
    held = delivering.held_by(claimed)
    now = Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.CALLING, called_at=delivery.called_at)
    at = clock.now()
    done = held is not None and now.update(
        status=Delivery.Status.DELIVERED, settled_at=at, expires_at=at + KEPT, file=name, size=size, ms=ms, error=""
    )
    if not done:
        raise Stopped


def erase(contact_ids: Sequence[int]) -> dict[str, int]:
    """Remove every export that may tell of these contacts; one of moves, and one being written, is written anew."""
    segments = Transition.objects.filter(contact__in=contact_ids).values("segment")
    found = Delivery.objects.filter(destination__segment__in=segments, kind__in=FILES)
    writing = Destination.objects.filter(segment__in=segments, kind="csv")
    list(writing.select_for_update(no_key=True).order_by("pk"))
    held = list(found.exclude(file="").values_list("pk", "file"))
    gone = Delivery.objects.filter(pk__in=[pk for pk, _ in held])
    gone.filter(kind=Delivery.Kind.CSV).update(file="", expires_at=None)
    again = gone.filter(kind=Delivery.Kind.MOVES).update(file="", status=Delivery.Status.QUEUED, settled_at=None)
    again += found.filter(status=Delivery.Status.CALLING).update(status=Delivery.Status.QUEUED, called_at=None)
    handed = Handed.objects.filter(contact__in=contact_ids).exclude(event={}).update(event={})
    transaction.on_commit(lambda: remove([name for _, name in held]))
    if again:
        writing.update(due_at=clock.now())
        doorbell.ring_on_commit("sync")
    return {"export": len(held), "handed": handed}


def remove(names: Sequence[str]) -> None:
    """Delete files; those that cannot be deleted now go with the next tidying."""
    for name in names:
        with suppress(OSError):
            (folder() / Path(name).name).unlink(missing_ok=True)


def tidy() -> int:
    """Drop exports that have expired, and files that no delivery knows of; return how many files went."""
    at = clock.now()
    Delivery.objects.filter(expires_at__lt=at).exclude(file="").update(file="", expires_at=None)
    known = set(Delivery.objects.exclude(file="").values_list("file", flat=True))
    fresh = time() - 3600  # by the clock of the files; a file being written is known to nobody yet
    gone = [one.name for one in folder().glob("*.csv") if one.name not in known and one.stat().st_mtime < fresh]
    remove(gone)
    return len(gone)


def path_of(delivery: Delivery) -> Path | None:
    """Return the file of a delivery, or None when there is none any more."""
    path = folder() / Path(delivery.file).name if delivery.file else None
    over = delivery.expires_at is not None and delivery.expires_at < clock.now()
    return path if path is not None and not over and path.is_file() else None
