"""The list of flows, and making one."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from flows import canvas, many, services, stats
from flows.graph import GraphNode
from flows.models import Flow, Node
from segmentation.listing import points
from workspace import clock
from workspace.audit import Actor
from workspace.problems import Refused, refuse

PAGE = 50
RESTING = ("draft", "ended")
ORDERS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "": ("Last changed", (F("updated_at").desc(), "-id")),
    "name": ("Name", (Lower("name"), "id")),
    "published": ("Last published", (F("version__published_at").desc(nulls_last=True), "-id")),
    "created": ("Newest", ("-id",)),
}


@login_required
@require_http_methods(["GET", "POST"])
def flows(request: HttpRequest) -> HttpResponse:
    """List the flows; POST makes one."""
    if request.method == "POST":
        return create(request) if request.POST.get("do", "create") == "create" else act(request)
    shown = listed(request)
    return render(request, "flows/_rows.html" if request.headers.get("HX-Request") else "flows/list.html", shown)


def listed(request: HttpRequest) -> dict[str, Any]:
    """Return what the list shows: one page of flows with their totals."""
    words, status = canvas.asked(request, "q"), canvas.asked(request, "status")
    label, order = canvas.asked(request, "label"), canvas.asked(request, "sort")
    page = max(1, int(request.GET.get("page", "1")) if request.GET.get("page", "1").isdecimal() else 1)
    matching = _matching(words, status, label).order_by(*ORDERS.get(order, ORDERS[""])[1])
    found = list(matching.select_related("version", "owner")[(page - 1) * PAGE : page * PAGE + 1])
    ids = [flow.pk for flow in found]
    totals, starts = stats.totals(ids), stats.starts(ids, at=clock.now())
    names = canvas.names_of_used()
    rows = [_row(flow, totals.get(flow.pk, {}), names, starts.get(flow.pk, [])) for flow in found[:PAGE]]
    address = request.GET.copy()

    def turned(number: int) -> str:
        address["page"] = str(number)
        return f"?{address.urlencode()}"

    return {
        "flows": rows,
        "q": words,
        "status": status,
        "states": [*Flow.Status.choices, ("archived", "Archived")],
        "label": label,
        "labels": _labels(),
        "sort": order,
        "orders": [(name, said) for name, (said, _) in ORDERS.items()],
        "triggers": canvas.TRIGGERS,
        "newer": turned(page - 1) if page > 1 else "",
        "older": turned(page + 1) if len(found) > PAGE else "",
        "live_url": request.get_full_path(),
    }


def _labels() -> list[str]:
    """Return the labels that flows have, for the filter."""
    return sorted(
        {one for labels in Flow.objects.exclude(labels=[]).values_list("labels", flat=True) for one in labels}
    )


def _matching(words: str, status: str, label: str) -> QuerySet[Flow]:
    triggers = [entry.kind for entry in canvas.TRIGGERS]
    first = Node.objects.filter(flow=OuterRef("pk"), kind__in=triggers).order_by("id")
    found = Flow.objects.annotate(
        trigger_kind=Subquery(first.values("kind")[:1]), trigger_settings=Subquery(first.values("settings")[:1])
    )
    found = found.filter(archived_at__isnull=status != "archived")
    if status in Flow.Status.values:
        found = found.filter(status=status)
    if words:
        found = found.filter(Q(name__icontains=words) | Q(slug__icontains=words))
    return found.filter(labels__contains=[label]) if label else found


def _row(flow: Any, totals: dict[str, int], names: Mapping[str, str], starts: list[int]) -> dict[str, Any]:
    trigger = GraphNode("", flow.trigger_kind or "", settings=flow.trigger_settings or {})
    return {
        "flow": flow,
        "status": shown_status(flow),
        "trigger": _trigger_words(trigger, names),
        "totals": totals,
        "points": points(starts) if any(starts) else "",
        "spark": f"{sum(starts):,} started in 14 days",
        "may_archive": flow.status in RESTING and flow.archived_at is None,
    }


def _trigger_words(trigger: GraphNode, names: Mapping[str, str]) -> str:
    if not trigger.kind:
        return "No trigger yet"
    return canvas.said_of(trigger, names) or "The trigger is not set up yet"


def shown_status(flow: Flow) -> str:
    """Return the word of the status pill."""
    return "archived" if flow.archived_at else flow.status


def act(request: HttpRequest) -> HttpResponse:
    """Do one verb to all flows that were chosen, and say what became of them."""
    verb = request.POST["do"]
    chosen = [int(one) for one in request.POST.getlist("chosen") if one.isdecimal() and len(one) < 19]
    try:
        canvas.allow(request, many.right(verb))
        found = Flow.objects.filter(pk__in=chosen).select_related("version").order_by("pk")
        outcomes = many.at_once(list(found), verb, actor=Actor.of(user=request.user))
    except Refused as error:
        messages.error(request, error.detail)
        return redirect(request.get_full_path())
    done = [one for one in outcomes if one.done]
    if done:
        messages.success(request, done[0].said if len(done) == 1 else f"Done for {len(done):,} flows.")
    for one in outcomes:
        if not one.done:
            messages.warning(request, one.said)
    return redirect(request.get_full_path())


def create(request: HttpRequest) -> HttpResponse:
    """Make a flow with its trigger and go to its canvas."""
    canvas.allow(request, "flows.add_flow")
    canvas.refuse_nul(request)
    name, trigger = request.POST.get("name", "").strip(), request.POST.get("trigger", "")
    try:
        if not name:
            raise refuse("name", "Give the flow a name.")
        flow = services.create_flow(name=name, actor=Actor.of(user=request.user), trigger_kind=trigger or None)
    except Refused as error:
        said = [one.message for one in error.faults] or [error.detail]
        shown = {**listed(request), "create_errors": said, "create_name": name}
        return render(request, "flows/list.html", shown, status=422)
    first = flow.nodes.values_list("key", flat=True).first()
    return redirect(reverse("flow", args=[flow.pk]) + (f"?node={first}" if first else ""))
