"""What contacts and the steps of a version are called where people read of them."""

from collections.abc import Mapping
from typing import Any

from contacts.models import Contact
from flows import canvas
from flows.graph import Graph, GraphNode


def name_of(contact: Contact) -> str:
    """Return what a contact is called here."""
    full = f"{contact.first_name or ''} {contact.last_name or ''}".strip()
    return full or contact.email or f"Contact {contact.pk}"


def title_of(graph: Graph, key: str, names: Mapping[str, str]) -> str:
    """Return what a node is called on the canvas."""
    node = graph.nodes.get(key)
    return (node.name or canvas.words_of(node, names)) if node else key


def graph_of(document: Mapping[str, Any]) -> Graph:
    """Return the graph of a version, for its words."""
    nodes = {
        one["id"]: GraphNode(one["id"], one["kind"], one.get("name", ""), "", one.get("settings", {}))
        for one in document.get("nodes", [])
    }
    return Graph(nodes, {(one["from"], one["port"]): one["to"] for one in document.get("edges", [])})
