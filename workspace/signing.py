"""Signatures of calls to other programs, by the Standard Webhooks specification.

No secret is stored: each is derived of the house's own key and a name, so that a copy of the base tells none of them.
"""

import base64
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from django.conf import settings
from django.utils.crypto import salted_hmac
from standardwebhooks.webhooks import Webhook

LONGEST_PAUSE = 86_400.0


def secrets_of(name: str) -> list[str]:
    """Return the secrets (whsec_…) of this name, of the present key of the house first and of its former ones after."""
    return [_derived(one, name) for one in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def _derived(key: str, name: str) -> str:
    digest = salted_hmac("tributary.webhooks", name, secret=key, algorithm="sha256").digest()
    return "whsec_" + base64.b64encode(digest).decode()


def signed(key: str, body: str, secrets: Iterable[str]) -> dict[str, str]:
    """Return the three headers of a call: its id, which never changes, its instant and a signature by each secret."""
    at = datetime.now(UTC)  # receivers compare it with their own clock; it decides nothing here
    signatures = [Webhook(secret).sign(msg_id=key, timestamp=at, data=body) for secret in secrets]
    return {
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def retry_after(headers: dict[str, str]) -> float | None:
    """Return for how many seconds (a day at most) an answer asks to be left alone, or None."""
    value = next((said for name, said in headers.items() if name.lower() == "retry-after"), "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), LONGEST_PAUSE)
    try:
        pause = parsedate_to_datetime(value) - datetime.now(UTC)
    except (ValueError, TypeError, IndexError):
        return None
    return min(max(pause / timedelta(seconds=1), 0.0), LONGEST_PAUSE)
