"""What calls that write contacts, lists and the catalogue look like: shown in the document of OpenAPI, tried by a test."""

from typing import Any

EXAMPLES: dict[str, Any] = {
    "POST contacts/": {
        "userId": "17",
        "email": "ana@example.com",
        "firstName": "Ana",
        "customProperties": {"plan": "enterprise", "seats": 40},
    },
    "PUT contacts/{ref}/": {"email": "ana@example.com", "customProperties": {"plan": "enterprise"}},
    "PATCH contacts/{ref}/": {"city": "Oslo", "customProperties": {"plan": None}},
    "POST contacts/{ref}/consents/": {"channel": "email", "status": "subscribed", "source": "signup form"},
    "POST attributes/": {"name": "renewal", "type": "date", "label": "Renewal date"},
    "PATCH attributes/{name}/": {"label": "Pricing plan", "personal": False},
    "POST attributes/{name}/join/": {"into": "plan"},
    "POST attributes/{name}/retype/": {"type": "number"},
    "PATCH events/names/{name}/": {"value_property": "revenue"},
    "POST imports/": {
        "name": "newcomers.csv",
        "csv": "E-mail,First name,Plan\nann@example.com,Ann,pro\nbo@example.com,Bo,free\n",
        "mapping": {"Plan": "customProperties.plan"},
    },
    "POST imports/{ref}/run/": {"mapping": {"First name": "firstName"}, "list": "beta-testers", "fires": False},
    "POST lists/": {"name": "Beta testers", "slug": "beta-testers", "color": "teal"},
    "PATCH lists/{ref}/": {"name": "Testers", "archived": False},
    "POST lists/{ref}/members/": {"contacts": ["user:17", "email:ben@example.com"]},
    "POST lists/{ref}/members/remove/": {"contacts": ["con_42"]},
}
