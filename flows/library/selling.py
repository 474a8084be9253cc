"""Templates around orders."""

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
from segmentation.scenarios.blocks import all_of, did, subscribed, unless
from workspace.purchases import PurchaseMapping

GROUP = "Sell"


@template(
    "cart-abandonment", "Cart abandonment", "Reminds of a full cart after an hour and a day, until it is bought.", GROUP
)
def cart(shop: PurchaseMapping) -> Parts:
    """Remind of what lies in the cart."""
    return Parts(
        letters=(
            letter("cart-first", "Cart: first reminder", "You left something", "Your cart is as you left it."),
            letter("cart-second", "Cart: second reminder", "Still thinking?", "It is still there, for another day."),
        ),
        nodes=(
            happened(shop.cart),
            step("hour", "wait_for", "Ordered within an hour?", what="event", event_name=shop.purchase, timeout="1h"),
            mail("first", "cart-first"),
            step("day", "wait_for", "Ordered within a day?", what="event", event_name=shop.purchase, timeout="1d"),
            mail("second", "cart-second"),
        ),
        edges="starts>hour hour:timeout>first first>day day:timeout>second",
        settings={"reentry": {"allowed": True, "after": "7d"}, "exit_when": since_entry(shop.purchase)},
    )


@template("event-triggered", "Answer to an event", "Says thank you within minutes of an order, once per order.", GROUP)
def thanks(shop: PurchaseMapping) -> Parts:
    """Respond to what somebody does."""
    return Parts(
        letters=(
            letter(
                "order-thanks",
                "Thank you for the order",
                "Thank you for your order",
                "It is on its way.",
                transactional=True,
            ),
            letter("order-how", "How is it?", "How is it?", "Tell us, and see what goes with it."),
        ),
        nodes=(
            happened(shop.purchase, entry_key="orderId"),
            mail("thanks", "order-thanks"),
            wait("fortnight", "14d"),
            mail("how", "order-how"),
        ),
        edges="starts>thanks thanks>fortnight fortnight>how",
        settings={"reentry": {"allowed": True, "after": "1h"}},
    )


@template(
    "replenishment",
    "Replenishment",
    "Asks after a month whether it is time for more, unless they ordered again.",
    GROUP,
)
def replenishment(shop: PurchaseMapping) -> Parts:
    """Remind when it runs out."""
    return Parts(
        letters=(letter("replenish", "Time for more?", "Is it time for more?", "You ordered a month ago."),),
        nodes=(
            happened(shop.purchase),
            step("month", "wait_for", "Ordered again?", what="event", event_name=shop.purchase, timeout="30d"),
            mail("more", "replenish"),
        ),
        edges="starts>month month:timeout>more",
        settings={"reentry": {"allowed": True, "after": "7d"}},
    )


@template(
    "ab-campaign",
    "A/B campaign",
    "Tries two subjects on buyers of the last quarter and keeps the one that brings orders.",
    GROUP,
)
def campaign(shop: PurchaseMapping) -> Parts:
    """Compare two letters by the orders that follow."""
    return Parts(
        audiences=(
            Audience(
                "recent-buyers", "Buyers of the last 90 days", all_of(did(shop.purchase, within="90d"), subscribed())
            ),
        ),
        letters=(
            letter("campaign-short", "Campaign: short", "New this week", "Three new things."),
            letter(
                "campaign-long",
                "Campaign: with a reason",
                "New this week, and why",
                "Three new things, and who made them.",
            ),
        ),
        nodes=(
            entered("recent-buyers"),
            step(
                "test",
                "ab_test",
                hypothesis="A reason in the subject brings more orders.",
                branches=[{"port": "short", "label": "Short"}, {"port": "long", "label": "With a reason"}],
                event_name=shop.purchase,
            ),
            mail("short", "campaign-short"),
            mail("long", "campaign-long"),
        ),
        edges="starts>test test:short>short test:long>long",
        settings={"entry": "both"},
    )


@template("win-back", "Win back", "Two mails to good customers who have not ordered for half a year.", GROUP)
def win_back(shop: PurchaseMapping) -> Parts:
    """Bring back who lapsed."""
    lapsed = all_of(did(shop.purchase, 2), unless(did(shop.purchase, within="180d")))
    return Parts(
        audiences=(Audience("lapsed-customers", "Lapsed customers", lapsed),),
        letters=(
            letter("win-back-missed", "We have missed you", "It has been quiet without you", "Much is new since then."),
            letter(
                "win-back-extra", "For your return", "For your return", "Something extra is in the parcel this month."
            ),
        ),
        nodes=(
            entered("lapsed-customers"),
            mail("missed", "win-back-missed"),
            wait("week", "7d"),
            asked("ordered", "Ordered since?", since_entry(shop.purchase)),
            mail("extra", "win-back-extra"),
        ),
        edges="starts>missed missed>week week>ordered ordered:else>extra",
        settings={"exit_on_leave": True, "ceilings": {"daily": 1000}},
    )


SELLING = (cart, thanks, replenishment, campaign, win_back)
