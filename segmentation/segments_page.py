"""The page of all segments: searched, filtered, sorted, fifty at a time; who can be reached comes after it, by itself."""

from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import BigIntegerField, Exists, F, Func, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Lower
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from segmentation import reach, services
from segmentation.listing import rows_of, with_state
from segmentation.members_csv import lines
from segmentation.models import Evaluation, Segment, Tally
from segmentation.pages import address, clean_text
from segmentation.sentences import sentences
from workspace import clock
from workspace.audit import Actor, record

PAGE = 50
SHOWS = [("", "All but archived"), ("dynamic", "Dynamic"), ("static", "Static"), ("archived", "Archived")]
STATES = [
    ("", "Any state"),
    ("evaluating", "Evaluating"),
    ("failed", "Failed"),
    ("muted", "Muted"),
    ("waiting", "Not evaluated yet"),
]
SORTS = [("", "By name"), ("size", "Largest first"), ("new", "Newest first"), ("changed", "Changed last")]
ASKED = ("q", "show", "state", "label", "sort")


@login_required
@require_GET
def segments(request: HttpRequest) -> HttpResponse:
    """List the segments."""
    live = bool(request.headers.get("X-Live"))
    return render(request, "segmentation/_rows.html" if live else "segmentation/segments.html", shown(request))


def shown(request: HttpRequest) -> dict[str, Any]:
    """Return one page of segments, with what is needed to turn it and to ask for others."""
    here = {name: clean_text(request.GET.get(name, "")) for name in ASKED}
    page = page_of(request.GET.get("page", ""))
    chosen = list(sorted_by(matching(**here), here["sort"])[(page - 1) * PAGE : page * PAGE + 1])
    found = chosen[:PAGE]
    at = clock.now()
    known = reach.known([one.pk for one in found])
    rows = [(row, known.get(row.segment.pk), reach.estimated(row.size)) for row in rows_of(found, sentences(found), at)]
    missing = [row.segment.pk for row, told, _ in rows if told is None]
    return {
        "rows": rows,
        **here,
        "filtered": page > 1 or any(here[name] for name in ASKED if name != "sort"),
        "choices": [("show", "Which segments", SHOWS), ("state", "State", STATES), ("sort", "Order", SORTS)],
        "labels": labels(),
        "live_url": address("segments", **here, page=page),
        "reach_url": address("segments_reach", ids=",".join(map(str, missing))) if missing else "",
        "stamp": int(at.timestamp()),
        "all_url": reverse("segments"),
        "older": address("segments", **here, page=page + 1) if len(chosen) > PAGE else "",
        "newer": address("segments", **here, page=page - 1) if page > 1 else "",
    }


def page_of(text: str) -> int:
    """Return the number of the page that is asked for; the first for anything else."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def matching(q: str, show: str, state: str, label: str, sort: str = "") -> QuerySet[Segment]:
    """Return the segments that are asked for."""
    found = with_state(Segment.objects.select_related("rule")).filter(archived_at__isnull=show != "archived")
    if show in Segment.Kind.values:
        found = found.filter(kind=show)
    if label:
        found = found.filter(labels__contains=[label])
    if q:
        found = found.filter(Q(name__icontains=q) | Q(slug__icontains=q) | Q(description__icontains=q))
    return in_state(found, state)


def in_state(found: QuerySet[Segment], state: str) -> QuerySet[Segment]:
    """Keep those whose evaluation stands so."""
    if state == "evaluating":
        running = Evaluation.objects.filter(segment=OuterRef("pk"), status=Evaluation.Status.RUNNING)
        return found.filter(Exists(running))
    if state == "failed":
        newest = Evaluation.objects.filter(segment=OuterRef("pk"), full=True).order_by("-at", "-id").values("status")
        return found.annotate(last_status=Subquery(newest[:1])).filter(last_status=Evaluation.Status.FAILED)
    if state == "muted":
        return found.filter(muted=True)
    return found.filter(kind=Segment.Kind.DYNAMIC, evaluated_at=None) if state == "waiting" else found


def sorted_by(found: QuerySet[Segment], sort: str) -> QuerySet[Segment]:
    """Put segments into the order asked for."""
    if sort == "size":
        sums = Tally.objects.filter(segment=OuterRef("pk")).order_by().values("segment")
        size = Subquery(sums.annotate(size=Sum(F("entered") - F("exited"))).values("size"), BigIntegerField())
        return found.annotate(size=Coalesce(size, 0)).order_by("-size", "name", "id")
    if sort in ("new", "changed"):
        return found.order_by("-created_at" if sort == "new" else "-updated_at", "-id")
    return found.order_by(Lower("name"), "id")


def labels() -> list[str]:
    """Return every label in use."""
    each = Func(F("labels"), function="jsonb_array_elements_text")
    return sorted(set(Segment.objects.annotate(each=each).values_list("each", flat=True)))


@login_required
@require_GET
def reachable(request: HttpRequest) -> HttpResponse:
    """Answer how many members of these segments can be reached, by channel: cells that go to their places."""
    asked = [int(text) for text in request.GET.get("ids", "").split(",") if text.isdecimal() and len(text) < 18]
    sizes = services.sizes(asked[:PAGE])
    found = reach.of_segments(sizes)
    cells = [(pk, found[pk], reach.estimated(size)) for pk, size in sizes.items()]
    return render(request, "segmentation/_reach.html", {"cells": cells})


@login_required
@permission_required("segmentation.change_segment", raise_exception=True)
@require_GET
def export(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Stream the members as CSV."""
    segment = get_object_or_404(Segment, pk=pk)
    record(Actor.of(user=request.user), "segment.exported", segment.ref)
    answer = StreamingHttpResponse(lines(segment.pk), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{segment.slug}.csv"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
