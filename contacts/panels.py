"""What higher floors show and filter on the pages of contacts: they register here when they are ready."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from contacts.models import Contact

Look = Callable[[Contact], tuple[str, dict[str, Any]] | None]
Filter = Callable[[str], Q]


@dataclass(frozen=True, slots=True)
class Panel:
    """One block on the page of a contact."""

    name: str
    look: Look
    order: int = 50
    side: bool = True


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel as it is drawn, below its name as heading."""

    name: str
    html: SafeString


_panels: dict[str, Panel] = {}
_filters: dict[str, Filter] = {}


def register(name: str, look: Look, *, order: int = 50, side: bool = True) -> None:
    """Add a block to the page of a contact: `look` returns its template and values, or None for nothing to show."""
    _panels[name] = Panel(name, look, order, side)


def register_filter(name: str, filtering: Filter) -> None:
    """Add a query parameter to lists of contacts ("segment"): `filtering` turns its value into a Q over Contact."""
    _filters[name] = filtering


def panels(request: HttpRequest, contact: Contact, *, side: bool) -> list[Shown]:
    """Return the blocks to draw, in order."""
    chosen = sorted((one for one in _panels.values() if one.side == side), key=lambda one: (one.order, one.name))
    looked = [(one.name, one.look(contact)) for one in chosen]
    return [Shown(name, render_to_string(*found, request=request)) for name, found in looked if found is not None]


def filters() -> dict[str, Filter]:
    """Return the registered filters by name."""
    return dict(_filters)
