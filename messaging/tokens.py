"""The tokens in public links: they name one message and prove that we made them, and say nothing about anybody."""

import base64
import hashlib
import hmac
from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from messaging.models import Message

SALT = "tributary.unsubscribe.1"
SIGNATURE_BYTES = 20


def unsubscribe_token(message: Message) -> str:
    """Return the token that unsubscribes the contact of this message from what the message was about."""
    return _text(message.public_id.bytes + _signature(message, settings.SECRET_KEY))


def unsubscribe_url(message: Message) -> str:
    """Return the absolute link of a message's unsubscribe page."""
    return f"{str(settings.SITE_URL).rstrip('/')}{_place()}{unsubscribe_token(message)}/"


@lru_cache(maxsize=1)
def _place() -> str:
    return reverse("unsubscribe", args=["x"]).removesuffix("x/")


def message_of(token: str) -> Message | None:
    """Return the message a token names, or None when we did not make it just so."""
    raw = _bytes(token)
    if len(raw) != 16 + SIGNATURE_BYTES:
        return None
    message = Message.objects.filter(public_id=UUID(bytes=raw[:16])).select_related("contact").first()
    if message is None:
        return None
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    good = [hmac.compare_digest(raw[16:], _signature(message, secret)) for secret in secrets]
    return message if any(good) else None


def _signature(message: Message, secret: str) -> bytes:
    bound = f"{message.public_id}|{message.contact_id}|{message.channel}|{message.topic}"
    return hmac.digest(_key(secret), bound.encode(), "sha256")[:SIGNATURE_BYTES]


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return hashlib.sha256(f"{SALT}:{secret}".encode()).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(token: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return b""
    return raw if _text(raw) == token else b""
