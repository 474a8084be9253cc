"""Who is put somewhere by hand: found by search, pasted or in a file; who is not known; and what was done last, to be undone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from contacts import services
from contacts.csv_import import USER_ID, Sheet, guess_mapping, read_sheet
from contacts.searching import search, standing
from workspace import clock

MOST = 10_000
FEW = 6  # found while somebody types
TOLD = 200  # unknown names that a page lists
UNDO = timedelta(minutes=15)
_NUMBER = re.compile(r"^[0-9]{1,18}$")


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a person named: the contacts, the names that nobody has, and whether some were too many to be looked at."""

    ids: list[int]
    unknown: list[str]
    cut: bool = False


def named_in(request: HttpRequest) -> Named:
    """Return whom a form names: `pick` by number, `who` as text, `file` as CSV; raise Refused for a file that cannot be read."""
    picked = [int(text) for text in request.POST.getlist("pick")[:MOST] if _NUMBER.match(text)]
    ids = set(standing().filter(pk__in=picked).values_list("pk", flat=True)) if picked else set()
    names = split(request.POST.get("who", "") or request.POST.get("contacts", ""))
    if file := request.FILES.get("file"):
        names += names_of(read_sheet(file.read()))
    names = list(dict.fromkeys(names))
    paths = {name: path_of(name) for name in names[:MOST]}
    found = services.find_contacts(list(set(paths.values())))
    ids |= {one.pk for one in found.values()}
    return Named(sorted(ids), [name for name, path in paths.items() if path not in found], len(names) > MOST)


def split(text: str) -> list[str]:
    """Return the names in a pasted text: one a line, or with commas between."""
    text = text.replace("\x00", "").encode("utf-8", "ignore").decode()[:1_000_000]
    return [part.strip() for part in re.split(r"[\n\r,;\t]+", text) if part.strip()]


def names_of(sheet: Sheet) -> list[str]:
    """Return how each row of a file names its contact: by user id, else by email; a single column may have no header."""
    mapping = guess_mapping(sheet.header)
    columns = [mapping.index(name) for name in (USER_ID, "email") if name in mapping]
    if not columns:
        return [name for name in (sheet.header[0], *(row[0].strip() for _, row in sheet.rows)) if name]
    cells = ([row[at].strip() for at in columns if at < len(row) and row[at].strip()] for _, row in sheet.rows)
    return [each[0] for each in cells if each]


def path_of(word: str) -> str:
    """Return how a name that people write names a contact."""
    if re.fullmatch(r"con_[0-9]{1,18}", word) or word.startswith(("user:", "email:")):
        return word
    return f"email:{word}" if "@" in word else f"user:{word}"


# What was done last ---------------------------------------------------------------------------------------------------


def remember(request: HttpRequest, place: str, act: str, ids: Sequence[int], unknown: Sequence[str] = ()) -> None:
    """Keep what was done to a place ("added" or "removed"), so that it can be undone, and who was not known."""
    told = {"names": list(unknown[:TOLD]), "more": max(0, len(unknown) - TOLD)}
    request.session["by_hand"] = {
        "place": place, "act": act, "ids": list(ids), "unknown": told, "at": clock.now().isoformat(),
    }  # fmt: skip


def last(request: HttpRequest, place: str) -> dict[str, Any] | None:
    """Return what was done to this place last, for a quarter of an hour."""
    done: dict[str, Any] | None = request.session.get("by_hand")
    if not done or done["place"] != place or clock.now() - datetime.fromisoformat(done["at"]) > UNDO:
        return None
    return done


def undo(request: HttpRequest, place: str) -> tuple[str, list[int]]:
    """Take back what was done last: return it and whom it was done to; nobody when there is nothing."""
    done = last(request, place)
    request.session.pop("by_hand", None)
    return (done["act"], done["ids"]) if done else ("", [])


@login_required
@require_GET
def find(request: HttpRequest) -> HttpResponse:
    """Answer a few contacts whose name, email or user id begins like what is typed, each as a button that picks it."""
    q = request.GET.get("find", "").strip()
    found = search(q).order_by("pk")[:FEW] if q else []
    return render(request, "contacts/_found.html", {"found": found, "q": q})
