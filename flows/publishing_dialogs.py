"""The dialogs about versions: publish the draft, look at what was published, roll back; with who stands where now."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, QueryDict

from flows import canvas, comparing, drafts, publishing, services
from flows.editing import Outcome
from flows.models import Flow, Version
from workspace.audit import Actor
from workspace.durations import Duration
from workspace.problems import refuse

NAMES = ("publish", "versions", "rollback")
MARKS = {"added": "good", "changed": "note", "led": "note", "removed": "failed"}  # the pill of each difference
PLACE = "at."  # the name of a choice for those at one node


def context(flow: Flow, name: str, drawn: canvas.Canvas, sent: QueryDict | None) -> dict[str, Any]:
    """Return what a dialog shows."""
    if name == "versions":
        return {"versions": _versions(flow)}
    plan = publishing.publication_plan(flow)
    said = {"inside": _places(plan["inside"], drawn.titles), "waits": _waits(plan["waits"], drawn.titles)}
    chosen = {
        "chosen": sent.get("inside", "finish") if sent else "finish",
        "take_waits": bool(sent and sent.get("waits")),
    }
    if name == "rollback":
        return {**said, **chosen, "versions": [one for one in _versions(flow) if not one["runs"]]}
    targets = [(key, drawn.titles.get(key, key)) for key in _targets(flow)]
    trigger = {"trigger_words": plan["trigger"], "next_number": _newest(flow) + 1}
    return {**said, **chosen, **trigger, "targets": targets, "changes": changes(flow, drawn)}


def _newest(flow: Flow) -> int:
    return flow.versions.order_by("-number").values_list("number", flat=True).first() or 0


def _targets(flow: Flow) -> list[str]:
    """Return the nodes of the draft that somebody can be moved to."""
    draft = drafts.load(flow)
    return [key for key, node in draft.nodes.items() if node.type and node.type.group != "trigger"]


def _places(inside: list[dict[str, Any]], titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return who stands where, all versions together, in words."""
    found: dict[str, dict[str, Any]] = {}
    for one in inside:
        here = found.setdefault(one["node"], {**one, "count": 0, "title": titles.get(one["node"], one["node"])})
        here["count"] += one["count"]
    return list(found.values())


def _waits(waits: list[dict[str, Any]], titles: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"title": titles.get(one["node"], one["node"]), "was": _said(one["was"]), "becomes": _said(one["becomes"])}
        for one in waits
    ]


def _said(wait: str) -> str:
    """Say a length in words; other waits say themselves."""
    try:
        return Duration.parse(wait).words()
    except ValueError:
        return wait or "…"


def _versions(flow: Flow) -> list[dict[str, Any]]:
    """Return the published versions, newest first, with how many steps each has."""
    found = flow.versions.select_related("published_by").order_by("-number")[:50]
    return [{"version": one, "steps": len(one.graph.get("nodes", [])), "runs": _runs(flow, one)} for one in found]


def _runs(flow: Flow, version: Version) -> bool:
    return flow.version is not None and version.digest == flow.version.digest


def changes(flow: Flow, drawn: canvas.Canvas) -> list[dict[str, str]]:
    """Return which nodes the draft adds, changes and removes, against the version that runs."""
    if flow.version is None:
        return []
    found = comparing.differences(comparing.graph_of(flow.version.graph), drawn.graph, drawn.names)
    told = [{"what": one.words.lower(), "mark": MARKS[one.mark], "title": one.title} for one in found]
    return sorted(told, key=lambda one: list(MARKS.values()).index(one["mark"]))


# What the buttons do --------------------------------------------------------------------------------------------------


def choice(post: QueryDict) -> dict[str, Any]:
    """Return what becomes of those inside, as a person sent it."""
    places = {name.removeprefix(PLACE): str(value) for name, value in post.items() if name.startswith(PLACE) and value}
    return {
        "inside": post.get("inside", "finish"),
        "nodes": {node: _place(said) for node, said in places.items()},
        "waits": bool(post.get("waits")),
    }


def _place(said: str) -> dict[str, str]:
    """Read "exit", "finish", "move" or "move:<node>"."""
    do, _, to = said.partition(":")
    return {"do": do, "to": to} if to else {"do": do}


def publish(request: HttpRequest, flow: Flow, actor: Actor) -> Outcome:
    """Publish the draft as the next version."""
    version = services.publish_flow(flow, actor=actor, **choice(request.POST))
    return Outcome(open=None, words=f"Version {version.number} is published")


def rollback(request: HttpRequest, flow: Flow, actor: Actor) -> Outcome:
    """Publish an old version again."""
    number = request.POST.get("version", "")
    if not number.isdecimal() or len(number) > 9:
        raise refuse("version", "Choose the version to go back to.")
    version = services.roll_back(flow, version=int(number), actor=actor, **choice(request.POST))
    return Outcome(open=None, words=f"Version {number} runs again, as version {version.number}")


DEEDS: dict[str, Callable[[HttpRequest, Flow, Actor], Outcome]] = {"publish": publish, "rollback": rollback}
