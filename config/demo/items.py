"""The demo as Segment-spec calls: what an outside program would have sent."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from config.demo.people import GENRES, consents, dice, traits
from config.demo.purchases import Purchase, moved

BROWSED_DAYS = 30
CART_SHARE = 22  # of 100 recent visitors put something into a cart


def identify(customer: str, first_order: datetime) -> dict[str, Any]:
    """Return the call that makes a customer known, dated at the first order."""
    return {
        "type": "identify",
        "messageId": f"cdnow-identify-{customer}",
        "userId": f"cdnow-{customer}",
        "timestamp": first_order.isoformat(),
        "traits": {**traits(customer), "createdAt": first_order.isoformat()},
    }


def order(purchase: Purchase, at: datetime, message_id: str = "") -> dict[str, Any]:
    """Return the call of one order; its message id comes from the row number, so that repeats in the set stay."""
    return {
        "type": "track",
        "messageId": message_id or f"cdnow-order-{purchase.row}",
        "userId": purchase.user_id,
        "event": "Order Completed",
        "timestamp": at.isoformat(),
        "properties": {
            "orderId": message_id or f"CD-{purchase.row:06d}",
            "revenue": float(purchase.dollars),
            "quantity": purchase.cds,
            "currency": "USD",
        },
    }


def browsing(customer: str, today: datetime, recent: bool) -> Iterator[dict[str, Any]]:
    """Yield invented visits of the last month: views, sometimes a cart, sometimes an opened mail."""
    visits = dice("visits", customer) % (4 if recent else 2)
    for visit in range(visits):
        back = timedelta(seconds=dice("when", customer, visit) % (BROWSED_DAYS * 86_400))
        yield from visit_events(customer, visit, today - back)
    if recent and dice("cart", customer) % 100 < CART_SHARE:
        back = timedelta(seconds=600 + dice("cart when", customer) % (2 * 86_400))
        yield invented(customer, "Product Added", "cart", today - back)
    if consents(customer) and dice("opens", customer) % 3 == 0:
        back = timedelta(seconds=dice("open when", customer) % (60 * 86_400))
        yield invented(customer, "Newsletter Opened", "open", today - back)


def visit_events(customer: str, visit: int, at: datetime) -> Iterator[dict[str, Any]]:
    """Yield a page view and a product view of one visit."""
    yield invented(customer, "Page Viewed", f"page-{visit}", at)
    yield invented(customer, "Product Viewed", f"product-{visit}", at + timedelta(seconds=40))


def invented(customer: str, event: str, mark: str, at: datetime) -> dict[str, Any]:
    """Return an invented event, labelled so."""
    product = dice("product", customer, mark)
    return {
        "type": "track",
        "messageId": f"cdnow-{mark}-{customer}",
        "userId": f"cdnow-{customer}",
        "event": event,
        "timestamp": at.isoformat(),
        "properties": {**seen(event, product), "invented": True},
    }


def seen(event: str, product: int) -> dict[str, Any]:
    """Return what an invented event was about: a page, a mail or a record with its price."""
    genre = GENRES[product % len(GENRES)]
    if event == "Page Viewed":
        return {"path": f"/{genre}/", "genre": genre}
    if event == "Newsletter Opened":
        return {"subject": f"New in {genre}", "genre": genre}
    return {"genre": genre, "price": round(8.99 + product % 12, 2), "sku": f"CD-{product % 900:03d}"}


def history(rows: list[Purchase], today: datetime) -> Iterator[dict[str, Any]]:
    """Yield everything of the set, each customer's identify call before their events."""
    first: dict[str, datetime] = {}
    newest: dict[str, datetime] = {}
    for row in rows:
        at = moved(row, today)
        first[row.customer] = min(first.get(row.customer, at), at)
        newest[row.customer] = max(newest.get(row.customer, at), at)
    for customer, at in first.items():
        yield identify(customer, at)
    for row in rows:
        yield order(row, moved(row, today))
    for customer, at in newest.items():
        yield from browsing(customer, today, recent=at > today - timedelta(days=180))
