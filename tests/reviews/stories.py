"""What the stories of reviews share: Mia changes segments, Rita and Ron review, Vic only looks."""

from typing import Any

from segmentation.models import Segment
from segmentation.services import create_segment
from workspace.audit import HOUSE, Actor
from workspace.models import Workspace

ROME = {"type": "PROPERTY", "propertyName": "city", "operator": "=", "value": "Rome"}
OSLO = {"type": "PROPERTY", "propertyName": "city", "operator": "=", "value": "Oslo"}


def approvals_needed(needed: bool = True) -> None:
    """Let the workspace ask for approval of changes to segments, or no more."""
    Workspace.objects.update_or_create(pk=1, defaults={"approvals": {"segments": needed}})


def romans(name: str = "Romans") -> Segment:
    """Make a segment of who lives in Rome, as the house."""
    return create_segment(name=name, kind="dynamic", criteria=ROME, actor=HOUSE)


def actor(person: Any) -> Actor:
    """Name a person as an actor."""
    return Actor.of(user=person)
