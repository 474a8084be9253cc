"""What people call attributes: the labels they declared, read once for each request that says something in words."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from contacts.models import Attribute
from contacts.properties import CUSTOM, LABELS, name_with


class _Labels:
    """The labels by property name, read when the first is asked for."""

    def __init__(self) -> None:
        self._read: dict[str, str] | None = None

    def get(self, name: str) -> str:
        """Return the label of an own attribute; empty when it has none."""
        if self._read is None:
            self._read = _told()
        return self._read.get(name, "")


_labels: ContextVar[_Labels | None] = ContextVar("labels", default=None)


def _told() -> dict[str, str]:
    """Return property name → label; one that might as well mean another attribute is followed by the name."""
    every = list(Attribute.objects.filter(joined_into=None).values_list("name", "label"))
    rows = {name: label for name, label in every if label}
    others = [name for name, label in every if not label]
    taken = Counter(one.casefold() for one in (*rows.values(), *LABELS.values(), *others))
    return {
        CUSTOM + name: label if taken[label.casefold()] == 1 or label == name else f"{label} ({name})"
        for name, label in rows.items()
    }


def called(name: str) -> str:
    """Return what people call a property; empty where nobody is spoken to, or nothing was declared."""
    held = _labels.get()
    return held.get(name) if held is not None and name.startswith(CUSTOM) else ""


@contextmanager
def in_words() -> Iterator[None]:
    """Speak to people while this runs: attributes are called by their labels."""
    token = _labels.set(_Labels())
    try:
        yield
    finally:
        _labels.reset(token)


name_with(called)
