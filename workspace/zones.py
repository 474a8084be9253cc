"""The time zones that exist."""

from zoneinfo import available_timezones

ZONES = sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC")
KNOWN = frozenset(available_timezones())


def is_zone(name: str) -> bool:
    """Tell whether a name is a zone of the IANA list (ZoneInfo itself raises odd errors for odd names)."""
    return name in KNOWN
