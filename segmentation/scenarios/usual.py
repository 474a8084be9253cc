"""The five usual scenarios: carts left, products looked at, messages answered, purchases, sign-ups."""

from collections.abc import Mapping
from typing import Any

from segmentation.scenarios.base import Parameter, Scenario
from segmentation.scenarios.blocks import Document, all_of, any_of, did, in_currency, unless
from workspace.purchases import PurchaseMapping

Values = Mapping[str, Any]
ANSWERS = {
    "email": {"opened": "Email Opened", "clicked": "Email Link Clicked", "received": "Email Delivered"},
    "sms": {"clicked": "SMS Link Clicked", "received": "SMS Delivered", "replied": "SMS Replied"},
    "whatsapp": {"opened": "WhatsApp Read", "received": "WhatsApp Delivered", "replied": "WhatsApp Replied"},
}


def cart_abandonment(values: Values, mapping: PurchaseMapping, currency: str) -> Document:
    """Put something into a cart and bought nothing since; left alone: and has not touched a cart for so long."""
    followed = {"eventName": mapping.purchase, "negate": True}
    left = {"type": "EVENT", "eventName": mapping.cart, "window": {"last": values["window"]}, "followedBy": followed}
    return all_of(left, unless(did(mapping.cart, within=values["wait"]))) if values["wait"] else all_of(left)


def product_bounce(values: Values, mapping: PurchaseMapping, currency: str) -> Document:
    """Looked at a product and put nothing into the cart."""
    followed = {"eventName": mapping.cart, "within": values["wait"], "negate": True}
    counted = {"function": "count", "operator": ">=", "value": values["times"]}
    window = {"last": values["window"]}
    seen = {"type": "EVENT", "eventName": mapping.view, "aggregate": counted, "window": window, "followedBy": followed}
    return all_of(seen, unless(did(mapping.purchase, within=values["window"])))


def channel_interactions(values: Values, mapping: PurchaseMapping, currency: str) -> Document:
    """Opened, clicked or answered messages on a channel, or did not."""
    names = ANSWERS[values["channel"]]
    answered = [
        did(name, values["times"], within=values["window"]) for what, name in names.items() if what != "received"
    ]
    if values["did"] == "yes":
        return any_of(*answered)
    return all_of(did(names["received"], within=values["window"]), unless(any_of(*answered)))


def purchases(values: Values, mapping: PurchaseMapping, currency: str) -> Document:
    """Bought at least so often, and for at least so much each time."""
    bought = did(mapping.purchase, values["times"], within=values["window"])
    if values["amount"] is None:
        return all_of(bought)
    dear = {"propertyName": mapping.amount, "operator": ">=", "value": values["amount"]}
    money = [in_currency(mapping, currency)] if mapping.currency else []
    return all_of({**bought, "where": all_of(dear, *money)})


def sign_ups(values: Values, mapping: PurchaseMapping, currency: str) -> Document:
    """Signed up lately, and has not bought yet where that is asked."""
    signed = did(mapping.sign_up, within=values["window"])
    return all_of(signed, unless(did(mapping.purchase))) if values["bought"] == "no" else all_of(signed)


WINDOW = Parameter(name="window", label="In the last", kind="duration", default="7d", help="Such as 24h, 7d or 1mo.")
TIMES = Parameter(name="times", label="At least so often", kind="count", default="1")
USUAL = (
    Scenario(
        slug="cart-abandonment",
        name="Cart abandonment",
        description="Put something into a cart and bought nothing since.",
        parameters=(
            Parameter(name="window", label="Cart filled in the last", kind="duration", default="24h"),
            Parameter(
                name="wait", label="Left alone for", kind="duration", default="", optional=True,
                help="Such as 1h: no cart touched for so long. Empty: at once.",
            ),
        ),
        build=cart_abandonment,
        goal="Bring them back while they still remember what they wanted.",
        color="coral",
        icon="layers",
        reads=("cart", "purchase"),
    ),
    Scenario(
        slug="product-page-bounce",
        name="Product page bounce",
        description="Looked at a product, put nothing into the cart and did not buy.",
        parameters=(
            WINDOW,
            TIMES,
            Parameter(name="wait", label="Nothing in the cart within", kind="duration", default="30m"),
        ),
        build=product_bounce,
        goal="Show what they looked at, and what is like it.",
        color="plum",
        reads=("view", "cart", "purchase"),
    ),
    Scenario(
        slug="channel-interactions",
        name="Channel interactions",
        description="Opened, clicked or answered your messages, or got them and did not.",
        parameters=(
            Parameter(
                name="channel", label="Channel", kind="choice", default="email",
                choices=(("email", "Email"), ("sms", "SMS"), ("whatsapp", "WhatsApp")),
            ),
            Parameter(
                name="did", label="Who", kind="choice", default="yes",
                choices=(("yes", "opened, clicked or answered"), ("no", "got messages and did not")),
            ),
            TIMES,
            Parameter(name="window", label="In the last", kind="duration", default="30d"),
        ),
        build=channel_interactions,
        goal="Talk to people on the channel that they answer on.",
        color="blue",
    ),
    Scenario(
        slug="purchases",
        name="Purchases",
        description="Bought at least so often, for at least so much.",
        parameters=(
            Parameter(name="window", label="In the last", kind="duration", default="30d"),
            TIMES,
            Parameter(
                name="amount", label="Each for at least", kind="amount", default="", optional=True,
                help="In the currency of the workspace. Empty: any amount.",
            ),
        ),
        build=purchases,
        goal="Thank the people who keep you in business.",
        color="moss",
        reads=("purchase", "amount"),
    ),
    Scenario(
        slug="sign-ups",
        name="Sign-ups",
        description="Signed up lately.",
        parameters=(
            WINDOW,
            Parameter(
                name="bought", label="Who", kind="choice", default="any",
                choices=(("any", "whether they have bought or not"), ("no", "and have not bought yet")),
            ),
        ),
        build=sign_ups,
        goal="Welcome them while you are new to them.",
        color="teal",
        reads=("sign_up", "purchase"),
    ),
)  # fmt: skip
