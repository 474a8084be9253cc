"""Addresses of contacts: made normal, refused with a sentence, and digested so that suppression outlives erasure."""

import contextlib
import hashlib
import hmac
from functools import lru_cache

import phonenumbers
from django.conf import settings
from email_validator import EmailNotValidError, validate_email

CHANNELS_OF = {"email": ("email",), "phone": ("sms", "whatsapp")}


class BadAddress(ValueError):
    """An address that cannot be written to, with the sentence that says why."""


@lru_cache(maxsize=16384)
def normal_email(text: str) -> str:
    """Return an email as it is shown and sent to; raise BadAddress with a sentence."""
    try:
        return validate_email(text.strip(), check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise BadAddress(f'"{text[:80]}" is not an email address: {error}') from error


@lru_cache(maxsize=16384)
def normal_phone(text: str, region: str = "") -> str:
    """Return a phone number as E.164, read in a country when it has no country code; raise BadAddress."""
    try:
        number = phonenumbers.parse(text, region.upper() if len(region) == 2 else None)
    except phonenumbers.NumberParseException as error:
        raise BadAddress(
            f'"{text[:40]}" is not a phone number; write it with its country code, like +14155550123.'
        ) from error
    if not phonenumbers.is_possible_number(number):
        raise BadAddress(f'"{text[:40]}" has too few or too many digits for a phone number of its country.')
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=16384)
def key_of_email(email: str) -> str:
    """Return what makes two emails the same: lower case, the domain in its ASCII form."""
    local, _, domain = email.rpartition("@")
    with contextlib.suppress(UnicodeError):
        domain = domain.encode("idna").decode()
    return f"{local}@{domain}".casefold()


def digest(address: str) -> str:
    """Return the salted digest under which an address (an email, or a phone as E.164) is suppressed."""
    return _digest(address, settings.SECRET_KEY)


def digests(address: str) -> list[str]:
    """Return every digest an address may stand under, one for each secret key that is still honoured."""
    return [_digest(address, secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def _digest(address: str, secret: str) -> str:
    value = key_of_email(address) if "@" in address else address
    return hmac.new(_salt(secret), value.encode(), hashlib.sha256).hexdigest()


@lru_cache(maxsize=8)
def _salt(secret: str) -> bytes:
    return hashlib.sha256(b"tributary.address:" + secret.encode()).digest()
