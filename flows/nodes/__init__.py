"""Kinds of nodes: one class and one card each; KINDS is all that the rest of the house knows of them."""

from flows.nodes import actions, rules, triggers
from flows.nodes.base import AnyNode

KINDS: dict[str, AnyNode] = {
    node.kind: node
    for node in (
        triggers.ContactSegment,
        triggers.EventTrigger,
        actions.SendEmail,
        actions.UpdateContactNode,
        actions.AddToList,
        actions.RemoveFromList,
        actions.AddToSegment,
        actions.RemoveFromSegment,
        actions.Webhook,
        rules.Wait,
        rules.Split,
        rules.Exit,
    )
}

__all__ = ["KINDS"]
