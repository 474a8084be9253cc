"""What calls on reviews look like: shown in the document of OpenAPI, tried by a test."""

from typing import Any

CRITERIA = {"type": "PROPERTY", "propertyName": "city", "operator": "=", "value": "Oslo"}
EXAMPLES: dict[str, Any] = {
    "POST reviews/": {
        "verb": "change",
        "subject": "enterprise",
        "change": {"criteria": CRITERIA},
        "words": "Only those in Oslo from now on.",
    },
    "PATCH reviews/{ref}/": {"change": {"criteria": CRITERIA}, "words": "In Oslo, as you said."},
    "POST reviews/{ref}/submit/": {"note": "Ready to be looked at."},
    "POST reviews/{ref}/send-back/": {"note": "Oslo only, please."},
    "POST reviews/{ref}/approve/": {"note": "Fine.", "fires": "none"},
    "POST reviews/{ref}/withdraw/": {"note": "No longer needed."},
    "POST reviews/{ref}/comments/": {"text": "How many is that?"},
}
