"""The pages of event names: all of them, and one with its days, properties and newest events."""

from datetime import UTC, datetime, time
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

from contacts import browsing, declaring, promoting, readers, working
from contacts.catalogue_pages import asked, fragment, paged
from contacts.models import Event, EventName
from contacts.pages import actor, whole
from contacts.usage import look
from workspace.problems import Refused

DAYS = 30
NEWEST = 10


@login_required
def events(request: HttpRequest) -> HttpResponse:
    """Every event name with how often it came lately and what it carries."""
    if request.method == "POST":
        return change_event_name(request)
    said = asked(request, browsing.EVENTS_SHOWN, browsing.EVENTS_SORTED)
    values = {
        **said,
        **paged(request, browsing.events(**said, days=DAYS), said),
        "days": DAYS,
        "shown": browsing.EVENTS_SHOWN,
        "sorts": browsing.EVENTS_SORTED,
    }
    return render(request, f"contacts/{'_events' if fragment(request) else 'events'}.html", values)


@permission_required("contacts.change_eventname", raise_exception=True)
def change_event_name(request: HttpRequest) -> HttpResponse:
    """Block, hide or set free a name, or choose its value property."""
    name = get_object_or_404(EventName, pk=whole(request.POST.get("name")) or 0)
    said: dict[str, Any] = {one: request.POST[one] == "on" for one in ("blocked", "hidden") if one in request.POST}
    if "value_property" in request.POST:
        said["value_property"] = request.POST["value_property"].replace("\x00", "")
    try:
        declaring.change_event_name(name, actor=actor(request), **said)
    except Refused as refused:
        messages.error(request, refused.detail)
    else:
        messages.success(request, _words(name, said))
    back = request.POST.get("back", "")
    return redirect(back if url_has_allowed_host_and_scheme(back, None) else reverse("events"))


def _words(name: EventName, said: dict[str, Any]) -> str:
    if "value_property" not in said:
        return f"{name.name} was changed."
    if not said["value_property"]:
        return f"{name.name} events have no value any more."
    return f"{said['value_property']} becomes the value of all {name.name} events, the stored ones too."


@login_required
@require_safe
def event(request: HttpRequest, pk: int) -> HttpResponse:
    """One event name."""
    name = get_object_or_404(EventName, pk=pk)
    newest = Event.objects.filter(name=name).select_related("contact").order_by("-at")[:NEWEST]
    found = look(name, DAYS)
    values = {
        "name": name,
        "look": found,
        "days": DAYS,
        "newest": newest,
        "numbers": sorted(key for key, kind in name.properties.items() if kind == "number" and "." not in key),
        "promoting": working.standing(promoting.KIND, name=str(name.pk)),
        "readers": readers.readers_of(f"event:{name.name}"),
        "crumbs": [{"label": "Events", "url": reverse("events")}, {"label": name.name}],
    }
    return render(request, "contacts/event.html", values)


@login_required
@require_safe
def event_days(request: HttpRequest, pk: int) -> JsonResponse:
    """How many came on each of the last days, for the chart."""
    days = look(get_object_or_404(EventName, pk=pk), DAYS).days
    times = [int(datetime.combine(day, time(), UTC).timestamp()) for day, _ in days]
    return JsonResponse(
        {"times": times, "series": [{"label": "Events", "kind": "bars", "values": [n for _, n in days]}]}
    )
