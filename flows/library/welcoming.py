"""Templates for people who are new."""

import itertools

from flows.library.base import (
    Audience,
    Parts,
    asked,
    entered,
    happened,
    letter,
    mail,
    since_entry,
    step,
    template,
    wait,
)
from segmentation.scenarios.blocks import all_of, did, unless
from workspace.purchases import PurchaseMapping

GROUP = "Welcome"


@template("welcome", "Welcome new sign-ups", "Three mails in the first ten days; it stops with the first order.", GROUP)
def welcome(shop: PurchaseMapping) -> Parts:
    """Greet, show, invite."""
    return Parts(
        audiences=(
            Audience(
                "new-sign-ups", "New sign-ups", all_of(did(shop.sign_up, within="30d"), unless(did(shop.purchase)))
            ),
        ),
        letters=(
            letter("welcome-hello", "Welcome: hello", "Welcome", "Good to have you. This is where to begin."),
            letter("welcome-show", "Welcome: what others began with", "Have you seen this?", "What others began with."),
            letter(
                "welcome-offer", "Welcome: first order", "For your first order", "Something extra is in the parcel."
            ),
        ),
        nodes=(
            entered("new-sign-ups"),
            mail("hello", "welcome-hello"),
            wait("settle", "3d"),
            mail("show", "welcome-show"),
            wait("week", "7d"),
            mail("offer", "welcome-offer"),
        ),
        edges="starts>hello hello>settle settle>show show>week week>offer",
        settings={"exit_on_leave": True},
    )


@template("leads", "Leads become customers", "Thanks who ordered first, and marks them as a customer.", GROUP)
def leads(shop: PurchaseMapping) -> Parts:
    """Follow a change of segments: from leads to active customers."""
    return Parts(
        audiences=(Audience("active-customers", "Active customers", all_of(did(shop.purchase, within="90d"))),),
        letters=(letter("leads-thanks", "Now a customer", "Thank you for your first order", "Glad you are with us."),),
        nodes=(
            step("starts", "contact_segment", segment="active-customers", when="enters", which="first"),
            step(
                "mark",
                "update_contact",
                "Stage: customer",
                changes=[{"attribute": "customProperties.stage", "set": "customer"}],
            ),
            wait("day", "1d"),
            mail("thanks", "leads-thanks"),
        ),
        edges="starts>mark mark>day day>thanks",
    )


@template(
    "lead-nurturing", "Lead nurturing", "Guides interested people to the first order, by what they look at.", GROUP
)
def nurturing(shop: PurchaseMapping) -> Parts:
    """Speak differently to those who look often."""
    interested = all_of(did(shop.view, 2, within="14d"), unless(did(shop.purchase)))
    return Parts(
        audiences=(Audience("interested", "Interested, not yet customers", interested),),
        letters=(
            letter("nurture-guide", "Guide", "How to choose", "A short guide to what you looked at."),
            letter("nurture-advice", "Advice", "Shall we help you choose?", "Answer this mail; a person reads it."),
            letter("nurture-stories", "Stories", "What others say", "Three people who chose before you."),
        ),
        nodes=(
            entered("interested"),
            mail("guide", "nurture-guide"),
            wait("days", "4d"),
            asked("keen", "Looked again?", since_entry(shop.view)),
            mail("advice", "nurture-advice"),
            mail("stories", "nurture-stories"),
        ),
        edges="starts>guide guide>days days>keen keen:yes>advice keen:else>stories",
        settings={"exit_when": since_entry(shop.purchase)},
    )


@template("drip", "Drip campaign", "A mail a week, at nine on a weekday where the contact lives.", GROUP)
def drip(shop: PurchaseMapping) -> Parts:
    """Deliver content over time."""
    weeks = ("one", "two", "three", "four")
    days = ["mon", "tue", "wed", "thu", "fri"]
    nodes = [happened(shop.sign_up)]
    for number, name in enumerate(weeks, 1):
        nodes += [
            step(f"nine-{number}", "wait_until", "Nine o'clock", until="time", time="09:00", days=days),
            mail(f"week-{number}", f"drip-{name}", f"Week {number}"),
            *([wait(f"pause-{number}", "6d")] if number < len(weeks) else []),
        ]
    keys = [one["id"] for one in nodes]
    return Parts(
        letters=tuple(
            letter(f"drip-{name}", f"Drip: week {name}", f"Week {name}: one thing to try", "One idea, two minutes.")
            for name in weeks
        ),
        nodes=tuple(nodes),
        edges=" ".join(f"{one}>{two}" for one, two in itertools.pairwise(keys)),
    )


WELCOMING = (welcome, leads, nurturing, drip)
