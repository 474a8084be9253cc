"""Who is overdue or stuck, and why: found by an index of those who failed or stand still, and by what is due."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db.models import Q, QuerySet

from contacts.searching import search
from flows.models import STANDING_STILL, Enrollment, Flow
from workspace.problems import refuse

MINUTES = 5  # late by more, and somebody is overdue
MOST_MINUTES = 366 * 24 * 60
COUNTED = 1000  # more are said as "1,000+"
NUMBER = re.compile(r"^enr_([0-9]{1,18})$")


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to stand still: what it is called, what it means, what can be done."""

    label: str
    about: str
    parked: str = ""  # how the reason begins that the engine writes


KINDS: Mapping[str, Kind] = {
    "failed": Kind("Failed", "The step failed for good. Retry it, skip it, move the contact, or take it out."),
    "held": Kind("Held", "The step failed, and its policy holds the journey for a person.", "held:"),
    "quarantined": Kind("Set aside", "Workers died over it three times; nobody tries it by itself.", "quarantined:"),
    "blocked": Kind("Blocked", "The step cannot do its work as it is set; it looks again every five minutes.", "blocked:"),
    "retrying": Kind("Tries again", "The step failed and is tried again by itself, up to five times a day.", "tries again:"),
    "overdue": Kind("Overdue", "Its time has come and no worker has taken it yet."),
}  # fmt: skip
assert {one.parked for one in KINDS.values() if one.parked} == set(STANDING_STILL)


def is_stuck(parked: str, due_at: datetime | None, at: datetime) -> bool:
    """Tell whether an active journey stands still, or is due and not taken."""
    return parked.startswith(STANDING_STILL) or (due_at is not None and due_at <= at)


def kind_of(one: Enrollment, at: datetime) -> str:
    """Return in which way a journey stands still; empty when it does not."""
    if one.status == Enrollment.Status.FAILED:
        return "failed"
    if one.status != Enrollment.Status.ACTIVE:
        return ""
    overdue = "overdue" if one.due_at is not None and one.due_at <= at else ""
    return next((name for name, kind in KINDS.items() if kind.parked and one.parked.startswith(kind.parked)), overdue)


def why(one: Enrollment, at: datetime) -> str:
    """Say in a sentence why a journey stands still."""
    kind = kind_of(one, at)
    if kind == "overdue" and one.due_at is not None:
        return f"Due for {_long(at - one.due_at)}, and no worker has taken it."
    if kind == "failed":
        return one.error.splitlines()[0] if one.error else one.reason
    said = one.parked.removeprefix(KINDS[kind].parked).strip() if kind else one.parked
    return said or one.error


def _long(time: timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    hours, days = minutes // 60, minutes // (24 * 60)
    if days:
        return f"{days:,} day{'' if days == 1 else 's'}"
    if hours:
        return f"{hours} hour{'' if hours == 1 else 's'}"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which journeys are meant: `stuck` is a kind, "any", or empty for journeys of every sort."""

    stuck: str = ""
    flow: int | None = None
    node: str = ""
    status: str = ""
    q: str = ""
    minutes: int = MINUTES
    fields: ClassVar[tuple[str, ...]] = ("stuck", "flow", "node", "status", "q", "minutes")

    def as_json(self) -> dict[str, Any]:
        """Return what a job remembers."""
        return asdict(self)


def read(said: Mapping[str, Any], flow: int | None = None, *, stuck: str = "") -> Wanted:
    """Read what is wanted from a query; refuse what cannot be meant."""
    kind, status = _text(said, "stuck") or stuck, _text(said, "status")
    if kind not in ("", "any", *KINDS):
        raise refuse("stuck", f"stuck is any, or one of {', '.join(KINDS)}.")
    if status not in ("", *Enrollment.Status.values):
        raise refuse("status", f"status is one of {', '.join(Enrollment.Status.values)}.")
    return Wanted(kind, flow, _text(said, "node"), status, _text(said, "q")[:120], _minutes(_text(said, "minutes")))


def _text(said: Mapping[str, Any], name: str) -> str:
    return str(said.get(name) or "").replace("\x00", "").strip()


def _minutes(text: str) -> int:
    if not text:
        return MINUTES
    if not (text.isascii() and text.isdigit() and len(text) < 8 and int(text) <= MOST_MINUTES):
        raise refuse("minutes", f"minutes is a whole number of at most {MOST_MINUTES:,}.")
    return int(text)


def found(wanted: Wanted, at: datetime) -> list[QuerySet[Enrollment]]:
    """Return the journeys that are meant, as one or two sets that have nobody in common, each with an index of its own."""
    every = _narrowed(wanted)
    if not wanted.stuck:
        return [every]
    if wanted.stuck == "overdue":
        return [_overdue(every, wanted, at)]
    still = every.filter(STANDING_STILL_Q if wanted.stuck == "any" else _of(wanted.stuck))
    return [still, _overdue(every, wanted, at)] if wanted.stuck == "any" else [still]


def _of(kind: str) -> Q:
    parked = KINDS[kind].parked
    return Q(status="active", parked__startswith=parked) if parked else Q(status="failed")


_PARKED = Q(*[("parked__startswith", one) for one in STANDING_STILL], _connector=Q.OR)
STANDING_STILL_Q = Q(status="failed") | (Q(status="active") & _PARKED)


def _overdue(every: QuerySet[Enrollment], wanted: Wanted, at: datetime) -> QuerySet[Enrollment]:
    """Return who is late and does not stand still for a reason of its own; a paused flow keeps nobody waiting by mistake."""
    going = Flow.objects.filter(status__in=[Flow.Status.RUNNING, Flow.Status.DRAINING]).values_list("pk", flat=True)
    late = at - timedelta(minutes=wanted.minutes)
    return every.filter(status="active", due_at__lt=late, flow__in=list(going)).exclude(_PARKED)


def _narrowed(wanted: Wanted) -> QuerySet[Enrollment]:
    rows = Enrollment.objects.all()
    if wanted.flow is not None:
        rows = rows.filter(flow=wanted.flow)
    if wanted.node:
        rows = rows.filter(node=wanted.node)
    if wanted.status:
        rows = rows.filter(status=wanted.status)
    if not wanted.q:
        return rows
    number = NUMBER.match(wanted.q)
    return rows.filter(pk=int(number[1])) if number else rows.filter(contact__in=search(wanted.q).values("pk"))


def newest(wanted: Wanted, at: datetime, most: int, before: int | None = None) -> list[Enrollment]:
    """Return the newest of them, with what is told of each."""
    rows: list[Enrollment] = []
    for some in found(wanted, at):
        earlier = some.filter(pk__lt=before) if before is not None else some
        rows += earlier.order_by("-pk").select_related("flow", "version", "contact")[:most]
    return sorted(rows, key=lambda one: -one.pk)[:most]


def ids(wanted: Wanted, at: datetime, most: int, after: int = 0) -> list[int]:
    """Return the oldest of them after a number, by number."""
    some = [one.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:most] for one in found(wanted, at)]
    return sorted(pk for part in some for pk in part)[:most]


def count(wanted: Wanted, at: datetime, most: int | None = COUNTED) -> int:
    """Return how many there are; with `most` no more are counted than one beyond it."""
    if most is None:
        return sum(one.count() for one in found(wanted, at))
    return min(most + 1, sum(len(one.order_by().values_list("pk")[: most + 1]) for one in found(wanted, at)))


def counts(wanted: Wanted, at: datetime, kinds: Iterable[str] = KINDS) -> dict[str, int]:
    """Return how many stand still in each way, whatever else is asked of them."""
    return {kind: count(_with(wanted, kind), at) for kind in kinds}


def _with(wanted: Wanted, kind: str) -> Wanted:
    return Wanted(kind, wanted.flow, wanted.node, "", wanted.q, wanted.minutes)
