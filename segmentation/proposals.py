"""What somebody wants done to a segment, when the workspace asks for approval: one proposal for each guarded service."""

from datetime import datetime
from typing import Any

from segmentation import history
from segmentation.catalogue import load_catalogue
from segmentation.criteria import parse
from segmentation.models import Segment
from workspace.approval import Proposal
from workspace.uses import refuse_if_used

KIND = "segment"
PLAIN = ("name", "description", "color", "labels")


def stands(segment: Segment, request: dict[str, Any]) -> dict[str, Any]:
    """Return what stands now of what a request would replace."""
    plain = {name: getattr(segment, name) for name in PLAIN if name in request}
    rule = segment.rule
    said = {"kind": segment.kind, "archived": segment.archived_at is not None}
    return {**said, "criteria": rule.document if rule else None, "rule": rule.digest[:12] if rule else "", **plain}


def about(segment: Segment, verb: str, *, tried: bool = True, **request: Any) -> Proposal:
    """Return a proposal about a segment that stands."""
    segment = Segment.objects.select_related("rule").get(pk=segment.pk)
    before = stands(segment, request)
    return Proposal(KIND, verb, segment.ref, segment.name, request, before, tried)


def create(*, name: str, evaluate: bool = True, actor: Any = None, **said: Any) -> Proposal:
    """Propose a new segment."""
    request = {key: value for key, value in said.items() if value not in (None, "", [], ())}
    return Proposal(KIND, "create", "", str(name)[:200], {"name": name, **request})


def change(
    segment: Segment, *, actor: Any = None, criteria: Any = None, fires: str = "none", **changes: Any
) -> Proposal | None:
    """Propose other criteria; a name or a colour alone needs no approval."""
    segment = Segment.objects.select_related("rule").get(pk=segment.pk)
    if criteria is None or segment.rule is None:
        return None
    if parse(criteria, load_catalogue()).digest == segment.rule.digest:
        return None
    plain = {key: value for key, value in changes.items() if getattr(segment, key, None) != value}
    return about(segment, "change", criteria=criteria, fires=fires, **plain)


def archive(segment: Segment, *, actor: Any = None) -> Proposal | None:
    """Propose to put a segment away."""
    return about(segment, "archive") if segment.archived_at is None else None


def unarchive(segment: Segment, *, actor: Any = None) -> Proposal | None:
    """Propose to take a segment back into use."""
    return about(segment, "unarchive") if segment.archived_at is not None else None


def delete(segment: Segment, *, actor: Any = None) -> Proposal:
    """Propose to delete a segment, unless something uses it."""
    refuse_if_used(f"segment:{segment.slug}")
    return about(segment, "delete", tried=False)


def duplicate(segment: Segment, *, actor: Any = None) -> Proposal:
    """Propose another segment of the same rules or members."""
    return about(segment, "duplicate", tried=False)


def freeze(segment: Segment, *, actor: Any = None, at: datetime | None = None, name: str = "") -> Proposal:
    """Propose a static copy of who is in a segment at an instant, which is now unless said."""
    return about(segment, "freeze", tried=False, at=history.past(at).isoformat(), **({"name": name} if name else {}))
