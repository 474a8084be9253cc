"""The pages of predefined scenarios and personas: choose one, fill it in, see whom it finds, make the segment."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from segmentation.models import Segment
from segmentation.scenarios import PERSONAS, SCENARIOS, THRESHOLDS, USUAL, Parameter
from segmentation.scenarios.making import PREFIX, Filled, fill, fill_personas, make, make_personas
from workspace import clock, purchases
from workspace.audit import Actor
from workspace.problems import Refused

ADD = "segmentation.add_segment"


@login_required
@require_GET
def scenarios(request: HttpRequest) -> HttpResponse:
    """Show what there is to choose from."""
    context = {"usual": USUAL, "personas": PERSONAS, "mapping": purchases.mapping(), "crumbs": crumbs()}
    return render(request, "segmentation/scenarios.html", context)


@login_required
@permission_required(ADD, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def scenario(request: HttpRequest, slug: str) -> HttpResponse:
    """Fill one in and see whom it finds; make its segment."""
    if slug not in SCENARIOS:
        raise Http404
    one = SCENARIOS[slug]
    if request.method == "POST":
        return create_one(request, slug)
    if request.headers.get("HX-Request"):
        return found(request, one.parameters, lambda said: [fill(slug, said, clock.now())])
    context = {"scenario": one, "fields": fields(request, one.parameters), "crumbs": crumbs(one.name)}
    return render(request, "segmentation/scenario.html", context)


def create_one(request: HttpRequest, slug: str) -> HttpResponse:
    """Make the segment, or show what is wrong."""
    parameters = SCENARIOS[slug].parameters
    try:
        made = make(
            slug,
            said(request, parameters),
            at=clock.now(),
            actor=Actor.of(user=request.user),
            name=request.POST.get("name", "").strip(),
        )
    except Refused as refused:
        return again(request, "segmentation/scenario.html", parameters, refused, scenario=SCENARIOS[slug])
    messages.success(request, f"{made.name} is made. Its contacts are being found.")
    return redirect("segment", made.pk)


@login_required
@permission_required(ADD, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def personas(request: HttpRequest) -> HttpResponse:
    """Set the thresholds of all eight personas and see their sizes; make them together."""
    if request.method == "POST":
        return create_all(request)
    if request.headers.get("HX-Request"):
        return found(request, THRESHOLDS, lambda said: fill_personas(said, clock.now()))
    context = {"personas": PERSONAS, "fields": fields(request, THRESHOLDS), "crumbs": crumbs("All eight personas")}
    return render(request, "segmentation/personas.html", {**context, "standing": standing()})


def create_all(request: HttpRequest) -> HttpResponse:
    """Make all eight, or none."""
    try:
        made = make_personas(said(request, THRESHOLDS), at=clock.now(), actor=Actor.of(user=request.user))
    except Refused as refused:
        return again(request, "segmentation/personas.html", THRESHOLDS, refused, personas=PERSONAS, standing=standing())
    messages.success(request, f"{len(made)} personas are made. Their contacts are being found.")
    return redirect("segments")


def standing() -> dict[str, Segment]:
    """Return the personas that stand as segments already, by the slug of the persona."""
    found = Segment.objects.filter(slug__in=[PREFIX + one.slug for one in PERSONAS])
    return {one.slug.removeprefix(PREFIX): one for one in found}


def found(request: HttpRequest, parameters: tuple[Parameter, ...], work: Any) -> HttpResponse:
    """Answer whom the parameters find, as a fragment."""
    try:
        filled: list[Filled] = work(said(request, parameters))
    except Refused as refused:
        faults = [(label_of(parameters, one.path), one.message) for one in refused.faults] or [("", refused.detail)]
        return render(request, "segmentation/_found.html", {"faults": faults})
    largest = max((one.size for one in filled), default=0) or 1
    rows = [(one, 100 * one.size / largest) for one in filled]
    context = {"rows": rows, "resolved": resolved(request, parameters, filled), "many": len(filled) > 1}
    return render(request, "segmentation/_found.html", context)


def resolved(request: HttpRequest, parameters: tuple[Parameter, ...], filled: list[Filled]) -> list[tuple[str, Any]]:
    """Return the thresholds that were given as shares, as the numbers they are."""
    values = filled[0].parameters
    shares = [one for one in parameters if one.by_share and "top" in request.GET.get(one.name, "").lower()]
    return [(one.label, values[one.name]) for one in shares]


def said(request: HttpRequest, parameters: tuple[Parameter, ...]) -> dict[str, object]:
    """Return what was sent for these parameters, cleaned of what the database cannot hold."""
    source = request.POST if request.method == "POST" else request.GET
    return {one.name: source[one.name].replace("\x00", "")[:100] for one in parameters if one.name in source}


def fields(request: HttpRequest, parameters: tuple[Parameter, ...], faults: dict[str, str] | None = None) -> list[Any]:
    """Return each parameter with what was said and what is wrong with it."""
    values = said(request, parameters)
    return [(one, values.get(one.name, one.default), (faults or {}).get(one.name, "")) for one in parameters]


def again(
    request: HttpRequest, template: str, parameters: tuple[Parameter, ...], refused: Refused, **context: Any
) -> HttpResponse:
    """Show the form again with what is wrong with it."""
    faults = {one.path: one.message for one in refused.faults}
    heading = context["scenario"].name if "scenario" in context else "All eight personas"
    problem = "" if faults else refused.detail
    context |= {"fields": fields(request, parameters, faults), "problem": problem, "crumbs": crumbs(heading)}
    return render(request, template, context, status=refused.status if refused.status == 409 else 422)


def label_of(parameters: tuple[Parameter, ...], name: str) -> str:
    """Return the label of a parameter."""
    return next((one.label for one in parameters if one.name == name), name)


def crumbs(last: str = "") -> list[dict[str, str]]:
    """Return where the page stands."""
    way = [{"label": "Segments", "url": reverse("segments")}]
    here = {"label": "Predefined scenarios", "url": reverse("segment_scenarios")}
    return [*way, here, {"label": last, "url": ""}] if last else [*way, {"label": here["label"], "url": ""}]
