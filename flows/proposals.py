"""What somebody wants done to a flow, when the workspace asks for approval: one proposal for each guarded service."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from flows import activation, drafts
from flows.models import Flow
from workspace.approval import Proposal

KIND = "flow"


def digest_of(flow: Flow) -> str:
    """Return what tells one state of a draft from another."""
    said = json.dumps(drafts.document(flow), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def stands(flow: Flow) -> dict[str, Any]:
    """Return what stands now: the state and the published version."""
    return {"status": flow.status, "version": flow.version.number if flow.version else None}


def about(flow: Flow, verb: str, **request: Any) -> Proposal:
    """Return a proposal about a flow, bound to its draft as it is now."""
    flow = Flow.objects.select_related("version").get(pk=flow.pk)
    return Proposal(KIND, verb, flow.ref, flow.name, {"draft": digest_of(flow), **request}, stands(flow))


def activate(flow: Flow, *, actor: Any = None, settings: Mapping[str, Any] | None = None) -> Proposal:
    """Propose to let a flow run."""
    return about(flow, "activate", settings=dict(settings) if settings is not None else None)


def resume(
    flow: Flow, *, actor: Any = None, settings: Mapping[str, Any] | None = None, take_in: bool = False
) -> Proposal | None:
    """Propose to let a flow run on by other settings; as it was it goes on without approval."""
    if settings is None or activation.read(settings) == activation.read(flow.settings):
        return None
    return about(flow, "resume", settings=dict(settings), **({"take_in": True} if take_in else {}))


def publish(flow: Flow, *, actor: Any = None, **choice: Any) -> Proposal:
    """Propose to publish the draft."""
    return about(flow, "publish", **{name: value for name, value in choice.items() if value})


def roll_back(flow: Flow, *, version: int, actor: Any = None, **choice: Any) -> Proposal:
    """Propose to publish an old version again."""
    return about(flow, "rollback", version=version, **{name: value for name, value in choice.items() if value})
