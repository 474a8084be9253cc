"""The pages of segments: the list, making and changing one."""

import hashlib
import json
import re
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from segmentation import services
from segmentation.approving import FIRES
from segmentation.difference import difference
from segmentation.forms import SegmentForm
from segmentation.listing import TONES, tone_of
from segmentation.models import Segment
from workspace import clock
from workspace.approval import is_asked
from workspace.audit import Actor
from workspace.models import Review
from workspace.problems import Refused
from workspace.uses import users_of

NUMBER = re.compile(r"^[0-9]{1,18}$")


def clean_text(text: str) -> str:
    """Return what was searched for without what the database cannot hold."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()[:120]


def address(name: str, *args: object, **query: object) -> str:
    """Return a page's address with a query, without its empty parts."""
    query = {key: value for key, value in query.items() if value}
    return reverse(name, args=args) + (f"?{urlencode(query)}" if query else "")


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
        return answer(request, context, criteria=form.raw_criteria() if form.is_bound else asked_for(request))
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
    began = {
        "name": segment.name,
        "description": segment.description,
        "color": tone_of(segment),
        "labels": ", ".join(segment.labels),
    }
    form = SegmentForm(request.POST or None, initial=began, dynamic=segment.kind == Segment.Kind.DYNAMIC)
    context = {"form": form, "kind": segment.kind, "segment": segment, "heading": f"Edit {segment.name}"}
    context["back_url"] = reverse("segment", args=[pk])
    if request.method != "POST":
        return answer(request, context, criteria=asked_for(request) or document)
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


def asked_for(request: HttpRequest) -> Any:
    """Return the criteria of the review that this page makes a change for; None without."""
    number = request.GET.get("review", "")
    found = Review.objects.filter(pk=int(number), kind="segment").first() if NUMBER.match(number) else None
    return found.request.get("criteria") if found else None


def approval(request: HttpRequest) -> dict[str, str] | None:
    """Return what the page says when saving files a review; None when it saves."""
    why = request.POST.get("why", "")
    if "review" in request.GET:
        text = "Saving puts these rules into the review that you came from. Nothing changes before it is approved."
        return {"title": "You make this change for a review", "text": text, "why": why}
    if not is_asked("segment"):
        return None
    text = "Saving other rules files a review; they apply once another person approves them. A name or a colour is saved at once."
    return {"title": "Changes to segments need approval", "text": text, "why": why}


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
    context |= {
        "approval": approval(request),
        "criteria": criteria,
        "criteria_text": json.dumps(criteria) if criteria else "",  # what is sent where no script edits it
        "faults": json.dumps(faults) if faults else "",
        "problem": problem,
    }
    status = status or (422 if request.method == "POST" else 200)
    return render(request, "segmentation/form.html", context | {"tones": TONES, "crumbs": crumbs}, status=status)
