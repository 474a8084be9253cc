"""The dialogs of the canvas: activate, resume, pause, drain, publish; with the numbers of now."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, QueryDict

from flows import advice, canvas, checking, drafts, publishing_dialogs, services, settings_form, stats
from flows.editing import Outcome
from flows.forms import UNITS
from flows.models import Flow
from segmentation.catalogue import load_catalogue
from segmentation.models import Segment
from segmentation.services import size_of
from workspace.audit import Actor
from workspace.problems import Refused
from workspace.zones import ZONES

GAP_UNITS = [one for one in UNITS if one[0] in ("h", "d", "w", "mo")]
NAMES = ("activate", "resume", "pause", "drain", "publish", "faults", "versions", "rollback")


def context(flow: Flow, name: str, problem: Refused | None = None, sent: QueryDict | None = None) -> dict[str, Any]:
    """Return what a dialog shows; after a refusal with what was sent and what is wrong with it."""
    drawn = canvas.draw(flow)
    base: dict[str, Any] = {
        "flow": flow,
        "problem": problem.detail if problem else "",
        "faults": canvas.with_titles(drawn.errors, drawn.titles),
        "active": stats.counts(flow)["totals"].get("active", 0),
    }
    if name in ("activate", "resume", "publish") and not drawn.errors:
        base["advice"] = canvas.with_titles(advice.advise(flow, checking.surroundings()), drawn.titles)
    if name in ("activate", "resume"):
        base |= _activation(flow, name, problem, sent)
    elif name in publishing_dialogs.NAMES:
        base |= publishing_dialogs.context(flow, name, drawn, sent)
    return base


# Activation -----------------------------------------------------------------------------------------------------------


def _activation(flow: Flow, name: str, problem: Refused | None, sent: QueryDict | None) -> dict[str, Any]:
    trigger = drafts.load(flow).trigger
    settings: Mapping[str, Any] = trigger.settings if trigger else {}
    segment = Segment.objects.filter(slug=settings.get("segment", "")).first() if trigger else None
    leaves = settings.get("when") == "leaves"
    values = settings_form.shown(sent) if sent is not None else settings_form.stored(flow)
    if flow.version_id is None and sent is None and segment is not None:
        values["exit_on_leave"] = True
    return {
        "verb": name,
        "title": "Activate flow" if name == "activate" else "Activate flow again",
        "summary": _summary(canvas.said_of(trigger, canvas.names_of_used()) if trigger else ""),
        "inside": size_of(segment.pk) if segment is not None and not leaves else None,
        "qualified": services.qualified_meanwhile(flow) if name == "resume" else None,
        "leave_words": _leave_words(segment, leaves) if segment is not None else "",
        "values": values,
        "units": GAP_UNITS,
        "all_units": UNITS,
        "zones": ZONES,
        "house_zone": settings_form.zone(),
        "event_names": sorted(load_catalogue().events),
        "errors": _by_field(problem),
        "more_open": bool(any(values[name] for name in settings_form.CRITERIA) or _by_field(problem)),
    }


def _summary(words: str) -> str:
    return f"Starts when a contact {words[0].lower()}{words[1:]}." if words else ""


def _leave_words(segment: Segment, leaves: bool) -> str:
    verb = "comes back into" if leaves else "exits"
    return f"contact {verb} the segment “{segment.name}”"


def _by_field(problem: Refused | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for fault in problem.faults if problem else []:
        path = fault.path.removeprefix("settings.")
        name = "after" if path.startswith("reentry") else path.split(".")[0].split("[")[0]
        found.setdefault(name, fault.message)
    return found


# What the buttons do --------------------------------------------------------------------------------------------------

Deed = Callable[[HttpRequest, Flow, Actor], Outcome]


def activate(request: HttpRequest, flow: Flow, actor: Actor) -> Outcome:
    """Publish the draft and start."""
    services.activate(flow, settings=settings_form.read(flow, request.POST), actor=actor)
    return Outcome(open=None, words="The flow runs")


def resume(request: HttpRequest, flow: Flow, actor: Actor) -> Outcome:
    """Let a paused flow run again."""
    settings = settings_form.read(flow, request.POST)
    services.resume(flow, settings=settings, take_in=bool(request.POST.get("take_in")), actor=actor)
    return Outcome(open=None, words="The flow runs again")


def pause(request: HttpRequest, flow: Flow, actor: Actor) -> Outcome:
    """Pause, in the way that was chosen."""
    mode = request.POST.get("mode", "hold_clock")
    if mode == "drain":
        return drain(request, flow, actor)
    services.pause(flow, mode=mode, actor=actor)
    return Outcome(open=None, words="The flow is paused")


def drain(request: HttpRequest, flow: Flow, actor: Actor) -> Outcome:
    """Take nobody in any more."""
    services.drain(flow, actor=actor)
    return Outcome(open=None, words="The flow drains")


DEEDS: dict[str, Deed] = {
    **publishing_dialogs.DEEDS,
    "activate": activate,
    "resume": resume,
    "pause": pause,
    "drain": drain,
}
