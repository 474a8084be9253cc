"""The canvas of a flow: its page, its actions and its fragments."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_http_methods, require_safe

from flows import canvas, dialogs, drafts, editing, edits, pasting, publishing, services, stats
from flows.editing import Outcome
from flows.form_reading import read_settings
from flows.forms import Choices, node_form
from flows.graph import GraphNode
from flows.library import own
from flows.list_pages import RESTING, shown_status
from flows.models import Flow, Node
from flows.nodes import KINDS
from workspace.audit import Actor
from workspace.problems import Refused, refuse

# The canvas -------------------------------------------------------------------------------------------------------------


@login_required
@require_http_methods(["GET", "POST"])
def flow(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the canvas of a flow; POST does one action on it."""
    found = get_object_or_404(Flow.objects.select_related("version"), pk=pk)
    if request.method == "POST":
        return act(request, found)
    key = canvas.asked(request, "node")
    shown = board(request, found, selected=key)
    if found.nodes.filter(key=key).exists():
        shown["panel"] = panel(found, key, drawn=shown["canvas"])
    return render(request, "flows/flow.html", shown)


def board(request: HttpRequest, found: Flow, *, selected: str = "") -> dict[str, Any]:
    """Return what the canvas and its head show."""
    drawn = canvas.draw(found, editing.folds(request, found))
    counted = stats.counts(found)
    editable = request.user.has_perm("flows.change_flow") and found.archived_at is None
    undo, redo = edits.words_of_next(found, request.user.pk) if editable else ("", "")
    return {
        "flow": found,
        "canvas": drawn,
        "selected": selected,
        "editable": editable,
        "may_run": request.user.has_perm("flows.run_flow") and found.archived_at is None,
        "palette": canvas.PALETTE,
        "totals": counted["totals"],
        "strips": canvas.strips(counted, drawn.picture, drawn.graph),
        "unpublished": publishing.differs(found),
        "undo_words": undo,
        "redo_words": redo,
        "shown_status": shown_status(found),
        "resting": RESTING,
        "builder": builder_doors(),
    }


def builder_doors() -> dict[str, str]:
    """Return the addresses that the criteria builder asks."""
    return {"catalogue": door("segments_catalogue"), "preview": door("segments_preview")}


def door(name: str, *args: Any) -> str:
    """Return the address of a page that may not be there."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def panel(
    found: Flow, key: str, *, sent: Any = None, problem: Refused | None = None, drawn: canvas.Canvas | None = None
) -> dict[str, Any]:
    """Return what the panel of a node shows: its settings as stored, or as sent with what is wrong with them."""
    row = found.nodes.get(key=key)
    kind = KINDS[row.kind]
    choices = replace(canvas.load_choices(), nodes=canvas.places_of(drawn.graph if drawn else drafts.load(found), key))
    raw = row.settings if sent is None else read_settings(kind, sent, choices, row.settings)[0]
    faults = editing.at_panel(problem) if problem else canvas.faults_at(found, key, drawn) if row.settings else []
    known = set(kind.Settings.model_fields)
    node = GraphNode(row.key, row.kind, row.name, row.note, row.settings)
    return {
        "key": key,
        "kind": row.kind,
        "group": kind.group,
        "icon": canvas.icon_of(kind),
        "label": kind.label,
        "description": kind.description,
        "name": row.name if sent is None else sent.get("name", ""),
        "note": row.note if sent is None else sent.get("note", ""),
        "words": canvas.said_of(node, drawn.names if drawn else canvas.names_of_used()),
        "form": node_form(kind, raw, choices, faults),
        "loose_faults": [one.message for one in faults if one.path.split(".")[0].split("[")[0] not in known],
        "problem": problem.detail if problem and not problem.faults else "",
        "attributes": [one.removeprefix("customProperties.") for one in choices.attributes],
        "sources": panel_sources(found, choices),
        "links": panel_links(raw),
    }


def panel_sources(found: Flow, choices: Choices) -> list[str]:
    """Return what values can be taken from: properties of the event that starts the flow, and answers of webhooks."""
    kinds = found.nodes.filter(kind__in=("event", "webhook")).values_list("key", "kind", "settings")
    events = [settings.get("event_name", "") for _, kind, settings in kinds if kind == "event"]
    answers = [f"{key}.{part}" for key, kind, _ in kinds if kind == "webhook" for part in ("status", "body.")]
    return [*(name for event in events for name in sorted(choices.properties.get(event, {}))), *answers]


def panel_links(raw: dict[str, Any]) -> dict[str, str]:
    """Return where to look at, or make, what a node names."""
    template = canvas.template_of(str(raw.get("template", "")))
    return {
        "segments": door("segments"),
        "lists": door("lists"),
        "templates": door("templates"),
        "destinations": door("destinations"),
        "template": door("template", template) if template else "",
    }


def act(request: HttpRequest, found: Flow) -> HttpResponse:
    """Do what a button, a drop or a key asked for, and answer with the new canvas."""
    canvas.refuse_nul(request)
    name = request.POST.get("do", "")
    if name in ("duplicate", "archive", "delete"):
        return whole(request, found, name)
    if name == "template":
        return keep(request, found)
    try:
        outcome = _do(request, found, name)
    except Refused as error:
        return refused(request, found, name, error)
    if "HX-Request" not in request.headers:
        return redirect(_address(found, outcome.open or ""))
    return answer(request, Flow.objects.select_related("version").get(pk=found.pk), outcome)


def _address(found: Flow, key: str) -> str:
    return reverse("flow", args=[found.pk]) + (f"?{urlencode({'node': key})}" if key else "")


def _do(request: HttpRequest, found: Flow, name: str) -> Outcome:
    if name in dialogs.DEEDS:
        canvas.allow(request, "flows.run_flow")
        return dialogs.DEEDS[name](request, found, Actor.of(user=request.user))
    if name == "fold":
        return editing.fold(request, found)
    canvas.allow(request, "flows.change_flow")
    if name not in editing.ACTIONS:
        raise refuse("do", "There is no such action.")
    return editing.act(request, found, editing.ACTIONS[name])


def answer(request: HttpRequest, found: Flow, outcome: Outcome) -> HttpResponse:
    """Answer with the canvas in parts: head, board, and the panel where it changes."""
    opened = request.POST.get("open", "") if outcome.open is None else outcome.open
    shown = board(request, found, selected=opened)
    shown["panel_changes"] = outcome.open is not None
    if outcome.open:
        shown["panel"] = panel(found, outcome.open, drawn=shown["canvas"])
    response = render(request, "flows/_answer.html", shown)
    events = {"canvas": {"node": opened, "focus": outcome.focus}, "announce": {"text": outcome.words}}
    response["HX-Trigger"] = json.dumps(events)
    return response


def refused(request: HttpRequest, found: Flow, name: str, error: Refused) -> HttpResponse:
    """Show what is wrong where the person looks: in the panel, in the dialog, or above the canvas."""
    key = request.POST.get("node", "")
    if "HX-Request" not in request.headers:
        return refused_whole(request, found, key, error)
    if editing.conflict(error):
        found.refresh_from_db()
        theirs = edits.since(found, editing.seen_revision(request), request.user.pk)
        shown = board(request, found, selected=key) | {"theirs": theirs, "act": name}
        shown["same"] = any(key in one.parts["nodes"] for one in theirs)
        return render(request, "flows/_conflict.html", shown, status=409)
    if name == "change" and found.nodes.filter(key=key).exists():
        shown = {"flow": found, "editable": True, "builder": builder_doors()}
        shown["panel"] = panel(found, key, sent=request.POST, problem=error)
        return render(request, "flows/_refused_panel.html", shown, status=422)
    if name in dialogs.DEEDS:
        shown = dialogs.context(found, name, error, request.POST) | {"builder": builder_doors(), "editable": True}
        shown["dialog_template"] = f"flows/dialogs/{name}.html"
        return render(request, "flows/_refused_dialog.html", shown, status=422)
    response = HttpResponse(status=error.status if error.status in (400, 403, 404, 409) else 400)
    response["HX-Trigger"] = json.dumps({"toast": {"level": "warning", "text": error.detail}})
    return response


def refused_whole(request: HttpRequest, found: Flow, key: str, error: Refused) -> HttpResponse:
    """Show the whole page again with what was typed: it was sent before the scripts had come."""
    found.refresh_from_db()
    shown = board(request, found, selected=key)
    if found.nodes.filter(key=key).exists():
        shown["panel"] = panel(found, key, sent=request.POST, problem=error, drawn=shown["canvas"])
    else:
        messages.error(request, error.detail)
    return render(request, "flows/flow.html", shown, status=error.status)


def keep(request: HttpRequest, found: Flow) -> HttpResponse:
    """Keep the draft as a template of one's own."""
    canvas.allow(request, "flows.add_flow")
    try:
        made = own.keep(found, actor=Actor.of(user=request.user), name=request.POST.get("name", ""))
    except Refused as error:
        messages.error(request, error.detail)
        return redirect("flow", pk=found.pk)
    messages.success(request, f"“{made.name}” stands among your own templates now, with copies of what it needs.")
    return redirect("flow_templates")


def whole(request: HttpRequest, found: Flow, name: str) -> HttpResponse:
    """Duplicate, archive or delete the flow as a whole."""
    actor = Actor.of(user=request.user)
    canvas.allow(
        request, {"duplicate": "flows.add_flow", "archive": "flows.change_flow"}.get(name, "flows.delete_flow")
    )
    try:
        if name == "duplicate":
            copy = services.duplicate_flow(found, actor=actor)
            messages.success(request, f"“{copy.name}” is a copy; change it as you like.")
            return redirect("flow", pk=copy.pk)
        if name == "archive":
            services.archive_flow(found, actor=actor)
            messages.success(request, f"“{found.name}” is archived.")
        else:
            services.delete_flow(found, actor=actor)
            messages.success(request, f"“{found.name}” is deleted.")
    except Refused as error:
        messages.error(request, error.detail)
    return redirect("flows")


# Fragments --------------------------------------------------------------------------------------------------------------


@login_required
@require_safe
def flow_copy(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """Answer a node, or its whole branch, as a document that can be pasted into any flow."""
    found = get_object_or_404(Flow, pk=pk)
    try:
        return JsonResponse(pasting.copy(found, key, below=bool(request.GET.get("below"))))
    except Refused as error:
        return JsonResponse({"detail": error.detail}, status=error.status)


@login_required
@require_http_methods(["GET", "POST"])
def flow_node(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """Answer the panel of a node; POST answers what is wrong with settings still being typed."""
    found = get_object_or_404(Flow, pk=pk)
    row = get_object_or_404(Node, flow=found, key=key)
    if request.method == "POST":
        canvas.allow(request, "flows.change_flow")
        canvas.refuse_nul(request)
        settings, faults = read_settings(KINDS[row.kind], request.POST, canvas.load_choices(), row.settings)
        faults = faults or canvas.faults_of(found, row.kind, settings)
        return JsonResponse({"faults": [one.as_json() for one in faults]})
    editable = request.user.has_perm("flows.change_flow") and found.archived_at is None
    shown = {"flow": found, "panel": panel(found, key), "editable": editable, "builder": builder_doors()}
    response = render(request, "flows/_refused_panel.html", shown)
    response["HX-Trigger"] = json.dumps({"canvas": {"node": key, "focus": "panel"}})
    return response


@login_required
@require_safe
def flow_dialog(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Answer a dialog with the numbers of now."""
    if name not in dialogs.NAMES:
        raise Http404
    found = get_object_or_404(Flow.objects.select_related("version"), pk=pk)
    template = "activate" if name == "resume" else name
    shown = {**dialogs.context(found, name), "builder": builder_doors(), "editable": True}
    return HttpResponse(render_to_string(f"flows/dialogs/{template}.html", shown, request))


@login_required
@require_safe
def flow_counts(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer the counts on the cards."""
    found = get_object_or_404(Flow, pk=pk)
    graph = drafts.load(found)
    picture, _, _ = canvas.picture_of(graph, counts=True, folded=editing.folds(request, found))
    strips = canvas.strips(stats.counts(found), picture, graph)
    return render(request, "flows/_counts.html", {"flow": found, "strips": strips})


@login_required
@require_safe
def flow_totals(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer the totals in the head."""
    found = get_object_or_404(Flow, pk=pk)
    return render(request, "flows/_totals.html", {"flow": found, "totals": stats.counts(found)["totals"]})
