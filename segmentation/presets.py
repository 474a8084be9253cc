"""Standard conditions as people name them ("Bought", "Looked at a product"): documents to begin with, by the purchase mapping."""

from typing import Any

from segmentation.scenarios.blocks import Document, any_of, did, spent
from workspace.purchases import PurchaseMapping

OPENED = "Opened or clicked a message"


def presets(mapping: PurchaseMapping, currency: str) -> list[dict[str, Any]]:
    """Return the conditions that the builder offers ready-filled, in groups, in the order in which they are shown."""
    return [*_purchases(mapping, currency), *_browsing(mapping), *_attributes(), *_events(mapping), *_reachability()]


def _preset(group: str, icon: str, label: str, hint: str, document: Document) -> dict[str, Any]:
    return {"group": group, "icon": icon, "label": label, "hint": hint, "criteria": document}


def _purchases(mapping: PurchaseMapping, currency: str) -> list[dict[str, Any]]:
    count = {"type": "EVENT", "eventName": mapping.purchase}
    never = {**count, "aggregate": {"function": "count", "operator": "=", "value": 0}}
    dear = spent(100, mapping, currency, within="365d")
    average = {**dear, "aggregate": {**dear["aggregate"], "function": "avg"}}
    last = {**count, "occurrence": "last", "window": {"beforeLast": "90d"}}
    offered = [
        _preset("Purchases", "shopping-cart", "Bought", "So many purchases, in a time you choose", did(mapping.purchase, within="30d")),
        _preset("Purchases", "ban", "Did not buy", "No purchase, ever or in a time you choose", never),
        _preset("Purchases", "chart-line", "Spent", f"All purchases together, in {currency}", dear),
        _preset("Purchases", "activity", "Average purchase", f"What a purchase is worth on average, in {currency}", average),
        _preset("Purchases", "history", "Last purchase", "The newest purchase lies longer ago than", last),
    ]  # fmt: skip
    if mapping.refund:
        back = did(mapping.refund, within="365d")
        offered.append(_preset("Purchases", "undo-2", "Sent back", "Purchases that were refunded", back))
    return offered


def _browsing(mapping: PurchaseMapping) -> list[dict[str, Any]]:
    left = {**did(mapping.cart, within="24h"), "followedBy": {"eventName": mapping.purchase, "negate": True}}
    return [
        _preset("Browsing", "eye", "Looked at a product", "Product pages seen", did(mapping.view, within="7d")),
        _preset(
            "Browsing", "plus", "Put into the cart", "Something went into the cart", did(mapping.cart, within="7d")
        ),
        _preset("Browsing", "log-out", "Left the cart", "Put into the cart and bought nothing since", left),
    ]


def _attributes() -> list[dict[str, Any]]:
    new = {"type": "PROPERTY", "propertyName": "createdAt", "operator": "in_last", "value": "30d"}
    gone = {"type": "PROPERTY", "propertyName": "lastSeenAt", "operator": "not_in_last", "value": "90d"}
    country = {"type": "PROPERTY", "propertyName": "country", "operator": "in", "value": []}
    return [
        _preset("Attributes", "user-plus", "New contact", "Known only lately", new),
        _preset("Attributes", "clock", "Not seen lately", "Did nothing in a time you choose", gone),
        _preset("Attributes", "globe", "Country", "Where they live", country),
    ]


def _events(mapping: PurchaseMapping) -> list[dict[str, Any]]:
    answered = any_of(*(did(name, within="30d") for name in mapping.engagement))
    signed = did(mapping.sign_up, within="7d")
    return [
        _preset("Events", "mail-open", OPENED, "Engaged with what you sent", answered),
        _preset("Events", "log-in", "Signed up", "Made an account", signed),
    ]


def _reachability() -> list[dict[str, Any]]:
    offered = [("email", "mail", "Email"), ("sms", "smartphone", "SMS"), ("whatsapp", "message-circle", "WhatsApp")]
    subscribed = any_of(
        *(
            {"type": "PROPERTY", "propertyName": one, "operator": "=", "value": True}
            for one in ("emailSubscribed", "smsSubscribed", "whatsappSubscribed")
        )
    )
    return [
        *(
            _preset(
                "Reachability", icon, f"Can be reached by {label}", "Has an address, said yes, is not suppressed",
                {"type": "REACHABILITY", "channel": channel},
            )
            for channel, icon, label in offered
        ),
        _preset("Reachability", "users", "Subscriber", "Said yes to messages on any channel", subscribed),
    ]  # fmt: skip
