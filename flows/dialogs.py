"""The dialogs of the canvas: activate, resume, pause, drain, publish; with the numbers of now."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, QueryDict

from flows import activation, canvas, drafts, publishing, services, stats
from flows.editing import Outcome
from flows.form_reading import duration_text, read_criteria
from flows.forms import UNITS, duration_parts
from flows.models import Flow
from segmentation.models import Segment
from segmentation.services import size_of
from workspace.audit import Actor
from workspace.problems import Fault, Refused

GAP_UNITS = [one for one in UNITS if one[0] in ("h", "d", "w", "mo")]
NAMES = ("activate", "resume", "pause", "drain", "publish", "faults", "versions")


def context(flow: Flow, name: str, problem: Refused | None = None, sent: QueryDict | None = None) -> dict[str, Any]:
    """Return what a dialog shows; after a refusal with what was sent and what is wrong with it."""
    drawn = canvas.draw(flow)
    base: dict[str, Any] = {
        "flow": flow,
        "problem": problem.detail if problem else "",
        "faults": canvas.with_titles(drawn.errors, drawn.titles),
        "active": stats.counts(flow)["totals"].get("active", 0),
    }
    if name in ("activate", "resume"):
        base |= _activation(flow, name, problem, sent)
    elif name == "publish":
        base |= {
            "next_number": _newest(flow) + 1,
            "changes": changes(flow, drawn),
            "inside": inside(flow, drawn.titles),
        }
    elif name == "versions":
        base["versions"] = versions(flow)
    return base


def _newest(flow: Flow) -> int:
    return flow.versions.order_by("-number").values_list("number", flat=True).first() or 0


def inside(flow: Flow, titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return who stands where, in words, and whether their step is still there in the draft."""
    return [{**one, "title": titles.get(one["node"], one["node"])} for one in publishing.publication_plan(flow)]


def versions(flow: Flow) -> list[dict[str, Any]]:
    """Return the published versions, newest first, with how many steps each has."""
    found = flow.versions.select_related("published_by").order_by("-number")[:50]
    return [{"version": one, "steps": len(one.graph.get("nodes", []))} for one in found]


def changes(flow: Flow, drawn: canvas.Canvas) -> list[dict[str, str]]:
    """Return which nodes the draft adds, changes and removes, against the version that runs."""
    if flow.version is None:
        return []
    old = {node["id"]: node for node in flow.version.graph.get("nodes", [])}
    new = {node["id"]: node for node in drafts.document(flow)["nodes"]}
    titles = drawn.titles
    said = [("added", "good", key) for key in new if key not in old]
    said += [("changed", "note", key) for key in new if key in old and old[key] != new[key]]
    said += [("removed", "failed", key) for key in old if key not in new]
    return [{"what": what, "mark": mark, "title": titles.get(key, key)} for what, mark, key in said]


# Activation -----------------------------------------------------------------------------------------------------------


def _activation(flow: Flow, name: str, problem: Refused | None, sent: QueryDict | None) -> dict[str, Any]:
    trigger = drafts.load(flow).trigger
    settings: Mapping[str, Any] = trigger.settings if trigger else {}
    segment = Segment.objects.filter(slug=settings.get("segment", "")).first() if trigger else None
    leaves = settings.get("when") == "leaves"
    values = shown(sent) if sent is not None else stored(flow)
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
        "errors": _by_field(problem),
        "more_open": bool(values["exit_when"] or values["restart_when"] or _by_field(problem)),
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


def stored(flow: Flow) -> dict[str, Any]:
    """Return the activation settings of a flow as the dialog shows them."""
    settings = activation.read(flow.settings)
    return {
        "entry": settings.entry,
        "reentry": settings.reentry.allowed,
        "after": duration_parts(settings.reentry.after),
        "exit_on_leave": settings.exit_on_leave,
        "exit_when": settings.exit_when,
        "restart_when": settings.restart_when,
        "take_in": False,
    }


def shown(post: QueryDict) -> dict[str, Any]:
    """Return what a person sent, as the dialog shows it."""
    return {
        "entry": post.get("entry", "new"),
        "reentry": bool(post.get("reentry")),
        "after": {"count": post.get("after.count", ""), "unit": post.get("after.unit", "d")},
        "exit_on_leave": bool(post.get("exit_on_leave")),
        "exit_when": read_criteria(post.get("exit_when", ""), "exit_when", []),
        "restart_when": read_criteria(post.get("restart_when", ""), "restart_when", []),
        "take_in": bool(post.get("take_in")),
    }


def read_activation(flow: Flow, post: QueryDict) -> dict[str, Any]:
    """Return the activation settings a person sent, beside those the dialog does not show."""
    faults: list[Fault] = []
    reentry: dict[str, Any] = {"allowed": bool(post.get("reentry"))}
    if after := duration_text(post.get("after.count", ""), post.get("after.unit", "d")):
        reentry["after"] = after
    settings = {
        **flow.settings,
        "entry": post.get("entry") or flow.settings.get("entry", "new"),
        "reentry": reentry,
        "exit_on_leave": bool(post.get("exit_on_leave")),
        "exit_when": read_criteria(post.get("exit_when", ""), "exit_when", faults),
        "restart_when": read_criteria(post.get("restart_when", ""), "restart_when", faults),
    }
    if reentry["allowed"] and "after" not in reentry:
        faults.append(Fault("reentry.after", "Say how long to wait, between 1 hour and 365 days."))
    if faults:
        raise Refused("The activation settings have faults.", faults)
    return settings


# What the buttons do --------------------------------------------------------------------------------------------------

Deed = Callable[[HttpRequest, Flow, Actor], Outcome]


def activate(request: HttpRequest, flow: Flow, actor: Actor) -> Outcome:
    """Publish the draft and start."""
    services.activate(flow, settings=read_activation(flow, request.POST), actor=actor)
    return Outcome(open=None, words="The flow runs")


def resume(request: HttpRequest, flow: Flow, actor: Actor) -> Outcome:
    """Let a paused flow run again."""
    settings = read_activation(flow, request.POST)
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


def publish(request: HttpRequest, flow: Flow, actor: Actor) -> Outcome:
    """Publish the draft as the next version."""
    version = services.publish_flow(flow, actor=actor, inside=request.POST.get("inside", "finish"))
    return Outcome(open=None, words=f"Version {version.number} is published")


DEEDS: dict[str, Deed] = {"activate": activate, "resume": resume, "pause": pause, "drain": drain, "publish": publish}
