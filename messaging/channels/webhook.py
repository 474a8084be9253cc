"""Calls to other programs, signed by the Standard Webhooks specification, with an id that never changes."""

from typing import Any

from messaging.channels.base import Outgoing, Receipt
from workspace import calling, clean, signing

TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
OURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})


def signing_secrets() -> list[str]:
    """Return the secrets that receivers check signatures with, the present one first."""
    return signing.secrets_of("workspace:1")


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
    own = {str(name): str(value) for name, value in wanted.items() if str(name).lower() not in OURS}
    signatures = signing.signed(key, body.decode(), signing_secrets())
    return {"Content-Type": "application/json", **own, **signatures, "Idempotency-Key": key}


def _receipt(answer: calling.Answer) -> Receipt:
    kept = {"status": answer.status, "body": _body(answer)}
    if 200 <= answer.status < 300:
        return Receipt("sent", provider_id=answer.headers.get("x-request-id", ""), answer=kept)
    reason = f"The other program answered {answer.status}."
    if answer.status in TEMPORARY:
        return Receipt("retry", reason=reason, retry_after=signing.retry_after(answer.headers), answer=kept)
    return Receipt("failed", reason=reason, answer=kept)


def _body(answer: calling.Answer) -> Any:
    """Return the answer as JSON where it is JSON that can be kept, else as text."""
    text = answer.body.replace("\x00", "\ufffd")
    try:
        value = clean.read(text.encode("utf-8", "surrogatepass"), limit=calling.KEPT * 2)
    except clean.Unclean:
        return text
    return value if isinstance(value, dict | list) else text
