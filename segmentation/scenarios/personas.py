"""The eight personas: who buys and engages how often, how lately and for how much; together nobody is in two."""

from collections.abc import Mapping
from typing import Any

from segmentation.scenarios.base import Parameter, Scenario, read_parameters
from segmentation.scenarios.blocks import Document, all_of, any_of, did, engaged, spent, subscribed, unless
from workspace.purchases import PurchaseMapping

Values = Mapping[str, Any]


def _orders(mapping: PurchaseMapping, currency: str, values: Values) -> Document:
    return did(mapping.purchase, within=values["span"])


def _money(mapping: PurchaseMapping, currency: str, values: Values) -> Document:
    return spent(0, mapping, currency, within=values["span"])


THRESHOLDS = (
    Parameter(name="recent", label="Bought recently: in the last", kind="duration", default="90d"),
    Parameter(name="span", label="Often and much: within the last", kind="duration", default="365d"),
    Parameter(name="often", label="Often: at least so many purchases", kind="count", default="4", quantile=_orders),
    Parameter(name="high", label="High value: spent at least", kind="amount", default="200", quantile=_money),
    Parameter(name="engaged", label="Engaged recently: in the last", kind="duration", default="90d"),
    Parameter(name="keen", label="Engages often: at least so many opens or clicks", kind="count", default="3"),
)


DEFAULTS = read_parameters(THRESHOLDS, {})


class Facts:
    """What the personas are told apart by, for one set of thresholds."""

    def __init__(self, values: Values, mapping: PurchaseMapping, currency: str) -> None:
        lately, span, window = values["recent"], values["span"], values["engaged"]
        self.bought = did(mapping.purchase)
        self.recent = did(mapping.purchase, within=lately)
        self.often = did(mapping.purchase, values["often"], within=span)
        self.high = spent(values["high"], mapping, currency, within=span)
        once_often = did(mapping.purchase, values["often"])
        self.was_dear = any_of(once_often, spent(values["high"], mapping, currency))
        self.engaged = engaged(mapping, 1, window)
        self.keen = engaged(mapping, values["keen"], window)
        self.intent = any_of(did(mapping.view, within=window), did(mapping.cart, within=window))


def high_rollers(f: Facts) -> Document:
    """Buy often, lately and for much."""
    return all_of(f.recent, f.often, f.high)


def brand_enthusiasts(f: Facts) -> Document:
    """Buy often and lately, for less."""
    return all_of(f.recent, f.often, unless(f.high))


def potential_high_rollers(f: Facts) -> Document:
    """Bought lately and for much, not often."""
    return all_of(f.recent, unless(f.often), f.high)


def nearly_there(f: Facts) -> Document:
    """Subscribers who engage often and lately, and never bought."""
    return all_of(subscribed(), unless(f.bought), f.keen, unless(f.intent))


def waiting_for_wows(f: Facts) -> Document:
    """Subscribers who never bought and engaged with a message lately."""
    return all_of(subscribed(), unless(f.bought), f.engaged, unless(f.keen), unless(f.intent))


def window_shoppers(f: Facts) -> Document:
    """Engaged, looked at products or filled a cart, and never bought."""
    return all_of(unless(f.bought), f.engaged, f.intent)


def lapsed(f: Facts) -> Document:
    """Bought often or for much, and nothing lately."""
    return all_of(unless(f.recent), f.was_dear)


def dead_weight(f: Facts) -> Document:
    """Subscribers who neither bought nor engaged lately, and never were dear customers."""
    return all_of(subscribed(), unless(f.recent), unless(f.engaged), unless(f.was_dear))


def _persona(
    build: Any, slug: str, name: str, description: str, goal: str, color: str, asks: str = "recent span often high"
) -> Scenario:
    def document(values: Values, mapping: PurchaseMapping, currency: str) -> Document:
        built: Document = build(Facts({**DEFAULTS, **values}, mapping, currency))
        return built

    return Scenario(
        slug=slug,
        name=name,
        description=description,
        parameters=tuple(one for one in THRESHOLDS if one.name in asks.split()),
        build=document,
        goal=goal,
        color=color,
        icon="users",
        reads=("purchase", "amount", "currency", "view", "cart", "engagement"),
    )


PERSONAS = (
    _persona(
        high_rollers, "high-rollers", "High Rollers",
        "Your best customers: they purchase often, recently, and at a high monetary value.",
        "Retain them with VIP treatment and exclusivity.", "amber",
    ),
    _persona(
        brand_enthusiasts, "brand-enthusiasts", "Brand Enthusiasts",
        "Loyal customers who purchase often and recently, but don't spend as much as High Rollers.",
        "Raise what they spend with related products or volume discounts.", "teal",
    ),
    _persona(
        potential_high_rollers, "potential-high-rollers", "Potential High Rollers",
        "Purchased recently and at a high monetary value, but don't buy very often.",
        "Raise how often they buy with replenishment flows or VIP perks.", "blue",
    ),
    _persona(
        nearly_there, "nearly-there", "Nearly There",
        "Subscribers who engage with your messages often and recently, but have never purchased.",
        "Nudge them to their first purchase by selling value or a first-time incentive.", "indigo", "engaged keen",
    ),
    _persona(
        waiting_for_wows, "waiting-for-wows", "Waiting for Wows",
        "Subscribers who have never purchased but recently engaged with at least one message.",
        "Use their interest while it lasts: limited-time deals.", "plum", "engaged keen",
    ),
    _persona(
        window_shoppers, "window-shoppers", "Window Shoppers",
        "Engaged with your messages and looked at products or filled a cart, but haven't made the leap.",
        "Convert them with social proof and good reviews.", "moss", "engaged",
    ),
    _persona(
        lapsed, "lapsed-high-rollers-and-enthusiasts", "Lapsed High Rollers & Enthusiasts",
        "Used to purchase frequently or at high values, but haven't bought anything recently.",
        "Win them back with new releases or special offers.", "rose", "recent often high",
    ),
    _persona(
        dead_weight, "dead-weight", "Dead Weight",
        "Subscribers who haven't purchased or engaged recently.",
        "Clear them from what you send, to keep engagement healthy.", "slate", "recent often high engaged",
    ),
)  # fmt: skip
