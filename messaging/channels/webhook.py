"""Calls to other programs, signed by the Standard Webhooks specification, with an id that never changes."""

import base64
import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac
from standardwebhooks.webhooks import Webhook

from messaging.channels.base import Outgoing, Receipt
from workspace import calling

TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
OURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})


def signing_secrets() -> list[str]:
    """Return the secrets that receivers check signatures with, the present one first."""
    return [_secret(one) for one in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def _secret(key: str) -> str:
    derived = salted_hmac("tributary.webhooks", "workspace:1", secret=key, algorithm="sha256").digest()
    return "whsec_" + base64.b64encode(derived).decode()


class WebhookLine:
    """Makes one call per message; every call opens a connection to a freshly checked address."""

    def send(self, outgoing: Outgoing, address: str) -> Receipt:
        """Call, and say what the other program answered."""
        request = outgoing.request or {}
        body = str(request.get("body", "")).encode()
        try:
            answer = calling.call(
                request.get("method", "POST"),
                request.get("url", ""),
                headers=_headers(outgoing.key, body, request.get("headers", {})),
                body=body,
            )
        except calling.NotCalled as error:
            return Receipt("failed", reason=str(error))
        except calling.NoAnswer as error:
            return Receipt("unsure" if error.sent else "retry", reason=str(error))
        return _receipt(answer)

    def close(self) -> None:
        """Nothing is kept open."""


def _headers(key: str, body: bytes, wanted: dict[str, Any]) -> dict[str, str]:
    at = datetime.now(UTC)  # receivers compare it with their own clock; it decides nothing here
    signatures = [Webhook(secret).sign(msg_id=key, timestamp=at, data=body.decode()) for secret in signing_secrets()]
    own = {str(name): str(value) for name, value in wanted.items() if str(name).lower() not in OURS}
    return {
        "Content-Type": "application/json",
        **own,
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
        "Idempotency-Key": key,
    }


def _receipt(answer: calling.Answer) -> Receipt:
    kept = {"status": answer.status, "body": _body(answer)}
    if 200 <= answer.status < 300:
        return Receipt("sent", provider_id=answer.headers.get("x-request-id", ""), answer=kept)
    reason = f"The other program answered {answer.status}."
    if answer.status in TEMPORARY:
        return Receipt("retry", reason=reason, retry_after=_retry_after(answer), answer=kept)
    return Receipt("failed", reason=reason, answer=kept)


def _body(answer: calling.Answer) -> Any:
    """Return the answer as JSON where it is JSON that can be kept, else as text."""
    text = answer.body.replace("\x00", "\ufffd")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict | list) and "\\u0000" not in text and "\\ud" not in text.lower() else text


def _retry_after(answer: calling.Answer) -> float | None:
    for name, value in answer.headers.items():
        if name.lower() == "retry-after":
            return _seconds(value)
    return None


def _seconds(value: str) -> float | None:
    if value.isdigit():
        return min(float(value), 86400.0)
    try:
        gap = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(gap, 0.0), 86400.0)
