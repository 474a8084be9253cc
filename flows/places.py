"""Values by their place in a body: customer.email, items[0].sku."""

import re
from collections.abc import Iterator
from typing import Any

PART = re.compile(r"\[([0-9]{1,4})\]|[^.\[\]]+")


def value_at(body: Any, place: str) -> Any:
    """Return what stands at a place, or None."""
    found = body
    for part in PART.finditer(place.removeprefix("$").removeprefix(".")):
        if part[1] is not None:
            found = found[int(part[1])] if isinstance(found, list) and int(part[1]) < len(found) else None
        else:
            found = found.get(part[0]) if isinstance(found, dict) else None
    return found


def places_in(body: Any, most: int = 200) -> list[tuple[str, Any]]:
    """Return the places of the plain values of a body, with these; of a list its first item stands for all."""
    found: list[tuple[str, Any]] = []
    for place, value in _walk(body, ""):
        if len(found) >= most:
            break
        found.append((place, value))
    return found


def _walk(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key and not re.search(r"[.\[\]]", key):
                yield from _walk(inner, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        if value:
            yield from _walk(value[0], f"{place}[0]")
    else:
        yield place, value
