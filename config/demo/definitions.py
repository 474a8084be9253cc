"""What the demo defines: lists, templates, segments and flows, made through the same services as anybody's."""

from typing import Any

ORDERED = "Order Completed"


def event(
    name: str, function: str, operator: str, value: float, window: dict[str, str] | None = None, of: str = ""
) -> dict[str, Any]:
    """Return an EVENT condition."""
    aggregate: dict[str, Any] = {"function": function, "operator": operator, "value": value}
    if of:
        aggregate["propertyName"] = of
    condition: dict[str, Any] = {"type": "EVENT", "eventName": name, "aggregate": aggregate}
    return {**condition, "window": window} if window else condition


def both(*conditions: dict[str, Any]) -> dict[str, Any]:
    """Return the group of all conditions."""
    return {"operator": "AND", "conditions": list(conditions)}


SEGMENTS: list[dict[str, Any]] = [
    {
        "slug": "high-rollers",
        "name": "High Rollers",
        "color": "amber",
        "description": "Buy often, lately and for much: at least 4 orders and $200 within a year, one within 90 days.",
        "criteria": both(
            event(ORDERED, "count", ">=", 4, {"last": "365d"}),
            event(ORDERED, "sum", ">=", 200, {"last": "365d"}, of="revenue"),
            event(ORDERED, "count", ">=", 1, {"last": "90d"}),
        ),
    },
    {
        "slug": "lapsed-high-rollers",
        "name": "Lapsed High Rollers",
        "color": "rose",
        "description": "Spent $250 or more over at least 4 orders, and nothing within 180 days.",
        "criteria": both(
            event(ORDERED, "count", ">=", 4),
            event(ORDERED, "sum", ">=", 250, of="revenue"),
            event(ORDERED, "count", "=", 0, {"last": "180d"}),
        ),
    },
    {
        "slug": "one-time-buyers",
        "name": "One-time buyers",
        "color": "slate",
        "description": "Exactly one order ever.",
        "criteria": both(event(ORDERED, "count", "=", 1)),
    },
    {
        "slug": "active-90-days",
        "name": "Active in the last 90 days",
        "color": "teal",
        "description": "At least one order within 90 days.",
        "criteria": both(event(ORDERED, "count", ">=", 1, {"last": "90d"})),
    },
    {
        "slug": "abandoned-carts",
        "name": "Abandoned carts",
        "color": "coral",
        "description": "Put something into a cart within 24 hours and ordered nothing since.",
        "criteria": both(
            {
                "type": "EVENT",
                "eventName": "Product Added",
                "window": {"last": "24h"},
                "followedBy": {"eventName": ORDERED, "negate": True},
            }
        ),
    },
    {
        "slug": "can-be-emailed",
        "name": "Open to offers by email",
        "color": "moss",
        "description": "Said yes to email, and has not taken it back.",
        "criteria": both({"type": "PROPERTY", "propertyName": "emailSubscribed", "operator": "=", "value": True}),
    },
]

FOOT = '<p style="color:#6b7280;font-size:13px">You get this because you said yes to offers. <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'
TEMPLATES: list[dict[str, Any]] = [
    {
        "slug": "thank-you",
        "name": "Thank you for your order",
        "subject": "Thank you, {{ contact.firstName | default: 'friend' }}",
        "preheader": "Your records are on their way.",
        "body": "<h1>Thank you, {{ contact.firstName | default: 'friend' }}</h1>"
        "<p>We have your order {{ event.orderId }} of {{ event.quantity }} CDs"
        " for ${{ event.revenue }}.</p><p>Play it loud.</p>" + FOOT,
    },
    {
        "slug": "we-miss-you",
        "name": "Win back: we miss you",
        "subject": "It has been quiet without you, {{ contact.firstName | default: 'friend' }}",
        "preheader": "New {{ contact.customProperties.favouriteGenre }} records have come in.",
        "body": "<h1>We kept your corner free</h1><p>Hello {{ contact.firstName | default: 'friend' }}, new"
        " {{ contact.customProperties.favouriteGenre | default: 'records' }} albums have come in since you were last here.</p>"
        + FOOT,
    },
    {
        "slug": "last-call",
        "name": "Win back: last call",
        "subject": "Ten dollars for your next record",
        "preheader": "A small thank-you from us.",
        "body": "<h1>Ten dollars, because you stayed with us so long</h1><p>Use it this week, {{ contact.firstName | default: 'friend' }}.</p>"
        + FOOT,
    },
]

LISTS: list[dict[str, Any]] = [
    {"slug": "won-back", "name": "Won back", "color": "moss", "description": "Ordered again after the win-back mail."}
]
OFFERS = {"slug": "offers", "name": "Offers", "description": "New records and special prices."}


def node(key: str, kind: str, name: str = "", **settings: Any) -> dict[str, Any]:
    """Return a node of a draft document."""
    return {"id": key, "kind": kind, "name": name, "settings": settings}


def edge(source: str, target: str, port: str = "next") -> dict[str, str]:
    """Return an edge of a draft document."""
    return {"from": source, "port": port, "to": target}


FLOWS: list[dict[str, Any]] = [
    {
        "slug": "win-back",
        "name": "Win back lapsed High Rollers",
        "draft": {
            "nodes": [
                node("start", "contact_segment", segment="lapsed-high-rollers", when="enters"),
                node("hello", "send_email", "We miss you", template="we-miss-you"),
                node("pause", "wait", duration="3d"),
                node(
                    "bought",
                    "split",
                    "Ordered since?",
                    branches=[{"port": "yes", "criteria": both(event(ORDERED, "count", ">=", 1, {"last": "4d"}))}],
                ),
                node("thank", "add_to_list", list="won-back"),
                node("again", "send_email", "Last call", template="last-call"),
            ],
            "edges": [
                edge("start", "hello"),
                edge("hello", "pause"),
                edge("pause", "bought"),
                edge("bought", "thank", "yes"),
                edge("bought", "again", "else"),
            ],
        },
        "settings": {"entry": "both", "exit_on_leave": False, "ceilings": {"total": 300}},
    },
    {
        "slug": "thank-you",
        "name": "Thank you for the order",
        "draft": {
            "nodes": [
                node("start", "event", event_name=ORDERED),
                node("pause", "wait", duration="10s"),
                node("mail", "send_email", "Thank you", template="thank-you"),
                node("mark", "update_contact", changes=[{"attribute": "customProperties.thanked", "set": True}]),
            ],
            "edges": [edge("start", "pause"), edge("pause", "mail"), edge("mail", "mark")],
        },
        "settings": {"entry": "new", "reentry": {"allowed": True, "after": "1h"}},
    },
]
