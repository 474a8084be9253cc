"""What a template of a flow is made of: what it needs beside it, its steps, and how it is activated."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from workspace.purchases import PurchaseMapping

Document = dict[str, Any]
FOOT = '<p><small>You get this because you said yes to it. <a href="{{ unsubscribe_url }}">Unsubscribe</a></small></p>'
HELLO = "<p>Hello {{ contact.firstName | default: 'there' }},</p>"


@dataclass(frozen=True, slots=True)
class Audience:
    """A segment that the flow needs."""

    slug: str
    name: str
    criteria: Document


@dataclass(frozen=True, slots=True)
class Letter:
    """A message template that the flow needs."""

    slug: str
    name: str
    subject: str
    body: str
    transactional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """All of a flow; `edges` reads "a>b b:port>c"."""

    nodes: tuple[Document, ...]
    edges: str
    audiences: tuple[Audience, ...] = ()
    letters: tuple[Letter, ...] = ()
    lists: tuple[tuple[str, str], ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()  # name and type
    settings: Document = field(default_factory=dict)

    def draft(self) -> Document:
        """Return the draft document."""
        ways = [one.replace(">", ":").split(":") for one in self.edges.split()]
        ways = [one if len(one) == 3 else [one[0], "next", one[1]] for one in ways]
        return {"nodes": list(self.nodes), "edges": [{"from": s, "port": p, "to": t} for s, p, t in ways]}


@dataclass(frozen=True, slots=True)
class FlowTemplate:
    """One template of the library, made for the events of a shop."""

    slug: str
    name: str
    about: str
    group: str
    build: Callable[[PurchaseMapping], Parts]


def template(
    slug: str, name: str, about: str, group: str
) -> Callable[[Callable[[PurchaseMapping], Parts]], FlowTemplate]:
    """Make a template of the function that builds its parts."""
    return lambda build: FlowTemplate(slug, name, about, group, build)


def letter(slug: str, name: str, subject: str, *sentences: str, transactional: bool = False) -> Letter:
    """Return a letter of a few sentences, with a way to unsubscribe unless it is transactional."""
    said = "".join(f"<p>{one}</p>" for one in sentences)
    return Letter(slug, name, subject, f"{HELLO}{said}{'' if transactional else FOOT}", transactional)


def step(key: str, kind: str, name: str = "", **settings: Any) -> Document:
    """Return one node."""
    return {"id": key, "kind": kind, "name": name, "settings": settings}


def mail(key: str, slug: str, name: str = "") -> Document:
    """Return a step that sends a letter."""
    return step(key, "send_email", name, template=slug)


def entered(segment: str, when: str = "enters") -> Document:
    """Return the trigger of a segment."""
    return step("starts", "contact_segment", segment=segment, when=when)


def happened(event: str, **more: Any) -> Document:
    """Return the trigger of an event."""
    return step("starts", "event", event_name=event, **more)


def wait(key: str, duration: str) -> Document:
    """Return a wait."""
    return step(key, "wait", duration=duration)


def asked(key: str, name: str, criteria: Document) -> Document:
    """Return a split with one branch, yes, and everyone else."""
    return step(key, "split", name, branches=[{"port": "yes", "label": "Yes", "criteria": criteria}])


def since_entry(event: str) -> Document:
    """Return "has done this since entering"."""
    return {"type": "EVENT", "eventName": event, "window": {"since": "entry"}}
