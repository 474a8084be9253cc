"""What people call things: attributes by the labels they declared, segments, lists, flows, templates and topics by name.

Both are read once for each request that says something in words: one query for the labels, one for all the names.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from unicodedata import bidirectional

from django.db.models import F, Model, Value

from contacts.models import Attribute, List, Topic
from contacts.properties import CUSTOM, LABELS, name_with


class _Spoken:
    """The labels by property name, and the names by kind and slug, each read when the first is asked for."""

    def __init__(self) -> None:
        self._labels: dict[str, str] | None = None
        self._names: dict[tuple[str, str], str] | None = None

    def label(self, name: str) -> str:
        """Return the label of an own attribute; empty when it has none."""
        if self._labels is None:
            self._labels = _told()
        return self._labels.get(name, "")

    def name(self, kind: str, slug: str) -> str:
        """Return the name of a thing; its slug when it has no other, or is not there."""
        if self._names is None:
            self._names = _named()
        return self._names.get((kind, slug), slug)


_spoken: ContextVar[_Spoken | None] = ContextVar("spoken", default=None)
_kinds: dict[str, type[Model]] = {"list": List, "topic": Topic}


def register_named(kind: str, model: type[Model]) -> None:
    """Let things of a kind ("segment"), which have a slug and a name, be called by name in sentences."""
    _kinds[kind] = model


def _named() -> dict[tuple[str, str], str]:
    """Return (kind, slug) → name of all whose name says more; one that others of the kind bear is followed by the slug."""
    first, *others = (
        model._default_manager.order_by().values_list(Value(kind), F("slug"), F("name"))
        for kind, model in _kinds.items()
    )
    rows = list(first.union(*others, all=True))
    borne = Counter((kind, name.casefold()) for kind, _, name in rows)
    return {
        (kind, slug): isolated(name if borne[kind, name.casefold()] == 1 else f"{name} ({slug})")
        for kind, slug, name in rows
        if name and name != slug
    }


def isolated(name: str) -> str:
    """Keep a name that reads from right to left from turning the sentence around it."""
    if any(bidirectional(one) in ("R", "AL") for one in name):
        return f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}"
    return name


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
    held = _spoken.get()
    return held.label(name) if held is not None and name.startswith(CUSTOM) else ""


def name_of(kind: str, slug: str) -> str:
    """Return what people call a segment, list, flow, template or topic; its slug where nobody is spoken to."""
    held = _spoken.get()
    return held.name(kind, slug) if held is not None and slug else slug


def speaking() -> bool:
    """Tell whether people are spoken to."""
    return _spoken.get() is not None


@contextmanager
def in_words() -> Iterator[None]:
    """Speak to people while this runs: attributes are called by their labels, everything else by its name."""
    token = _spoken.set(_Spoken())
    try:
        yield
    finally:
        _spoken.reset(token)


name_with(called)
