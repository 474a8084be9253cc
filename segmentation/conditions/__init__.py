"""The kinds of conditions by their `type`; higher apps add theirs in a module `conditions`."""

from segmentation.conditions.base import Condition as Condition
from segmentation.conditions.event import EventCondition
from segmentation.conditions.everyone import EveryoneCondition
from segmentation.conditions.list import ListCondition
from segmentation.conditions.property import PropertyCondition
from segmentation.conditions.reachability import ReachabilityCondition
from segmentation.conditions.sample import SampleCondition
from segmentation.conditions.segment import SegmentCondition

KINDS: dict[str, type[Condition]] = {
    "PROPERTY": PropertyCondition,
    "EVENT": EventCondition,
    "SEGMENT": SegmentCondition,
    "LIST": ListCondition,
    "REACHABILITY": ReachabilityCondition,
    "SAMPLE": SampleCondition,
    "EVERYONE": EveryoneCondition,
}


def register(kind: str, condition: type[Condition]) -> None:
    """Add a kind of condition; a module `conditions` of a higher app calls this when it is imported."""
    KINDS[kind] = condition
