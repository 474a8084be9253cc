"""What the panel of a trigger shows besides its settings, and putting people in by hand."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from pydantic import ValidationError

from contacts.services import find_contacts
from flows import activation, asking, audiences, canvas, clocked, drafts, entry, hooks, places, services
from flows.models import Flow
from flows.nodes import KINDS
from flows.trigger_models import Hook, HookSample
from segmentation.models import Segment
from workspace import clock
from workspace.audit import Actor
from workspace.models import Job
from workspace.problems import Refused

MOST_NAMED = 1000


@login_required
@require_http_methods(["GET", "POST"])
def flow_trigger(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the address, the samples or the next dates of a flow's trigger; POST gives it another address."""
    flow = get_object_or_404(Flow.objects.select_related("version"), pk=pk)
    if request.method == "POST":
        canvas.allow(request, "flows.change_flow")
        hooks.rotate(flow, actor=Actor.of(user=request.user))
    return render(request, "flows/_trigger.html", shown(flow, may_change=request.user.has_perm("flows.change_flow")))


def shown(flow: Flow, *, may_change: bool) -> dict[str, Any]:
    """Return what is told of a flow's trigger."""
    trigger = drafts.load(flow).trigger
    kind = trigger.kind if trigger else ""
    told: dict[str, Any] = {"flow": flow, "kind": kind, "editable": may_change and flow.archived_at is None}
    if kind == hooks.KIND:
        samples = list(HookSample.objects.filter(hook__flow=flow).order_by("-id")[: hooks.KEPT])
        newest = next((one.body for one in samples if one.body), None)
        told |= {
            "address": hooks.address_of(flow) if may_change else "",
            "hook": Hook.objects.filter(flow=flow, former_until__gt=clock.now()).first(),
            "samples": [
                (one, json.dumps(one.body, indent=2, ensure_ascii=False) if one.body else "") for one in samples
            ],
            "places": places.places_in(newest, 30) if newest else [],
        }
    elif kind == "schedule" and trigger:
        found = next_dates(flow, trigger.settings)
        told["next"] = [f"{one:%A %d %B %Y, %H:%M} ({one.tzinfo})" for one in found]
    elif kind == "date_attribute":
        told["mark"] = getattr(flow, "mark", None)
    return told


def next_dates(flow: Flow, raw: Any) -> list[datetime]:
    """Return the next three dates of a schedule as it is set in the draft, in its zone; none while it cannot be read."""
    try:
        settings = KINDS["schedule"].read(raw)
        zone = settings.timezone or activation.read(flow.settings).timezone or asking.zone()
        found = clocked.next_dates(settings, zone, clock.now()) if settings.starts else []
        return [one.astimezone(ZoneInfo(zone)) for one in found]
    except (ValidationError, ValueError, Refused):
        return []


@login_required
@require_POST
def flow_enrol(request: HttpRequest, pk: int) -> HttpResponse:
    """Put contacts or a whole segment into a flow by hand, or stop putting in."""
    canvas.allow(request, "flows.run_flow")
    canvas.refuse_nul(request)
    flow = get_object_or_404(Flow.objects.select_related("version"), pk=pk)
    try:
        messages.success(request, _do(request, flow))
    except Refused as error:
        messages.error(request, error.detail)
    return redirect("flow_people", pk=flow.pk)


def _do(request: HttpRequest, flow: Flow) -> str:
    actor = Actor.of(user=request.user)
    if stopped := request.POST.get("stop", ""):
        audiences.cancel(get_object_or_404(Job, pk=stopped if stopped.isdecimal() else 0, request__flow=flow.pk))
        return "Stopped. Who is in stays in."
    if segment := request.POST.get("segment", ""):
        audiences.enrol_segment(flow, segment=segment, actor=actor)
        return "The members of the segment are being put in."
    return _enrol_named(flow, request.POST.get("who", ""), actor)


def _enrol_named(flow: Flow, text: str, actor: Actor) -> str:
    named = [one if ":" in one or "@" not in one else f"email:{one}" for one in text.replace(",", " ").split()][
        :MOST_NAMED
    ]
    found = find_contacts(named)
    unknown = [one for one in named if one not in found]
    if not named or unknown:
        why = f"Nobody is called “{unknown[0]}”." if unknown else "Name a contact or choose a segment."
        raise Refused(f"{why} Write an email, user:… or con_….")
    refused = services.enrol(flow, contact_ids=[one.pk for one in found.values()], actor=actor)
    if refused:
        why = entry.REASONS.get(next(iter(refused.values())), "")
        return f"{len(found) - len(refused)} put in, {len(refused)} refused: {why}."
    return f"{len(found)} put in."


def enrolling(flow: Flow) -> dict[str, Any]:
    """Return what the page of people shows of putting people in."""
    return {
        "enrolling": [one for one in audiences.jobs_of(flow) if one.status in audiences.STANDING],
        "segments": list(Segment.objects.filter(archived_at=None).order_by("name").values_list("slug", "name")),
    }
