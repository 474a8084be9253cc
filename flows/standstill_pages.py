"""The page of who is overdue or stuck, and the verbs for many that it shares with the page of people."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from flows import asking, canvas, naming, standstill, sweeping
from flows.graph import Graph
from flows.models import Enrollment, Flow
from flows.standstill import COUNTED, KINDS, Wanted
from workspace import clock
from workspace.audit import Actor
from workspace.models import Job
from workspace.problems import Refused

PAGE = 50
LATE = ((5, "5 minutes"), (15, "15 minutes"), (60, "an hour"), (24 * 60, "a day"))
SAID = {"retry": "tried again", "skip": "went on", "move": "moved", "exit": "taken out"}


@login_required
@require_http_methods(["GET", "POST"])
def stuck(request: HttpRequest) -> HttpResponse:
    """List who is overdue or stuck, and why; POST does one verb to those chosen, or to all who are shown."""
    try:
        wanted = _wanted(request)
    except Refused as error:
        messages.error(request, error.detail)
        return redirect("flows_stuck")
    if request.method == "POST":
        act(request, wanted)
        return redirect(request.get_full_path())
    shown = listed(request, wanted, clock.now())
    return render(request, "flows/_stuck.html" if request.headers.get("HX-Request") else "flows/stuck.html", shown)


def _wanted(request: HttpRequest) -> Wanted:
    slug = canvas.asked(request, "flow")
    flow = Flow.objects.filter(slug=slug).first() if slug else None
    return standstill.read(request.GET, flow.pk if flow else None, stuck="any")


def listed(request: HttpRequest, wanted: Wanted, at: datetime) -> dict[str, Any]:
    """Return one page of them, newest first, with how many stand still in each way."""
    before = canvas.asked(request, "before")
    rows = standstill.newest(wanted, at, PAGE + 1, int(before) if before.isdecimal() and len(before) < 19 else None)
    keep = {key: str(value) for key, value in request.GET.items() if key != "before" and value}
    flow = Flow.objects.filter(pk=wanted.flow).first() if wanted.flow else None
    counts = standstill.counts(wanted, at)
    return {
        "wanted": wanted,
        "tabs": _tabs(wanted, counts, keep),
        "rows": _rows(rows[:PAGE], at),
        "flows": list(Flow.objects.filter(archived_at=None).order_by("name").values_list("slug", "name")),
        "flow": flow,
        "minutes": LATE if wanted.minutes in dict(LATE) else ((wanted.minutes, f"{wanted.minutes:,} minutes"), *LATE),
        "older": f"?{urlencode({**keep, 'before': rows[PAGE - 1].pk})}" if len(rows) > PAGE else "",
        "newer": f"?{urlencode(keep)}" if before else "",
        "live_url": request.get_full_path(),
        "crumbs": [{"label": "Flows", "url": reverse("flows")}],
        **sweeping_shown(request, flow),
    }


def sweeping_shown(request: HttpRequest, flow: Flow | None) -> dict[str, Any]:
    """Return what the verbs for many show: whether one may, where one can move to, and the jobs under way."""
    return {
        "may_run": request.user.has_perm("flows.run_flow"),
        "places": places(flow) if flow else [],
        "sweeps": [(job, SAID[job.request["verb"]]) for job in sweeping.standing()],
    }


def places(flow: Flow) -> list[tuple[str, str]]:
    """Return the steps of the published version that somebody can be moved to, by name."""
    if flow.version is None:
        return []
    graph, names = naming.graph_of(flow.version.graph), canvas.names_of_used()
    steps = [
        node for node in graph.nodes.values() if node.type and node.type.group != "trigger" and not node.type.is_note
    ]
    return [(node.key, naming.title_of(graph, node.key, names)) for node in steps]


def _tabs(wanted: Wanted, counts: Mapping[str, int], keep: Mapping[str, str]) -> list[dict[str, Any]]:
    labels = {
        "any": ("All", "Everybody who is overdue or stuck"),
        **{key: (one.label, one.about) for key, one in KINDS.items()},
    }
    every = {"any": sum(counts.values()), **counts}
    return [
        {
            "label": label,
            "about": about,
            "count": f"{COUNTED:,}+" if every[key] > COUNTED else f"{every[key]:,}",
            "url": f"?{urlencode({**keep, 'stuck': key})}",
            "chosen": wanted.stuck == key,
        }
        for key, (label, about) in labels.items()
    ]


def _rows(found: list[Enrollment], at: datetime) -> list[dict[str, Any]]:
    last = asking.last_steps([one.pk for one in found]) if found else {}
    graphs: dict[int, Graph] = {}
    names = canvas.names_of_used() if found else {}
    for one in found:
        graphs.setdefault(one.version_id, naming.graph_of(one.version.graph))
    return [_row(one, graphs[one.version_id], names, last.get(one.pk), at) for one in found]


def _row(
    one: Enrollment, graph: Graph, names: Mapping[str, str], last: datetime | None, at: datetime
) -> dict[str, Any]:
    kind = standstill.kind_of(one, at)
    since = one.ended_at or (one.due_at if kind == "overdue" else last or one.entered_at)
    return {
        "enrollment": one,
        "name": naming.name_of(one.contact),
        "title": naming.title_of(graph, one.node, names),
        "kind": kind,
        "label": KINDS[kind].label if kind else "",
        "why": standstill.why(one, at)[:300],
        "since": since,
        "next": one.due_at if kind in ("retrying", "blocked") else None,
    }


# One verb for many, on whichever page ------------------------------------------------------------------------------------


def act(request: HttpRequest, wanted: Wanted) -> None:
    """Do one verb to those chosen, or to all who are wanted, or stop a job; say what came of it."""
    canvas.allow(request, "flows.run_flow")
    canvas.refuse_nul(request)
    try:
        _act(request, wanted)
    except Refused as error:
        messages.error(request, error.detail)


def _act(request: HttpRequest, wanted: Wanted) -> None:
    actor = Actor.of(user=request.user)
    if stopped := request.POST.get("stop", ""):
        job = get_object_or_404(
            Job, kind=sweeping.KIND, pk=int(stopped) if stopped.isdecimal() and len(stopped) < 19 else 0
        )
        sweeping.cancel(job, actor=actor)
        messages.success(request, "It stops. What is done stays done.")
        return
    verb, to = request.POST.get("do") or request.POST.get("do_all") or "", request.POST.get("to", "")
    ids = (
        None
        if "do_all" in request.POST
        else [int(one) for one in request.POST.getlist("chosen") if one.isdecimal() and len(one) < 19]
    )
    if ids == []:
        messages.warning(request, "Nobody was chosen.")
        return
    tell(request, verb, sweeping.sweep(verb, actor=actor, to=to if verb == "move" else "", ids=ids, wanted=wanted))


def tell(request: HttpRequest, verb: str, swept: sweeping.Swept) -> None:
    """Say what came of it."""
    if swept.job is not None:
        messages.success(request, f"{swept.job.total:,} journeys are done in chunks; you may leave this page.")
        return
    assert swept.tended is not None
    if swept.tended.done:
        journeys = "journey" if swept.tended.done == 1 else "journeys"
        messages.success(request, f"{swept.tended.done:,} {journeys} {SAID[verb]}.")
    for why, count in swept.tended.left.most_common(5):
        messages.warning(request, f"{count:,} left as they are: {why}")
    if not swept.tended.done and not swept.tended.left:
        messages.warning(request, "Nobody was found.")
