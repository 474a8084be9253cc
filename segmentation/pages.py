"""The pages of segments: the list, making and changing one."""

import hashlib
import json
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from segmentation import services
from segmentation.approving import FIRES
from segmentation.difference import difference
from segmentation.forms import SegmentForm
from segmentation.listing import TONES, rows_of, tone_of, with_state
from segmentation.models import Segment
from segmentation.sentences import sentences
from workspace import clock
from workspace.audit import Actor
from workspace.problems import Refused
from workspace.uses import users_of

PAGE = 50
SHOWS = [("", "All but archived"), ("dynamic", "Dynamic"), ("static", "Static"), ("archived", "Archived")]


@login_required
@require_GET
def segments(request: HttpRequest) -> HttpResponse:
    """List the segments."""
    live = bool(request.headers.get("X-Live"))
    return render(request, "segmentation/_rows.html" if live else "segmentation/segments.html", shown(request))


def shown(request: HttpRequest) -> dict[str, Any]:
    """Return one page of segments by name, with what is needed to turn it."""
    q, show, after = (clean_text(request.GET.get(name, "")) for name in ("q", "show", "after"))
    chosen = list(after_name(matching(q, show), after)[: PAGE + 1])
    page = chosen[:PAGE]
    here = {"q": q, "show": show}
    return {
        "rows": rows_of(page, sentences(page), clock.now()),
        "q": q,
        "show": show,
        "shows": SHOWS,
        "live_url": address("segments", **here, after=after),
        "all_url": reverse("segments"),
        "older": address("segments", **here, after=page[-1].pk) if len(chosen) > PAGE else "",
        "newer": address("segments", **here) if after else "",
    }


def clean_text(text: str) -> str:
    """Return what was searched for without what the database cannot hold."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()[:120]


def address(name: str, *args: object, **query: object) -> str:
    """Return a page's address with a query, without its empty parts."""
    query = {key: value for key, value in query.items() if value}
    return reverse(name, args=args) + (f"?{urlencode(query)}" if query else "")


def matching(q: str, show: str) -> QuerySet[Segment]:
    """Return the segments that a search asks for."""
    found = with_state(Segment.objects.select_related("rule")).filter(archived_at__isnull=show != "archived")
    if show in Segment.Kind.values:
        found = found.filter(kind=show)
    if q:
        found = found.filter(Q(name__icontains=q) | Q(slug__icontains=q) | Q(description__icontains=q))
    return found.order_by("name", "id")


def after_name(found: QuerySet[Segment], after: str) -> QuerySet[Segment]:
    """Begin after the segment of this number."""
    last = Segment.objects.filter(pk=int(after)).first() if after.isdecimal() and len(after) < 18 else None
    return found.filter(Q(name__gt=last.name) | Q(name=last.name, pk__gt=last.pk)) if last else found


@login_required
@permission_required("segmentation.add_segment", raise_exception=True)
@require_GET
def new(request: HttpRequest) -> HttpResponse:
    """Ask which kind."""
    crumbs = [{"label": "Segments", "url": reverse("segments")}, {"label": "New"}]
    return render(request, "segmentation/new.html", {"crumbs": crumbs})


@login_required
@permission_required("segmentation.add_segment", raise_exception=True)
def create(request: HttpRequest, kind: str) -> HttpResponse:
    """Show the empty form, or make the segment."""
    if kind not in Segment.Kind.values:
        raise Http404
    form = SegmentForm(request.POST or None, dynamic=kind == Segment.Kind.DYNAMIC)
    context = {"form": form, "kind": kind, "heading": "New segment", "back_url": reverse("segments")}
    if request.method != "POST" or not form.is_valid():
        return answer(request, context, criteria=form.raw_criteria() if form.is_bound else None)
    try:
        made = services.create_segment(kind=kind, actor=Actor.of(user=request.user), **form.cleaned_data)
    except Refused as refused:
        return answer(request, context, criteria=form.raw_criteria(), refused=refused)
    messages.success(request, f"{made.name} is made." + (" Its contacts are being found." if made.rule_id else ""))
    return redirect("segment" if made.rule_id else "segment_members", made.pk)


@login_required
@permission_required("segmentation.change_segment", raise_exception=True)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the form, say what changed criteria would do, or save."""
    segment = get_object_or_404(Segment.objects.select_related("rule"), pk=pk)
    document = segment.rule.document if segment.rule else None
    began = {"name": segment.name, "description": segment.description, "color": tone_of(segment)}
    form = SegmentForm(request.POST or None, initial=began, dynamic=segment.kind == Segment.Kind.DYNAMIC)
    context = {"form": form, "kind": segment.kind, "segment": segment, "heading": f"Edit {segment.name}"}
    context["back_url"] = reverse("segment", args=[pk])
    if request.method != "POST":
        return answer(request, context, criteria=document)
    if not form.is_valid():
        return answer(request, context, criteria=form.raw_criteria())
    try:
        return save(request, segment, context)
    except Refused as refused:
        return answer(request, context, criteria=form.raw_criteria(), refused=refused)


def save(request: HttpRequest, segment: Segment, context: dict[str, Any]) -> HttpResponse:
    """Save at once what moves nobody; show first what edited criteria would do."""
    said = context["form"].cleaned_data
    changed = segment.rule is not None and said["criteria"] != segment.rule.document
    if changed and request.POST.get("reviewed") != digest(said["criteria"]):
        context["review"] = review(segment, said["criteria"])
        return answer(request, context, criteria=said["criteria"], status=200)
    fires = next((value for value, _, _ in FIRES if value == request.POST.get("fires")), "none")
    if not changed:
        said = {key: value for key, value in said.items() if key != "criteria"}
    services.change_segment(segment, actor=Actor.of(user=request.user), fires=fires, **said)
    messages.success(request, f"{said['name']} is saved." + (" Its contacts are being found." if changed else ""))
    return redirect("segment", segment.pk)


def review(segment: Segment, criteria: Any) -> dict[str, Any]:
    """Return what a change of criteria would do, and what can be chosen about it."""
    found = difference(segment, criteria, at=clock.now())
    parts = [("Would join", found.joins), ("Would leave", found.leaves), ("Stay", found.stays)]
    return {
        "digest": digest(criteria),
        "parts": [
            {"label": label, "count": part.count, "told": part.told, "more": max(0, part.count - len(part.sample))}
            for label, part in parts
        ],
        "flows": found.flows,
        "choices": FIRES,
        "fires": "none",
        "used_by": users_of(f"segment:{segment.slug}"),
        "muted": segment.muted,
    }


def digest(document: Any) -> str:
    """Return what tells one document from another."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]


def answer(
    request: HttpRequest, context: dict[str, Any], *, criteria: Any, refused: Refused | None = None, status: int = 0
) -> HttpResponse:
    """Show the form with what is wrong with it."""
    form = context["form"]
    faults = form.take(refused) if refused else []
    problem = (
        refused.detail if refused and faults else " ".join(form.errors.get("criteria", [])) if form.is_bound else ""
    )
    crumbs = [{"label": "Segments", "url": reverse("segments")}, {"label": context["heading"]}]
    context |= {"criteria": criteria, "faults": json.dumps(faults) if faults else "", "problem": problem}
    status = status or (422 if request.method == "POST" else 200)
    return render(request, "segmentation/form.html", context | {"tones": TONES, "crumbs": crumbs}, status=status)
