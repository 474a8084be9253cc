"""Values that stand in the newest facts, for those who write conditions; never what is personal."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.core.cache import cache

from contacts.models import Attribute, Contact, Event, EventName
from contacts.properties import CUSTOM, STANDARD
from contacts.usage import shown_value

LOOKED_AT = 1000  # the newest contacts, or events of a name, that are looked at
FEW_EVENTS = 200  # the newest events of a name that samples are from
MOST, SAMPLES, LONGEST = 30, 3, 40
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


def sampled_attributes() -> dict[str, dict[str, Any]]:
    """Return, by property name, how many per cent of the newest contacts have a value, and a few values that are nobody's own."""
    found: dict[str, dict[str, Any]] | None = cache.get("values_sampled")
    if found is None:
        own = dict(Attribute.objects.filter(hidden=False, joined_into=None).values_list("name", "personal"))
        rows = list(_newest().values("attributes", *(STANDARD[name].column for name in OPEN))[:LOOKED_AT])
        standard = {name: _sample([row[STANDARD[name].column] for row in rows], name) for name in OPEN}
        found = standard | {
            CUSTOM + name: _sample([row["attributes"].get(name) for row in rows], name, hide=personal)
            for name, personal in own.items()
        }
        cache.set("values_sampled", found, REMEMBERED)
    return found


def sampled_event(event: str) -> dict[str, dict[str, Any]]:
    """Return, by property, how many per cent of the newest events of a name carry it, and a few of its values."""
    held = EventName.objects.filter(name=event, hidden=False).first()
    if held is None:
        return {}
    place = f"values_sampled:{held.pk}"
    found: dict[str, dict[str, Any]] | None = cache.get(place)
    if found is None:
        newest = Event.objects.filter(name=held).order_by("-at").values_list("properties", flat=True)
        documents = list(newest[:FEW_EVENTS])
        found = {name: _sample([one.get(name) for one in documents], name) for name in held.properties}
        cache.set(place, found, REMEMBERED)
    return found


def _sample(values: list[Any], name: str, *, hide: bool = False) -> dict[str, Any]:
    given = [one for one in values if one not in (None, "", [])]
    counts = Counter(text for one in given for text in _texts(name, one)) if not hide else Counter()
    share = round(100 * len(given) / len(values)) if values else 0
    return {"share": share, "samples": [text[:LONGEST] for text, _ in counts.most_common(SAMPLES)]}


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
