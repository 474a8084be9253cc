"""One verb for many flows at once: each by itself, so that what one refuses stops no other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flows import services
from flows.models import Flow
from workspace.approval import NeedsApproval
from workspace.audit import Actor
from workspace.filing import file_it
from workspace.problems import Refused, refuse

MOST = 200
DONE = {"activate": "runs", "pause": "is paused", "resume": "runs again", "drain": "drains", "archive": "is archived"}
VERBS: dict[str, Callable[..., Flow]] = {
    "activate": services.activate,
    "pause": services.pause,
    "resume": services.resume,
    "drain": services.drain,
    "archive": services.archive_flow,
}
RIGHTS = {"archive": "flows.change_flow"}  # of the others: flows.run_flow


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one flow."""

    flow: Flow
    done: bool
    said: str

    def as_json(self) -> dict[str, Any]:
        """Return the wire form."""
        return {"id": self.flow.ref, "slug": self.flow.slug, "done": self.done, "detail": self.said}


def right(verb: str) -> str:
    """Return the permission that a verb needs; refuse what is no verb."""
    if verb not in VERBS:
        raise refuse("verb", f"verb is one of {', '.join(VERBS)}.")
    return RIGHTS.get(verb, "flows.run_flow")


def at_once(flows: Sequence[Flow], verb: str, *, actor: Actor) -> list[Outcome]:
    """Do a verb to each of these flows, and return what became of each."""
    right(verb)
    if len(flows) > MOST:
        raise refuse("flows", f"At most {MOST} flows at once.")
    return [_one(flow, verb, actor) for flow in flows]


def _one(flow: Flow, verb: str, actor: Actor) -> Outcome:
    try:
        VERBS[verb](flow, actor=actor)
    except Refused as error:
        return Outcome(flow, False, error.detail)
    except NeedsApproval as needed:
        return Outcome(flow, False, f"“{flow.name}” waits for approval in {file_it(needed).ref}.")
    return Outcome(flow, True, f"“{flow.name}” {DONE[verb]}.")
