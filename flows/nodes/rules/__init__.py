"""How and when a contact goes on."""

from flows.nodes.rules.awaiting import WaitFor
from flows.nodes.rules.gates import Approval, RateLimit
from flows.nodes.rules.splits import RandomSplit, Split
from flows.nodes.rules.testing import ABTest
from flows.nodes.rules.waits import TimeWindow, Wait, WaitUntil
from flows.nodes.rules.ways import Exit, Goal, Jump, Note

RULES = (
    Wait,
    WaitUntil,
    WaitFor,
    TimeWindow,
    Split,
    RandomSplit,
    ABTest,
    RateLimit,
    Approval,
    Goal,
    Jump,
    Exit,
    Note,
)

__all__ = [
    "RULES",
    "ABTest",
    "Approval",
    "Exit",
    "Goal",
    "Jump",
    "Note",
    "RandomSplit",
    "RateLimit",
    "Split",
    "TimeWindow",
    "Wait",
    "WaitFor",
    "WaitUntil",
]
