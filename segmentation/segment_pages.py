"""The page of one segment: its words, size, members, moves and evaluations, and what can be done to it."""

from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.db.models import F, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET

from contacts import by_hand
from contacts.searching import about
from segmentation import history, services
from segmentation.buttons import press
from segmentation.listing import state_of, tone_of, with_state
from segmentation.models import Evaluation, Membership, Segment, Tally, Transition
from segmentation.pages import clean_text
from segmentation.sentences import sentences
from segmentation.telling import BECAUSE, because, cause_of
from workspace import clock
from workspace.origins import origins
from workspace.uses import users_of

Row = TypeVar("Row", Transition, Evaluation)
PAGE = 50
FEW = 8
SPANS = (7, 30, 90, 365)
TABS = [
    ("segment", "Overview"),
    ("segment_members", "Members"),
    ("segment_why", "Why"),
    ("segment_transitions", "Moves"),
    ("segment_uses", "Used by"),
    ("segment_evaluations", "Evaluations"),
]


def find(pk: int) -> Segment:
    """Return a segment with how its evaluation stands, or answer 404."""
    return get_object_or_404(with_state(Segment.objects.select_related("rule", "created_by")), pk=pk)


def frame(segment: Segment, tab: str) -> dict[str, Any]:
    """Return what every tab of a segment shows."""
    crumbs = [{"label": "Segments", "url": reverse("segments")}, {"label": segment.name}]
    tabs = TABS if segment.kind == Segment.Kind.DYNAMIC else TABS[:-1]
    told = {"missed": history.missed(segment), "tone": tone_of(segment), "crumbs": crumbs}
    return {"tabs": tabs, "tab": tab, **told, **figures(segment)}


def figures(segment: Segment) -> dict[str, Any]:
    """Return the live numbers of a segment."""
    since = clock.now() - timedelta(hours=24)
    day = Tally.objects.filter(segment=segment, minute__gt=since).aggregate(came=Sum("entered"), went=Sum("exited"))
    state, note = state_of(segment)
    size = services.size_of(segment.pk)
    moved = {"entered": day["came"] or 0, "exited": day["went"] or 0}
    return {"segment": segment, "size": size, "state": state, "note": note, **moved}


@login_required
def segment(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one segment, or do what a button says."""
    found = find(pk)
    if request.method == "POST":
        return press(request, found)
    span = next((days for days in SPANS if str(days) == request.GET.get("days")), 30)
    context = {
        **frame(found, "segment"),
        "words": sentences([found]).get(pk, ""),
        "span": span,
        "spans": SPANS,
        "used_by": users_of(f"segment:{found.slug}"),
        "transitions": told(moves_of(found)[:FEW]),
        "transitions_url": reverse("segment_transitions", args=[pk]) + "?few=1",
    }
    return render(request, "segmentation/segment.html", context)


@login_required
@require_GET
def stats(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer the live numbers."""
    return render(request, "segmentation/_stats.html", figures(find(pk)))


@login_required
@require_GET
def growth(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer the size at the end of each day, for the chart."""
    days = next((days for days in SPANS if str(days) == request.GET.get("days")), 30)
    get_object_or_404(Segment, pk=pk)
    curve = services.growth(pk, days)
    times = [int(datetime(day.year, day.month, day.day, tzinfo=clock.now().tzinfo).timestamp()) for day, _ in curve]
    return JsonResponse({"times": times, "series": [{"label": "Contacts", "values": [size for _, size in curve]}]})


# Tabs -------------------------------------------------------------------------------------------------------------


@login_required
@require_GET
def members(request: HttpRequest, pk: int) -> HttpResponse:
    """List who is in it or was at an instant, by number, or those that a search finds."""
    found = find(pk)
    q, after, at = (
        clean_text(request.GET.get("q", "")),
        request.GET.get("after", ""),
        history.read_instant(request.GET.get("at", "")),
    )
    asked = was_inside(found, at) if at else Membership.objects.filter(segment=found)
    page = list(matching(asked, q, int(after) if after.isdecimal() and len(after) < 18 else 0)[: PAGE + 1])
    may_edit = request.user.has_perm("segmentation.change_segment")
    by_whom(found, page[:PAGE])
    context = {
        "members": page[:PAGE],
        "q": q,
        **then(found, at),
        "removable": found.kind == Segment.Kind.STATIC and may_edit and at is None,
        "done": by_hand.last(request, found.ref),
        "action": reverse("segment", args=[pk]),
        "place": found.name,
        "live_url": request.get_full_path(),
        "older": here("segment_members", pk, q=q, at=written(at), after=page[PAGE - 1].contact_id)
        if len(page) > PAGE
        else "",
        "newer": here("segment_members", pk, q=q, at=written(at)) if after else "",
    }
    if request.headers.get("X-Live"):
        return render(request, "segmentation/_members.html", {"segment": found, **context})
    return render(request, "segmentation/members.html", {**frame(found, "segment_members"), **context})


def matching(found: QuerySet[Any], q: str, after: int) -> QuerySet[Any]:
    """Return those after a contact whom a search finds, in the order of their key."""
    found = found.filter(contact_id__gt=after).select_related("contact")
    return (about(found, q) if q else found).order_by("segment_id", "contact_id")


def by_whom(segment: Segment, page: list[Any]) -> None:
    """Give each member of a static segment by whose doing it is there."""
    if segment.kind == Segment.Kind.DYNAMIC:
        return
    entered = Transition.objects.filter(segment=segment, contact__in=[one.contact_id for one in page]).exclude(
        origin=""
    )
    noted = {(contact, seq): ref for contact, seq, ref in entered.values_list("contact_id", "seq", "origin")}
    named = origins(noted.values())
    for one in page:
        one.by = named.get(noted.get((one.contact_id, one.seq), ""))


def was_inside(segment: Segment, at: datetime) -> QuerySet[Transition]:
    """Return who was in a segment at an instant, each with since when."""
    return history.entries_at(segment, at).annotate(since=F("at"))


def then(segment: Segment, at: datetime | None) -> dict[str, Any]:
    """Return what the page says of the instant that is asked about."""
    zone = history.house_zone()
    picker = {"zone": zone.key, "at": at, "latest": written(clock.now())}
    return {**picker, "picked": written(at), "size_then": history.size_at(segment, at) if at else None}


def written(at: datetime | None) -> str:
    """Write an instant as a date-time picker does."""
    return f"{at.astimezone(history.house_zone()):%Y-%m-%dT%H:%M:%S}" if at else ""


def here(name: str, pk: int, **query: object) -> str:
    """Return a page of a segment with a query, without its empty parts."""
    query = {key: value for key, value in query.items() if value}
    return reverse(name, args=[pk]) + (f"?{urlencode(query)}" if query else "")


@login_required
@require_GET
def transitions(request: HttpRequest, pk: int) -> HttpResponse:
    """List who came and who went, newest first; by kind, cause, contact and loudness."""
    found = find(pk)
    few, query = bool(request.GET.get("few")), asked_of(request)
    moves = chosen(found, query)
    page = told(before(moves, request.GET.get("before", ""))[: FEW if few else PAGE + 1])
    context = {"transitions": page[:PAGE], "transitions_url": request.get_full_path(), "segment": found, **query}
    if request.headers.get("X-Live"):
        return render(request, "segmentation/_transitions.html", context)
    context |= turn("segment_transitions", found, page, bool(request.GET.get("before")), **query)
    context |= {"kinds": Transition.Kind.choices, "causes": BECAUSE.items(), "filtered": any(query.values())}
    return render(request, "segmentation/transitions.html", {**frame(found, "segment_transitions"), **context})


def asked_of(request: HttpRequest) -> dict[str, str]:
    """Return which moves are asked for."""
    return {name: clean_text(request.GET.get(name, "")) for name in ("kind", "cause", "heard", "q")}


def chosen(segment: Segment, query: dict[str, str]) -> QuerySet[Transition]:
    """Return the moves that are asked for, newest first."""
    quiet = {"yes": False, "no": True}.get(query["heard"])
    found = history.Moves(kind=query["kind"], cause=query["cause"], quiet=quiet).of(segment)
    if query["q"]:
        found = about(found, query["q"])
    return found.select_related("contact").order_by("-at", "-id")


def moves_of(segment: Segment) -> QuerySet[Transition]:
    """Return the transitions of a segment, newest first."""
    return Transition.objects.filter(segment=segment).select_related("contact").order_by("-at", "-id")


def told(moves: QuerySet[Transition]) -> list[Any]:
    """Give each transition its cause and contact in words."""
    found: list[Any] = list(moves)
    by = origins(move.origin for move in found)
    for move in found:
        move.because = because(move, by.get(move.origin))
        move.who = move.contact.display if move.contact else f"Contact {move.contact_id}"
    return found


def before(found: QuerySet[Row], mark: str) -> QuerySet[Row]:
    """Begin after the row that a mark ("<instant>~<id>") names."""
    instant, _, pk = mark.partition("~")
    try:
        at = parse_datetime(instant)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not pk.isdecimal() or len(pk) > 18:
        return found
    return found.filter(Q(at__lt=at) | Q(at=at, pk__lt=int(pk)))


def turn(name: str, segment: Segment, page: list[Any], later: bool, **query: object) -> dict[str, str]:
    """Return the addresses of the newer and older page."""
    last = page[PAGE - 1] if len(page) > PAGE else None
    older = here(name, segment.pk, **query, before=f"{last.at.isoformat()}~{last.pk}") if last else ""
    return {"older": older, "newer": here(name, segment.pk, **query) if later else ""}


@login_required
@require_GET
def evaluations(request: HttpRequest, pk: int) -> HttpResponse:
    """List the looks at it, newest first."""
    found = find(pk)
    looks = Evaluation.objects.filter(segment=found).order_by("-at", "-id")
    page: list[Any] = list(before(looks, request.GET.get("before", ""))[: PAGE + 1])
    by = origins(look.origin for look in page)
    for look in page:
        look.because = cause_of(look.cause, by.get(look.origin))
    turns = turn("segment_evaluations", found, page, bool(request.GET.get("before")))
    context = {**frame(found, "segment_evaluations"), "evaluations": page[:PAGE], **turns}
    return render(request, "segmentation/evaluations.html", context)
