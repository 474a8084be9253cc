"""What scenarios are made of: conditions and groups as documents."""

from typing import Any

from workspace.purchases import PurchaseMapping

Document = dict[str, Any]


def did(name: str, times: int = 1, *, within: str = "") -> Document:
    """Return "did this at least so often", in the last stretch of time or ever."""
    counted = {"function": "count", "operator": ">=", "value": times}
    condition: Document = {"type": "EVENT", "eventName": name, "aggregate": counted}
    return {**condition, "window": {"last": within}} if within else condition


def spent(at_least: float, mapping: PurchaseMapping, currency: str, *, within: str = "") -> Document:
    """Return "bought for at least so much": in the house's currency alone, for others are never added to it."""
    summed = {"function": "sum", "propertyName": mapping.amount, "operator": ">=", "value": at_least}
    condition = {**did(mapping.purchase, within=within), "aggregate": summed}
    return {**condition, "where": in_currency(mapping, currency)} if mapping.currency else condition


def in_currency(mapping: PurchaseMapping, currency: str) -> Document:
    """Return the filter "in this currency"; an event that names none is in the house's."""
    named = {"propertyName": mapping.currency, "operator": "=", "value": currency}
    return any_of(named, {"propertyName": mapping.currency, "operator": "is_null"})


def all_of(*conditions: Document) -> Document:
    """Return the group of all conditions."""
    return {"operator": "AND", "conditions": list(conditions)}


def any_of(*conditions: Document) -> Document:
    """Return the group of any condition."""
    return {"operator": "OR", "conditions": list(conditions)}


def unless(condition: Document) -> Document:
    """Return the exclusion of a condition or group."""
    return {**condition, "negate": True}


def subscribed() -> Document:
    """Return "said yes to being written to", on any channel."""
    names = ("emailSubscribed", "smsSubscribed", "whatsappSubscribed")
    return any_of(*({"type": "PROPERTY", "propertyName": one, "operator": "=", "value": True} for one in names))


def engaged(mapping: PurchaseMapping, times: int, within: str) -> Document:
    """Return "opened or clicked at least so often"."""
    return any_of(*(did(name, times, within=within) for name in mapping.engagement))
