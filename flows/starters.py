"""One click from a persona or scenario to a flow for it: a draft to look over, never one that runs by itself."""

from dataclasses import dataclass
from typing import Any

from flows.models import Flow
from flows.services import create_flow
from segmentation.models import Segment
from segmentation.scenarios import SCENARIOS
from segmentation.scenarios.blocks import all_of, did
from workspace import purchases
from workspace.audit import Actor
from workspace.problems import refuse

FOOT = '<p><small>You get this because you said yes to it. <a href="{{ unsubscribe_url }}">Unsubscribe</a></small></p>'


@dataclass(frozen=True, slots=True)
class Starter:
    """What a flow for a scenario says at first, how long it waits, and what it says to those who did not buy."""

    first: tuple[str, str]  # subject, sentence
    wait: str
    second: tuple[str, str]


STARTERS = {
    "high-rollers": Starter(
        ("Something for our best customers", "Before anybody else sees it: our newest things are yours to choose from first."),
        "14d",
        ("Still yours", "Your early look ends this week."),
    ),
    "brand-enthusiasts": Starter(
        ("What goes well with it", "People who love what you bought also love these. Take two and the second costs less."),
        "7d",
        ("Two are better than one", "The price for two still stands."),
    ),
    "potential-high-rollers": Starter(
        ("Is it time for more?", "You chose well last time. Here is how to have it again without having to think of it."),
        "21d",
        ("A perk for the next one", "Your next order comes with something extra."),
    ),
    "nearly-there": Starter(
        ("Your first order", "You have been looking at what we write. The first order comes with a welcome."),
        "3d",
        ("The welcome is still there", "It ends in a few days."),
    ),
    "waiting-for-wows": Starter(
        ("This week only", "Something worth opening this mail for, until Sunday."),
        "2d",
        ("Last day", "Tomorrow it is gone."),
    ),
    "window-shoppers": Starter(
        ("What others say", "You looked at it. Here is what people say who bought it."),
        "2d",
        ("Questions?", "Answer this mail; a person reads it."),
    ),
    "lapsed-high-rollers-and-enthusiasts": Starter(
        ("We have missed you", "Much is new since you were last here. This is what we think you would like."),
        "7d",
        ("For your return", "Come back this month and something extra is in the parcel."),
    ),
    "dead-weight": Starter(
        ("Shall we go on writing?", "You have not opened much of late. Look at this once, or leave: both are fine."),
        "14d",
        ("Goodbye for now", "This is the last you hear of us until you come by again."),
    ),
    "cart-abandonment": Starter(
        ("You left something", "Your cart is as you left it."), "1d", ("Still thinking?", "It is still there.")
    ),
    "product-page-bounce": Starter(
        ("What you looked at", "Here it is again, with what is like it."), "2d", ("Or this?", "Others chose these.")
    ),
    "channel-interactions": Starter(
        ("You answered", "Thank you. Here is more of what you liked."), "7d", ("One more thing", "You may like this, too.")
    ),
    "purchases": Starter(
        ("Thank you for your order", "It is on its way."), "14d", ("How is it?", "Tell us, and see what goes with it.")
    ),
    "sign-ups": Starter(
        ("Welcome", "Good to have you. This is where to begin."), "3d", ("Have you seen this?", "What others began with.")
    ),
}  # fmt: skip


def start(segment: Segment, scenario: str, *, actor: Actor) -> Flow:
    """Make the flow of a scenario for a segment, as a draft."""
    if scenario not in STARTERS:
        raise refuse("scenario", f"There is no scenario “{scenario[:60]}”; choose one of {', '.join(STARTERS)}.")
    name = f"{segment.name}: {SCENARIOS[scenario].name}" if segment.name != SCENARIOS[scenario].name else segment.name
    goal = SCENARIOS[scenario].goal
    return create_flow(name=name[:200], description=goal, draft=draft(STARTERS[scenario], segment.slug), actor=actor)


def draft(starter: Starter, segment: str) -> dict[str, Any]:
    """Return the document: enters the segment → mail → wait → bought? → end, or a second mail."""
    bought = all_of(did(purchases.mapping().purchase, within=starter.wait))
    return {
        "nodes": [
            _node("enters", "contact_segment", "Enters", segment=segment, when="enters"),
            _node("first", "send_email", "First mail", **_mail(starter.first)),
            _node("wait", "wait", "Wait", duration=starter.wait),
            _node("bought", "split", "Bought since?", branches=[{"port": "yes", "criteria": bought}]),
            _node("second", "send_email", "Second mail", **_mail(starter.second)),
        ],
        "edges": [
            {"from": "enters", "port": "next", "to": "first"},
            {"from": "first", "port": "next", "to": "wait"},
            {"from": "wait", "port": "next", "to": "bought"},
            {"from": "bought", "port": "else", "to": "second"},
        ],
    }


def _node(key: str, kind: str, name: str, **settings: Any) -> dict[str, Any]:
    return {"id": key, "kind": kind, "name": name, "settings": settings}


def _mail(said: tuple[str, str]) -> dict[str, str]:
    subject, sentence = said
    hello = "<p>Hello {{ contact.firstName | default: 'there' }},</p>"
    return {"subject": subject, "body": f"{hello}<p>{sentence}</p>{FOOT}"}
