"""Lists of messages: filtered by what people ask, paged by id, never counted."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet

from messaging.models import Message

PAGE = 50


def filtered(asked: Mapping[str, Any]) -> QuerySet[Message]:
    """Return the messages that a query string asks for: status, gate, flow, template, contact, q (the address or key)."""
    found = Message.objects.select_related("contact", "stream", "template_version__template")
    if (status := asked.get("status", "")) in Message.Status.values:
        found = found.filter(status=status)
    if flow := clean_text(asked.get("flow")):
        found = found.filter(stream__kind="flow", stream__slug=flow)
    if broadcast := clean_text(asked.get("broadcast")):
        found = found.filter(stream__kind="broadcast", stream__slug=broadcast)
    if template := clean_text(asked.get("template")):
        found = found.filter(template_version__template__slug=template)
    if gate := clean_text(asked.get("gate")):
        found = found.filter(gate=gate)
    if (number := number_of(asked.get("contact"), "con_")) is not None:
        found = found.filter(contact_id=number)
    return found


def clean_text(value: Any) -> str:
    """Return a filter's text, without what the database cannot hold."""
    return str(value or "")[:100].replace("\x00", "")


def number_of(value: Any, prefix: str) -> int | None:
    """Return the number in "con_42" or "42", or None."""
    text = str(value or "").removeprefix(prefix)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def page(found: QuerySet[Any], asked: Mapping[str, Any], size: int = PAGE) -> dict[str, Any]:
    """Return one page, newest first, with the links to the next and the previous one."""
    before, after = number_of(asked.get("before"), ""), number_of(asked.get("after"), "")
    if after is not None:
        rows = list(found.filter(pk__gt=after).order_by("pk")[: size + 1])
        more, rows = len(rows) > size, rows[:size][::-1]
        return _links(rows, asked, older=bool(rows), newer=more)
    if before is not None:
        found = found.filter(pk__lt=before)
    rows = list(found.order_by("-pk")[: size + 1])
    return _links(rows[:size], asked, older=len(rows) > size, newer=before is not None and bool(rows))


def _links(rows: list[Any], asked: Mapping[str, Any], *, older: bool, newer: bool) -> dict[str, Any]:
    kept = {name: value for name, value in asked.items() if name not in ("before", "after") and value}
    return {
        "rows": rows,
        "older": f"?{urlencode({**kept, 'before': rows[-1].pk})}" if older else "",
        "newer": f"?{urlencode({**kept, 'after': rows[0].pk})}" if newer else "",
        "here": f"?{urlencode({name: value for name, value in asked.items() if value})}",
    }
