"""Kinds of nodes: one class and one card each; KINDS is all that the rest of the house knows of them."""

from flows.nodes import rules, triggers
from flows.nodes.actions import ACTIONS
from flows.nodes.base import AnyNode

_EVERY: tuple[AnyNode, ...] = (
    *triggers.TRIGGERS,
    *ACTIONS,
    *rules.RULES,
)
KINDS: dict[str, AnyNode] = {node.kind: node for node in _EVERY}

__all__ = ["KINDS"]
