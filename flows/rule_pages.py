"""What the panel of a rule shows besides its settings, and the page of those who wait for a person."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from flows import approving, canvas, naming, plans, trials
from flows.models import Enrollment, Flow
from workspace import clock
from workspace.audit import Actor
from workspace.problems import Refused

PAGE = 50
KINDS = ("ab_test", "approval")


@login_required
@require_http_methods(["GET", "POST"])
def flow_rule(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """Show the figures of an A/B test, or how many wait for a person; POST promotes a branch or lets the test go on."""
    flow = get_object_or_404(Flow.objects.select_related("version"), pk=pk)
    problem = ""
    if request.method == "POST":
        canvas.allow(request, "flows.run_flow")
        try:
            _promote(request, flow, key)
        except Refused as error:
            problem = error.detail
    return render(request, "flows/_rule.html", {**shown(request, flow, key), "problem": problem})


def _promote(request: HttpRequest, flow: Flow, key: str) -> None:
    actor = Actor.of(user=request.user)
    if port := request.POST.get("promote", ""):
        trials.promote(flow, key, port, actor=actor)
    elif "withdraw" in request.POST:
        trials.withdraw(flow, key, actor=actor)


def shown(request: HttpRequest, flow: Flow, key: str) -> dict[str, Any]:
    """Return what is told of a rule as it runs."""
    waiting = approving.waiting().filter(flow=flow, node=key).count()
    found = trials.results(flow, clock.now(), key).get(key)
    return {
        "flow": flow,
        "key": key,
        "test": found,
        "rows": [_row(one) for one in found["branches"]] if found else [],
        "waiting": waiting,
        "may_run": request.user.has_perm("flows.run_flow"),
    }


def _row(branch: dict[str, Any]) -> dict[str, Any]:
    per_cent = {name: f"{100 * branch[name]:.1f}" for name in ("share", "low", "high")}
    return {**branch, **per_cent}


@login_required
@require_http_methods(["GET", "POST"])
def approvals(request: HttpRequest) -> HttpResponse:
    """List who waits for a person, the longest waiting first; POST approves or refuses."""
    if request.method == "POST":
        canvas.allow(request, "flows.run_flow")
        canvas.refuse_nul(request)
        _decide(request)
        return redirect("flow_approvals")
    rows = list(approving.waiting().select_related("flow", "contact", "version")[: PAGE + 1])
    shown = {
        "rows": [_waiting(one) for one in rows[:PAGE]],
        "more": len(rows) > PAGE,
        "may_run": request.user.has_perm("flows.run_flow"),
        "live_url": request.path,
        "crumbs": [{"label": "Flows", "url": reverse("flows")}],
    }
    return render(request, "flows/_approvals.html" if request.headers.get("X-Live") else "flows/approvals.html", shown)


def _decide(request: HttpRequest) -> None:
    approved = request.POST.get("approve", "")
    chosen = approved or request.POST.get("refuse", "")
    ids = [int(chosen)] if chosen.isascii() and chosen.isdigit() and len(chosen) < 19 else []
    try:
        note = request.POST.get(f"note-{chosen}", "")
        approving.decide(ids, approved=bool(approved), note=note, actor=Actor.of(user=request.user))
        messages.success(request, "Approved." if approved else "Refused.")
    except Refused as error:
        messages.error(request, error.detail)


def _waiting(one: Enrollment) -> dict[str, Any]:
    node = plans.plans_of([one.version_id])[one.version_id].nodes.get(one.node)
    return {
        "enrollment": one,
        "name": naming.name_of(one.contact),
        "question": getattr(node.settings, "question", "") if node else "",
    }
