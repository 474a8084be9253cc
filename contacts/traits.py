"""Reading traits: the spec's names fill standard properties, the rest are attributes of the contact."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contacts.addresses import BadAddress, normal_email, normal_phone
from contacts.instants import is_timezone, read_instant
from contacts.properties import CONSENT_CHANNELS, TEXT_COLUMNS
from workspace.problems import refuse

MAX_TEXT = 200


@dataclass(slots=True)
class Traits:
    """What a call says about a contact: by criteria name; None clears; `group` is laid over customProperties.group."""

    standard: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    consents: dict[str, bool] = field(default_factory=dict)
    group: dict[str, Any] | None = None


def read_traits(traits: Mapping[str, Any], *, trusted: bool, path: str = "traits") -> Traits:
    """Sort traits into standard ones, consent (believed only from a trusted source) and attributes."""
    read, path = Traits(), f"{path}." if path else ""
    for name, value in traits.items():
        if name in _STANDARD:
            read.standard[name] = _STANDARD[name](f"{path}{name}", value)
        elif name in CONSENT_CHANNELS:
            _read_consent(read, f"{path}{name}", name, value, trusted)
        elif name not in ("address", "name", "phone"):
            read.custom[name] = value
    _read_name(read, traits, path)
    _read_address(read, traits.get("address"), path)
    if "phone" in traits:
        read.standard["phone"] = _phone(f"{path}phone", traits["phone"], read.standard.get("country") or "")
    return read


def _read_consent(read: Traits, path: str, name: str, value: Any, trusted: bool) -> None:
    if value is None or not trusted:
        return
    if not isinstance(value, bool):
        raise refuse(path, f"{name} is true or false.")
    read.consents[CONSENT_CHANNELS[name]] = value


def _read_name(read: Traits, traits: Mapping[str, Any], path: str) -> None:
    """Split the spec's `name` at its first blank, unless the parts were sent."""
    if "name" not in traits:
        return
    whole = _text(f"{path}name", traits["name"]) or ""
    first, _, last = whole.partition(" ")
    if whole and "firstName" not in traits and "lastName" not in traits:
        read.standard.update(firstName=first, lastName=last.strip())


def _read_address(read: Traits, address: Any, path: str) -> None:
    if address is None:
        return
    if not isinstance(address, dict):
        read.custom["address"] = address
        return
    for name in ("country", "city"):
        if name in address and name not in read.standard:
            read.standard[name] = _text(f"{path}address.{name}", address[name])
    rest = {name: value for name, value in address.items() if name not in ("country", "city")}
    if rest:
        read.custom["address"] = rest


def _text(path: str, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise refuse(path, "This is a text.")
    value = value.strip()
    if len(value) > MAX_TEXT:
        raise refuse(path, f"The text is {len(value)} characters long; at most {MAX_TEXT} are taken.")
    return value or None


def _email(path: str, value: Any) -> str | None:
    text = _text(path, value)
    try:
        return normal_email(text) if text else None
    except BadAddress as error:
        raise refuse(path, str(error)) from error


def _phone(path: str, value: Any, region: str) -> str | None:
    text = _text(path, value)
    try:
        return normal_phone(text, region) if text else None
    except BadAddress as error:
        raise refuse(path, str(error)) from error


def _timezone(path: str, value: Any) -> str | None:
    text = _text(path, value)
    if text and not is_timezone(text):
        raise refuse(path, f'"{text[:60]}" is not a time zone; write one like Europe/Paris.')
    return text


def _created_at(path: str, value: Any) -> datetime | None:
    if value is None or value == "":
        return None
    instant = read_instant(value)
    if instant is None:
        raise refuse(path, "Write an ISO 8601 instant between 1900 and 2200, like 2026-03-01T12:00:00Z.")
    return instant


_STANDARD: dict[str, Callable[[str, Any], Any]] = {
    **{name: _text for name in TEXT_COLUMNS if name != "phone"},
    "email": _email,
    "timezone": _timezone,
    "createdAt": _created_at,
}
