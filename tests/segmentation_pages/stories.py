"""People and purchases that the stories of segments are about."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from contacts.ingest import Source, take
from workspace import clock

SEED_004 = {
    "operator": "AND",
    "conditions": [
        {"type": "PROPERTY", "propertyName": "customProperties.plan", "operator": "=", "value": "enterprise"}
    ],
}


def tell(*items: dict[str, Any], at: datetime | None = None) -> None:
    """Let facts come in through the door that all facts take."""
    faults = take(
        [{"messageId": f"story-{uuid4()}", **item} for item in items],
        source=Source("stories", False),
        received_at=at or clock.now(),
    )
    assert not any(faults), faults


def person(name: str, **traits: Any) -> dict[str, Any]:
    """Say who somebody is."""
    email = f"{name.lower()}@example.com"
    return {"type": "identify", "userId": name.lower(), "traits": {"firstName": name, "email": email, **traits}}


def order(name: str, revenue: float, days_ago: float = 1, **properties: Any) -> dict[str, Any]:
    """Say what somebody bought."""
    return {
        "type": "track",
        "userId": name.lower(),
        "event": "Order Completed",
        "timestamp": (clock.now() - timedelta(days=days_ago)).isoformat(),
        "properties": {"revenue": revenue, "quantity": 1, **properties},
    }
