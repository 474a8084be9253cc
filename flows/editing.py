"""What a person does on the canvas: each action is one verb on the draft, remembered so that it can be undone."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from django.http import HttpRequest

from flows import canvas, drafts, edits, pasting, services
from flows.form_reading import read_settings
from flows.graph import Graph
from flows.models import Flow
from flows.nodes import KINDS
from workspace import clean
from workspace.audit import Actor
from workspace.problems import Fault, Refused, refuse

CLIP = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the page shows after an action: which node's panel, where the focus goes, what is said."""

    open: str | None = ""  # a key; "" closes the panel; None leaves it as it is
    focus: str = ""
    words: str = ""


Action = Callable[[HttpRequest, Flow, int, Actor], Outcome]


def act(request: HttpRequest, flow: Flow, action: Action) -> Outcome:
    """Do one action on the draft as it was when the page showed it."""
    revision = seen_revision(request)
    return action(request, flow, revision, Actor.of(user=request.user))


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
    verb = pasting.remove_branch if request.POST.get("below") else drafts.remove_node
    verb(flow, key, actor=actor, revision=revision)
    opened = request.POST.get("open", "")
    left = opened if opened != key and flow.nodes.filter(key=opened).exists() else ""
    label = node.type.label if node and node.type else "Step"
    return Outcome(open=None if left else "", focus=above, words=f"{label} removed")


def move(request: HttpRequest, flow: Flow, revision: int, actor: Actor) -> Outcome:
    """Move a node to another slot."""
    key = request.POST.get("node", "")
    source, port = request.POST.get("source", ""), request.POST.get("port", "next")
    verb = pasting.move_branch if request.POST.get("below") else drafts.move_node
    verb(flow, key, source=source, port=port, actor=actor, revision=revision)
    return Outcome(open=None, focus=key, words="Step moved")


def paste(request: HttpRequest, flow: Flow, revision: int, actor: Actor) -> Outcome:
    """Put what was copied, here or in another flow, on a slot."""
    try:
        sent = clean.read(request.POST.get("clip", "").encode("utf-8", "surrogatepass"), limit=CLIP)
    except clean.Unclean as error:
        raise refuse("clip", f"What was copied cannot be read: {error.message}") from error
    source, port = request.POST.get("source", ""), request.POST.get("port", "next")
    key = pasting.paste(flow, sent, source=source, port=port, actor=actor, revision=revision)
    return Outcome(open=None, focus=key, words="Pasted")


def duplicate(request: HttpRequest, flow: Flow, revision: int, actor: Actor) -> Outcome:
    """Put a copy of a node right after it."""
    key = pasting.duplicate(flow, request.POST.get("node", ""), actor=actor, revision=revision)
    return Outcome(open=None, focus=key, words="Step duplicated")


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
    return Outcome(open=None, words="Name saved")


def label(request: HttpRequest, flow: Flow, revision: int, actor: Actor) -> Outcome:
    """Give the flow other labels: words with commas between."""
    labels = dict.fromkeys(one.strip()[:40] for one in request.POST.get("labels", "").split(",") if one.strip())
    services.change_flow(flow, labels=list(labels)[:20], actor=actor)
    return Outcome(open=None, words="Labels saved")


def undo(request: HttpRequest, flow: Flow, revision: int, actor: Actor) -> Outcome:
    """Take back what this person did last; what cannot be taken back any more is let go."""
    try:
        words, key = edits.undo(flow, actor=actor, revision=revision)
    except Refused as error:
        if any(one.path == "edit" for one in error.faults):
            edits.forget(flow, actor)
        raise
    return _turned(request, flow, f"Undone: {words}", key)


def redo(request: HttpRequest, flow: Flow, revision: int, actor: Actor) -> Outcome:
    """Do again what this person took back last."""
    words, key = edits.redo(flow, actor=actor, revision=revision)
    return _turned(request, flow, f"Done again: {words}", key)


def _turned(request: HttpRequest, flow: Flow, words: str, key: str) -> Outcome:
    opened = request.POST.get("open", "")
    there = opened if opened and flow.nodes.filter(key=opened).exists() else ""
    return Outcome(open=there, focus=there or key, words=words)


ACTIONS: dict[str, Action] = {
    "insert": insert,
    "remove": remove,
    "move": move,
    "paste": paste,
    "duplicate-step": duplicate,
    "connect": connect,
    "change": change,
    "rename": rename,
    "label": label,
    "undo": undo,
    "redo": redo,
}


# What is folded away is each person's own, and stands in the session. --------------------------------------------------


def folds(request: HttpRequest, flow: Flow) -> set[str]:
    """Return the nodes behind which this person has folded away what follows."""
    return set(request.session.get(f"flow-folds-{flow.pk}", ()))


def fold(request: HttpRequest, flow: Flow) -> Outcome:
    """Fold away what hangs below a node, or unfold it; `show` unfolds whatever a node is behind."""
    key, how = request.POST.get("node", ""), request.POST.get("how", "")
    shut = folds(request, flow) & set(flow.nodes.values_list("key", flat=True))
    shut = shut | {key} if how == "fold" else shut - {key}
    while how == "show" and (behind := canvas.picture_of(drafts.load(flow), counts=False, folded=shut)[2].get(key)):
        shut -= {behind}
    request.session[f"flow-folds-{flow.pk}"] = sorted(shut)[:500]
    return Outcome(open=None, focus=key, words="Folded away" if how == "fold" else "Unfolded")


def conflict(error: Refused) -> bool:
    """Tell whether somebody else changed the draft meanwhile."""
    return error.status == 409 and any(one.path in ("revision", "node") for one in error.faults)


def at_panel(error: Refused) -> list[Fault]:
    """Return the faults of an error with paths as the panel's settings have them."""
    return [Fault(one.path.removeprefix("settings."), one.message) for one in error.faults]
