"""The purchase mapping in Settings: which events are purchases, refunds, views, carts, sign-ups and engagement."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from contacts.counting import recent_events
from contacts.models import EventName, name_id
from workspace import purchases
from workspace.audit import Actor
from workspace.problems import Refused

DAYS = 30
LABELS = {
    "purchase": ("A purchase is", "event"),
    "amount": ("Its amount is the property", "property"),
    "currency": ("Its currency is the property", "property"),
    "refund": ("A refund is", "event"),
    "view": ("Looking at a product is", "event"),
    "cart": ("Putting something into the cart is", "event"),
    "sign_up": ("Signing up is", "event"),
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def purchase_mapping(request: HttpRequest) -> HttpResponse:
    """Show what events mean; an administrator changes it."""
    if request.method == "POST":
        return change(request)
    return show(request, purchases.mapping().model_dump(), {})


@permission_required("workspace.change_workspace", raise_exception=True)
def change(request: HttpRequest) -> HttpResponse:
    """Store what was sent, or show what is wrong with it."""
    said: dict[str, Any] = {name: _clean(request.POST.get(name, "")) for name in LABELS}
    said["engagement"] = [line for line in map(_clean, request.POST.get("engagement", "").splitlines()) if line]
    try:
        purchases.change_mapping(said, actor=Actor.of(user=request.user))
    except Refused as refused:
        faults = {one.path.partition(".")[0]: one.message for one in refused.faults}
        return show(request, said, faults, status=422)
    messages.success(
        request, "Saved. Scenarios made from now on speak of these events; segments that stand keep their rules."
    )
    return redirect("purchase_mapping")


def show(request: HttpRequest, said: dict[str, Any], faults: dict[str, str], status: int = 200) -> HttpResponse:
    """Render the page with what has arrived under each name."""
    counts, known = recent_events(DAYS), dict(EventName.objects.values_list("name", "properties"))
    fields = [
        {
            "name": name,
            "label": label,
            "kind": kind,
            "value": said[name],
            "fault": faults.get(name, ""),
            "note": note(said[name], known, counts) if kind == "event" else "",
        }
        for name, (label, kind) in LABELS.items()
    ]
    properties = known.get(said["purchase"], {})
    context = {
        "fields": fields,
        "engagement": "\n".join(said["engagement"]),
        "engagement_fault": faults.get("engagement", ""),
        "engagement_notes": [(name, note(name, known, counts)) for name in said["engagement"]],
        "events": sorted(known),
        "properties": sorted(properties),
        "crumbs": [{"label": "Settings", "url": reverse("settings")}, {"label": "Purchase mapping", "url": ""}],
    }
    return render(request, "config/mapping.html", context, status=status)


def note(name: str, known: dict[str, Any], counts: dict[int, int]) -> str:
    """Say what has arrived under a name of late."""
    if not name:
        return ""
    if name not in known:
        return "No such event has arrived yet."
    return f"{counts.get(name_id(name), 0):,} in the last {DAYS} days."


def _clean(text: str) -> str:
    return text.replace("\x00", "").strip()
