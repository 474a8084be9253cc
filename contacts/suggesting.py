"""Values that stand in the newest facts, for those who write conditions; never what is personal."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.core.cache import cache

from contacts.models import Attribute, Contact, Event, EventName
from contacts.properties import CUSTOM, STANDARD
from contacts.usage import shown_value

LOOKED_AT = 1000  # the newest contacts, or events of a name, that are looked at
MOST = 30
REMEMBERED = 60  # seconds
OPEN = ("country", "city", "language", "timezone")  # standard properties that name nobody


def of_attribute(name: str) -> list[str]:
    """Return the values that the newest contacts have, the frequent ones first."""
    if name.startswith(CUSTOM):
        own = name.removeprefix(CUSTOM)
        if not Attribute.objects.filter(name=own, personal=False, hidden=False).exists():
            return []
        documents = _newest().values_list("attributes", flat=True)
        return _remembered(name, (one.get(own) for one in documents[:LOOKED_AT]), own)
    if name not in OPEN:
        return []
    return _remembered(name, _newest().values_list(STANDARD[name].column, flat=True)[:LOOKED_AT], name)


def of_event(event: str, name: str) -> list[str]:
    """Return the values that the newest events of a name carry, the frequent ones first."""
    held = EventName.objects.filter(name=event, hidden=False).first()
    if held is None or name not in held.properties:
        return []
    documents = Event.objects.filter(name=held).order_by("-at").values_list("properties", flat=True)
    return _remembered(f"{held.pk}:{name}", (one.get(name) for one in documents[:LOOKED_AT]), name)


def _newest() -> Any:
    return Contact.objects.filter(erased_at=None).order_by("-pk")


def _remembered(key: str, values: Iterable[Any], name: str) -> list[str]:
    place = f"values:{key.encode().hex()[:200]}"
    found: list[str] | None = cache.get(place)
    if found is None:
        counts = Counter(text for value in values for text in _texts(name, value))
        found = [text for text, _ in counts.most_common(MOST)]
        cache.set(place, found, REMEMBERED)
    return found


def _texts(name: str, value: Any) -> Iterable[str]:
    """Yield a value as it would be typed: the elements of a list one by one, nothing of objects or of somebody's own."""
    for one in value if isinstance(value, list) else [value]:
        if one in (None, "") or isinstance(one, dict | list | bool):
            continue
        if shown_value(name, one) == str(one):
            yield str(one)
