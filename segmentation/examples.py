"""What calls that write segments and destinations look like: shown in the document of OpenAPI, tried by a test."""

from typing import Any

ENTERPRISE = {
    "operator": "AND",
    "conditions": [
        {"type": "PROPERTY", "propertyName": "customProperties.plan", "operator": "=", "value": "enterprise"}
    ],
}
REGULARS = {
    "operator": "AND",
    "conditions": [
        {
            "type": "EVENT",
            "eventName": "Order Completed",
            "aggregate": {"function": "count", "operator": ">=", "value": 3},
            "window": {"last": "30d"},
        }
    ],
}
SHARES = {"parameters": {"often": "top 20%", "high": "300"}}
EXAMPLES: dict[str, Any] = {
    "POST segments/": {"name": "Enterprise", "slug": "enterprise", "kind": "dynamic", "criteria": ENTERPRISE},
    "PATCH segments/{ref}/": {"criteria": REGULARS, "fires": "entries"},
    "POST segments/preview/": {"criteria": REGULARS},
    "POST segments/{ref}/diff/": {"criteria": REGULARS},
    "POST segments/{ref}/freeze/": {"at": "2026-03-01T12:00:00Z", "name": "Enterprise in March"},
    "POST segments/{ref}/members/": {"contacts": ["user:17", "email:ben@example.com"]},
    "POST segments/{ref}/members/remove/": {"contacts": ["con_42"]},
    "POST segments/scenarios/{slug}/": {**SHARES, "name": "High rollers"},
    "POST segments/scenarios/{slug}/preview/": SHARES,
    "POST segments/scenarios/personas/": SHARES,
    "POST segments/scenarios/personas/preview/": SHARES,
    "POST destinations/": {
        "name": "CRM",
        "segment": "enterprise",
        "url": "https://crm.example.com/hooks/tributary",
        "what": "both",
        "begin": "state",
    },
    "PATCH destinations/{ref}/": {"what": "entries", "batch_size": 500},
    "POST destinations/{ref}/replay/": {"since": "2026-03-01T12:00:00Z"},
    "POST destinations/{ref}/retry/": {"deliveries": ["dlv_9"]},
    "POST destinations/{ref}/cancel/": {"deliveries": ["dlv_9"]},
}
