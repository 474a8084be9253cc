"""What a person does on the canvas: each action is one verb on the draft, remembered so that it can be undone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest

from flows import canvas, drafts, services
from flows.form_reading import read_settings
from flows.graph import Graph
from flows.models import Flow
from flows.nodes import KINDS
from workspace.audit import Actor
from workspace.problems import Fault, Refused, refuse

KEPT = 10  # how many actions can be undone
KEPT_BYTES = 200_000


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the page shows after an action: which node's panel, where the focus goes, what is said."""

    open: str | None = ""  # a key; "" closes the panel; None leaves it as it is
    focus: str = ""
    words: str = ""
    undoable: bool = True


Action = Callable[[HttpRequest, Flow, int, Actor], Outcome]


def act(request: HttpRequest, flow: Flow, action: Action) -> Outcome:
    """Do one action on the draft as it was when the page showed it, and remember what it was before."""
    revision = seen_revision(request)
    before = drafts.document(flow)
    outcome = action(request, flow, revision, Actor.of(user=request.user))
    if outcome.undoable:
        remember(request, flow, revision, before, outcome.words)
    return outcome


def seen_revision(request: HttpRequest) -> int:
    """Return the revision of the draft that the person saw."""
    try:
        return int(request.POST.get("revision", ""))
    except ValueError as error:
        raise refuse("revision", "Say which revision of the draft you saw.") from error


def insert(request: HttpRequest, flow: Flow, revision: int, actor: Actor) -> Outcome:
    """Put a new node on a slot, and open its panel."""
    kind = request.POST.get("kind", "")
    source = request.POST.get("source", "")
    port = request.POST.get("port", "next")
    key = drafts.insert_node(flow, kind, source=source, port=port, actor=actor, revision=revision)
    return Outcome(open=key, focus="panel", words=f"{KINDS[kind].label} added")


def remove(request: HttpRequest, flow: Flow, revision: int, actor: Actor) -> Outcome:
    """Take a node out; what follows closes up."""
    key = request.POST.get("node", "")
    graph = drafts.load(flow)
    node = graph.nodes.get(key)
    if node is not None and node.type is not None and node.type.group == "trigger":
        raise refuse("node", "The trigger stays: a flow needs one.")
    above = next((source for source, _ in graph.into(key)), "")
    drafts.remove_node(flow, key, actor=actor, revision=revision)
    opened = request.POST.get("open", "")
    left = opened if opened != key and flow.nodes.filter(key=opened).exists() else ""
    label = node.type.label if node and node.type else "Step"
    return Outcome(open=None if left else "", focus=above, words=f"{label} removed")


def move(request: HttpRequest, flow: Flow, revision: int, actor: Actor) -> Outcome:
    """Move a node to another slot."""
    key = request.POST.get("node", "")
    source, port = request.POST.get("source", ""), request.POST.get("port", "next")
    drafts.move_node(flow, key, source=source, port=port, actor=actor, revision=revision)
    return Outcome(open=None, focus=key, words="Step moved")


def connect(request: HttpRequest, flow: Flow, revision: int, actor: Actor) -> Outcome:
    """Let a way out lead to a node that is there, or end; what nobody can reach any more goes."""
    source, port = request.POST.get("source", ""), request.POST.get("port", "next")
    target = request.POST.get("target", "") or None
    graph = drafts.load(flow)
    if (
        target
        and source in graph.reached(target)
        and not (graph.waits(source, port) or _waits_between(graph, target, source))
    ):
        raise refuse("target", "That would be a loop without a wait: everybody would go round it without end.")
    if target and graph.trigger and target == graph.trigger.key:
        raise refuse("target", "Nothing may lead back to the trigger.")
    if target:
        drafts.connect(flow, source, port, target, actor=actor, revision=revision)
        return Outcome(open=None, focus=source, words="Way joined")
    _cut(flow, graph, source, port, revision, actor)
    return Outcome(open=_still_open(request, flow), focus=source, words="Way ends here")


def _cut(flow: Flow, graph: Graph, source: str, port: str, revision: int, actor: Actor) -> None:
    cut = graph.with_edges({(source, port): None})
    lost = graph.reached(graph.trigger.key) - cut.reached(graph.trigger.key) if graph.trigger else set()
    drafts.replace_draft(flow, cut.without(lost).as_json(), actor=actor, revision=revision)


def _waits_between(graph: Graph, first: str, last: str) -> bool:
    """Tell whether every way from one node down to another passes a wait."""
    hasty = {way: target for way, target in graph.edges.items() if not graph.waits(*way)}
    return last not in replace(graph, edges=hasty).reached(first)


def _still_open(request: HttpRequest, flow: Flow) -> str | None:
    opened = request.POST.get("open", "")
    return None if opened and flow.nodes.filter(key=opened).exists() else ""


def change(request: HttpRequest, flow: Flow, revision: int, actor: Actor) -> Outcome:
    """Save the panel of a node; it closes when nothing is missing any more."""
    key = request.POST.get("node", "")
    row = flow.nodes.filter(key=key).first()
    if row is None:
        raise refuse("node", "Somebody removed this step meanwhile. Reload the page.", 409)
    settings, faults = read_settings(KINDS[row.kind], request.POST, canvas.load_choices(), row.settings)
    if faults:
        raise Refused("Some settings cannot be read.", faults)
    name = request.POST.get("name", "").strip()
    note = request.POST["note"].replace("\r\n", "\n").strip()[:10_000] if "note" in request.POST else None
    drafts.change_node(flow, key, settings=settings, name=name, note=note, actor=actor, revision=revision)
    missing = canvas.faults_at(flow, key)
    return Outcome(
        open=key if missing else "", focus="panel" if missing else key, words=f"{KINDS[row.kind].label} saved"
    )


def rename(request: HttpRequest, flow: Flow, revision: int, actor: Actor) -> Outcome:
    """Give the flow another name."""
    services.change_flow(flow, name=request.POST.get("name", ""), actor=actor)
    return Outcome(open=None, words="Name saved", undoable=False)


def undo(request: HttpRequest, flow: Flow, revision: int, actor: Actor) -> Outcome:
    """Put the draft back as it was before the last action of this person."""
    kept = _kept(request, flow)
    if not kept["steps"]:
        raise refuse("", "There is nothing to undo.")
    step = kept["steps"].pop()
    drafts.replace_draft(flow, step["document"], actor=actor, revision=revision)
    _keep(request, flow, kept["steps"])
    opened = request.POST.get("open", "")
    there = opened if opened and flow.nodes.filter(key=opened).exists() else ""
    return Outcome(open=there, focus=there or "", words=f"Undone: {step['words']}", undoable=False)


ACTIONS: dict[str, Action] = {
    "insert": insert,
    "remove": remove,
    "move": move,
    "connect": connect,
    "change": change,
    "rename": rename,
    "undo": undo,
}


# What can be undone stands in the session, valid only while nobody else changed the draft. -------------------------------


def remember(request: HttpRequest, flow: Flow, revision: int, before: dict[str, Any], words: str) -> None:
    """Keep the draft as it was, unless somebody else's change lies between."""
    kept = request.session.get(_slot(flow))
    steps = kept["steps"] if kept and kept["at"] == revision else []
    steps = [*steps, {"words": words, "document": before}][-KEPT:]
    while len(steps) > 1 and sum(len(str(one["document"])) for one in steps) > KEPT_BYTES:
        steps = steps[1:]
    _keep(request, flow, steps)


def undo_words(request: HttpRequest, flow: Flow) -> str:
    """Return what the next undo takes back; empty when there is nothing."""
    steps = _kept(request, flow)["steps"]
    return str(steps[-1]["words"]) if steps else ""


def _slot(flow: Flow) -> str:
    return f"flow-undo-{flow.pk}"


def _kept(request: HttpRequest, flow: Flow) -> dict[str, Any]:
    kept: dict[str, Any] = request.session.get(_slot(flow)) or {}
    return kept if kept.get("at") == flow.revision else {"at": flow.revision, "steps": []}


def _keep(request: HttpRequest, flow: Flow, steps: list[dict[str, Any]]) -> None:
    request.session[_slot(flow)] = {"at": flow.revision, "steps": steps}


def conflict(error: Refused) -> bool:
    """Tell whether somebody else changed the draft meanwhile."""
    return error.status == 409 and any(one.path in ("revision", "node") for one in error.faults)


def at_panel(error: Refused) -> list[Fault]:
    """Return the faults of an error with paths as the panel's settings have them."""
    return [Fault(one.path.removeprefix("settings."), one.message) for one in error.faults]
