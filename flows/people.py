"""The pages of people on their way: who stands where and why, and one contact's whole way step by step."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_http_methods

from contacts.models import Contact
from flows import canvas, drafts, services, standstill, standstill_pages
from flows.graph import Graph, GraphNode
from flows.models import Enrollment, Flow, Step
from flows.naming import graph_of, name_of, title_of
from flows.standstill import Wanted
from flows.trigger_pages import enrolling
from workspace import clock
from workspace.audit import Actor
from workspace.problems import Refused

PAGE = 50
STEPS = 500
DEEDS: dict[str, tuple[Callable[..., int], str]] = {
    "exit": (services.exit_enrollments, "Taken out."),
    "retry": (services.retry_enrollments, "It is tried again now."),
    "skip": (services.skip_enrollments, "That step is skipped."),
    "move": (services.move_enrollments, "Moved."),
}
CAUSES = {
    "transition": "Met the segment trigger",
    "event": "Did what the trigger waits for",
    "list": "Was put on or taken off the list",
    "attribute": "Had the attribute changed",
    "date": "Had the date come",
    "schedule": "Was in the audience when the schedule came",
    "finished": "Finished the other flow",
    "still": "Was still in the segment",
    "resume": "Qualified while the flow was paused",
    "activation": "Was a member when the flow was activated",
    "gap": "Still qualified when the wait before re-entry ended",
    "manual": "Put in by hand",
    "api": "Put in by a program",
    "restart": "Met the restart condition",
}


@login_required
@require_http_methods(["GET", "POST"])
def flow_people(request: HttpRequest, pk: int) -> HttpResponse:
    """List who stands in a flow, by node and state; POST takes somebody out or tries again."""
    flow = get_object_or_404(Flow, pk=pk)
    if request.method == "POST":
        _act(request, flow)
        return redirect(request.get_full_path())
    shown = listed(request, flow)
    return render(request, "flows/_people.html" if request.headers.get("HX-Request") else "flows/people.html", shown)


def _act(request: HttpRequest, flow: Flow) -> None:
    if {"do", "do_all", "stop"} & request.POST.keys():
        standstill_pages.act(request, _wanted(request, flow))
        return
    for name in DEEDS:
        if chosen := request.POST.get(name, ""):
            pk = int(chosen) if chosen.isdecimal() and len(chosen) < 19 else 0
            do(request, get_object_or_404(Enrollment, pk=pk, flow=flow), name)


def _wanted(request: HttpRequest, flow: Flow) -> Wanted:
    """Return who is meant by the address; a status that is none means all."""
    status = canvas.asked(request, "status")
    known = status if status in Enrollment.Status.values else ""
    return Wanted("", flow.pk, canvas.asked(request, "node"), known, canvas.asked(request, "q")[:120])


def listed(request: HttpRequest, flow: Flow) -> dict[str, Any]:
    """Return one page of people, newest first, by their ids so that it stays fast."""
    wanted, before = _wanted(request, flow), request.GET.get("before", "")
    node, status = wanted.node, wanted.status
    earlier = int(before) if before.isdecimal() and len(before) < 19 else None
    rows = standstill.newest(wanted, clock.now(), PAGE + 1, earlier)
    names = canvas.names_of_used()
    draft = drafts.load(flow)
    keep = {"node": node, "status": status, "q": wanted.q}
    return {
        "flow": flow,
        "node": node,
        "at_title": title_of(draft, node, names) if node else "",
        "status": status,
        "q": wanted.q,
        "states": Enrollment.Status.choices,
        "people": [_person(row, draft, names) for row in rows[:PAGE]],
        "newer": f"?{urlencode(keep)}" if before else "",
        "older": f"?{urlencode({**keep, 'before': rows[PAGE - 1].pk})}" if len(rows) > PAGE else "",
        "live_url": request.get_full_path(),
        **standstill_pages.sweeping_shown(request, flow),
        **enrolling(flow),
        "crumbs": [
            {"label": "Flows", "url": reverse("flows")},
            {"label": flow.name, "url": reverse("flow", args=[flow.pk])},
        ],
    }


def _person(row: Enrollment, draft: Graph, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "enrollment": row,
        "name": name_of(row.contact),
        "email": row.contact.email or "",
        "title": title_of(draft, row.node, names),
        "why": row.error.splitlines()[0][:120] if row.error else row.reason or row.parked,
    }


def do(request: HttpRequest, enrollment: Enrollment, name: str) -> None:
    """Do one thing to somebody's way, and say what came of it."""
    canvas.allow(request, "flows.run_flow")
    deed, words = DEEDS[name]
    where = {"to": request.POST.get("to", "")} if name == "move" else {}
    try:
        deed([enrollment.pk], actor=Actor.of(user=request.user), **where)
        messages.success(request, words)
    except Refused as error:
        messages.error(request, error.detail)


@login_required
@require_http_methods(["GET", "POST"])
def enrollment(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one contact's way through a flow, step by step, with what each decision saw."""
    found = get_object_or_404(Enrollment.objects.select_related("flow", "version", "contact", "entry"), pk=pk)
    if request.method == "POST":
        name = request.POST.get("do", "")
        if name in DEEDS:
            do(request, found, name)
        return redirect("enrollment", pk=pk)
    shown = replay(found)
    shown |= {"may_run": request.user.has_perm("flows.run_flow"), "contact_url": _contact_url(found.contact_id)}
    if request.headers.get("X-Live"):
        return render(request, "flows/_replay_live.html", shown)
    return render(request, "flows/enrollment.html", shown)


def _contact_url(pk: int) -> str:
    try:
        return reverse("contact", args=[pk])
    except NoReverseMatch:
        return ""


def replay(found: Enrollment) -> dict[str, Any]:
    """Return the steps of an enrollment in words, by the version it is on."""
    graph = graph_of(found.version.graph)
    names = canvas.names_of_used()
    steps = Step.objects.filter(enrollment=found, entered_on=found.entered_on).order_by("visit")[:STEPS]
    entry = found.entry
    return {
        "enrollment": found,
        "flow": found.flow,
        "name": name_of(found.contact),
        "places": [(node.key, title_of(graph, node.key, names)) for node in graph.nodes.values() if _is_step(node)],
        "trouble": standstill.why(found, clock.now()) if standstill.kind_of(found, clock.now()) else "",
        "cause": CAUSES.get(entry.source_kind, entry.source_kind) if entry else "",
        "here": title_of(graph, found.node, names),
        "steps": [_step(step, graph, names) for step in steps],
        "crumbs": [
            {"label": "Flows", "url": reverse("flows")},
            {"label": found.flow.name, "url": reverse("flow", args=[found.flow_id])},
            {"label": "People", "url": reverse("flow_people", args=[found.flow_id])},
        ],
    }


def _is_step(node: GraphNode) -> bool:
    return node.type is not None and node.type.group != "trigger" and not node.type.is_note


def _step(step: Step, graph: Graph, names: Mapping[str, str]) -> dict[str, Any]:
    node = graph.nodes.get(step.node)
    ports = {port.name: port.label for port in node.ports()} if node else {}
    several = len(ports) > 1
    return {
        "title": title_of(graph, step.node, names),
        "at": step.at,
        "icon": canvas.icon_of(node.type if node else None),
        "tone": {"trigger": "blue", "action": "teal"}.get(node.type.group if node and node.type else "", "amber"),
        "way": ports.get(step.port, step.port) if several else "",
        "saw": [(key.replace("_", " ").capitalize(), _said(value)) for key, value in step.saw.items()],
    }


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def panel(contact: Contact) -> tuple[str, dict[str, Any]]:
    """Return the flows of a contact for the contact's page, newest first: where now, what next, how it ended."""
    found = Enrollment.objects.filter(contact_id=contact.pk).select_related("flow").order_by("-id")
    return "flows/_contact_panel.html", {"journeys": list(found[:20])}
