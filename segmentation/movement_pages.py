"""The page of how contacts move between personas, month by month."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET, require_http_methods

from segmentation.catalogue import load_catalogue
from segmentation.scenario_pages import ADD, fields, said
from segmentation.scenarios import PERSONAS, SCENARIOS, THRESHOLDS, reckoning
from workspace.audit import Actor
from workspace.problems import Refused

TONES = {one.slug: one.color for one in PERSONAS}
NOBODY = "In none of them"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def movement(request: HttpRequest) -> HttpResponse:
    """Show the newest reckoning, how a running one stands, and start or cancel one."""
    problem = press(request) if request.method == "POST" else ""
    if request.method == "POST" and not problem:
        return redirect("segment_movement")
    done = reckoning.latest()
    context = {
        "running": reckoning.current(),
        "latest": done,
        "fields": fields(request, THRESHOLDS),
        "problem": problem,
        "crumbs": [
            {"label": "Segments", "url": reverse("segments")},
            {"label": "Predefined scenarios", "url": reverse("segment_scenarios")},
            {"label": "How personas move", "url": ""},
        ],
        **(month_of(done.result, request.GET.get("month", "")) if done and done.result else {}),
    }
    template = "segmentation/_movement.html" if request.headers.get("X-Live") else "segmentation/movement.html"
    return render(request, template, context, status=422 if problem else 200)


def press(request: HttpRequest) -> str:
    """Start or cancel; return what is wrong."""
    if not request.user.has_perm(ADD):
        raise PermissionDenied
    if "cancel" in request.POST:
        reckoning.cancel()
        return ""
    try:
        reckoning.ask(said(request, THRESHOLDS), actor=Actor.of(user=request.user))
    except Refused as refused:
        return " ".join(fault.message for fault in refused.faults) or refused.detail
    return ""


def month_of(result: dict[str, Any], chosen: str) -> dict[str, Any]:
    """Return one month of a reckoning: sizes before and after, who moved where, the most first."""
    last = len(result["moved"]) - 1
    turn = int(chosen) if chosen.isdecimal() and len(chosen) < 4 and int(chosen) <= last else last
    months = [{"turn": n, "label": label_of(at), "chosen": n == turn} for n, at in enumerate(result["at"][1:])]
    people = {(before, after): n for before, after, n in result["moved"][turn]}
    moves = sorted(((n, *pair) for pair, n in people.items() if pair[0] != pair[1]), reverse=True)
    slugs = ["", *result["slugs"]]
    return {
        "months": months[::-1],
        "moves": [
            {"label": f"{name_of(a)} → {name_of(b)}", "value": n, "percent": share(n, moves)} for n, a, b in moves[:12]
        ],
        "columns": [name_of(slug) for slug in slugs],
        "matrix": [(name_of(a), TONES.get(a, ""), [cell(people, a, b) for b in slugs]) for a in slugs],
    }


def cell(people: dict[tuple[str, str], int], before: str, after: str) -> dict[str, Any]:
    """Return one cell of the table: how many, and whether they stayed."""
    return {"people": people.get((before, after)), "stayed": before == after, "unknown": before == after == ""}


def share(people: int, moves: list[Any]) -> float:
    """Return a bar's length in per cent of the longest."""
    return 100 * people / int(moves[0][0])


def name_of(slug: str) -> str:
    """Return the name of a persona."""
    return SCENARIOS[slug].name if slug in SCENARIOS else NOBODY


def label_of(at: str) -> str:
    """Name the month that ends at an instant."""
    instant = parse_datetime(at)
    assert instant is not None
    local = instant.astimezone(ZoneInfo(load_catalogue().zone))
    if (local.day, local.hour, local.minute) == (1, 0, 0):
        local = datetime.fromtimestamp(local.timestamp() - 1, local.tzinfo)
        return f"{local:%B %Y}"
    return f"{local:%B %Y} so far"


@login_required
@require_GET
def chart(request: HttpRequest) -> HttpResponse:
    """Answer the sizes of all personas at each instant, for the chart."""
    done = reckoning.latest()
    if done is None or not done.result:
        return JsonResponse({"times": [], "series": []})
    instants = [parse_datetime(one) for one in done.result["at"]]
    sizes = done.result["sizes"]
    series = [
        {"label": name_of(slug), "values": [one.get(slug, 0) for one in sizes], "kind": "line"}
        for slug in done.result["slugs"]
    ]
    return JsonResponse({"times": [int(one.timestamp()) for one in instants if one], "series": series})
