"""New orders, copied from the set's last quarter and dated now, sent through HTTP as any shop would send them."""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import requests

from config.demo.items import invented, order
from config.demo.purchases import LAST_DAY, Purchase, purchases

QUARTER = timedelta(days=91)
SECONDS_TO_ANSWER = 10
CART_FIRST = 0.3  # this share of orders is preceded by a visit that fills a cart and goes no further


def last_quarter() -> list[Purchase]:
    """Return the orders of the set's last quarter."""
    return [row for row in purchases() if row.day > LAST_DAY - QUARTER]


def send(url: str, key: str, per_minute: float, say: Callable[[str], None], orders: int = 0) -> None:
    """Send orders at this rate until told to stop, or so many."""
    rows, session, chance = last_quarter(), requests.Session(), random.Random()  # noqa: S311 - chance, no secret
    session.auth = (key, "")
    sent = 0
    while not orders or sent < orders:
        row = chance.choice(rows)
        call = order(row, datetime.now(UTC), message_id=f"live-{uuid4()}")
        if chance.random() < CART_FIRST:
            post(
                session,
                url,
                invented(chance.choice(rows).customer, "Product Added", f"live-{uuid4()}", datetime.now(UTC)),
            )
        post(session, url, call)
        sent += 1
        say(f"{row.user_id} ordered {row.cds} CDs for ${row.dollars}")
        time.sleep(60 / per_minute)


def post(session: requests.Session, url: str, call: dict[str, Any]) -> None:
    """Send one call, going on when the server is away for a moment."""
    try:
        session.post(f"{url}/v1/track", json=call, timeout=SECONDS_TO_ANSWER).raise_for_status()
    except requests.ConnectionError:
        time.sleep(2)
