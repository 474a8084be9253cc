"""The pages of the catalogue: event names and attributes."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from contacts import declaring
from contacts.counting import recent_events
from contacts.forms import AttributeForm, NewAttributeForm
from contacts.models import Attribute, EventName
from contacts.pages import actor, whole
from contacts.properties import CUSTOM, LABELS, STANDARD
from workspace.problems import Refused
from workspace.uses import InUse

DAYS = 30


@login_required
def events(request: HttpRequest) -> HttpResponse:
    """Every event name with how often it came lately and what it carries."""
    if request.method == "POST":
        return change_event_name(request)
    q = request.GET.get("q", "").replace("\x00", "")[:200]
    names = EventName.objects.filter(name__icontains=q) if q else EventName.objects.all()
    counts = recent_events(DAYS)
    rows = [(one, counts.get(one.pk, 0)) for one in names.order_by("-last_seen_at", "name")[:500]]
    fragment = request.headers.get("HX-Request") and not request.headers.get("HX-History-Restore-Request")
    template = "contacts/_events.html" if fragment else "contacts/events.html"
    return render(request, template, {"rows": rows, "q": q, "days": DAYS})


@permission_required("contacts.change_eventname", raise_exception=True)
def change_event_name(request: HttpRequest) -> HttpResponse:
    """Block, hide or set free a name, or choose its value property."""
    name = get_object_or_404(EventName, pk=whole(request.POST.get("name")) or 0)
    for button in ("blocked", "hidden"):
        if button in request.POST:
            declaring.change_event_name(name, actor=actor(request), **{button: request.POST[button] == "on"})
            messages.success(request, f"{name.name} was changed.")
    chosen = request.POST.get("value_property")
    if chosen is not None and (chosen == "" or name.properties.get(chosen) == "number"):
        declaring.change_event_name(name, actor=actor(request), value_property=chosen)
        messages.success(request, f"The value of new {name.name} events is {chosen or 'not kept'}.")
    return redirect("events")


@login_required
def attributes(request: HttpRequest) -> HttpResponse:
    """Every attribute: the standard ones, and the house's own with their types."""
    if request.method == "POST":
        return declare(request)
    own = Attribute.objects.order_by("hidden", "name")
    values = {"attributes": own, "standard": [(LABELS[name], name, one.type.label) for name, one in STANDARD.items()], "form": NewAttributeForm(), "prefix": CUSTOM}
    return render(request, "contacts/attributes.html", values)


@permission_required("contacts.add_attribute", raise_exception=True)
def declare(request: HttpRequest) -> HttpResponse:
    """Declare an attribute that has not arrived yet."""
    form = NewAttributeForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Name the attribute, in at most 128 characters, and choose its type.")
        return redirect("attributes")
    try:
        made = declaring.declare_attribute(actor=actor(request), **form.cleaned_data)
    except Refused as refused:
        messages.error(request, refused.detail)
        return redirect("attributes")
    messages.success(request, f"{made} was declared.")
    return redirect("attributes")


@login_required
def attribute(request: HttpRequest, pk: int) -> HttpResponse:
    """One attribute: its label, its type, who may see it."""
    held = get_object_or_404(Attribute, pk=pk)
    if request.method == "POST":
        return change_attribute(request, held)
    return _attribute(request, held, AttributeForm(instance=held))


def _attribute(request: HttpRequest, held: Attribute, form: AttributeForm, status: int = 200) -> HttpResponse:
    crumbs = [{"label": "Attributes", "url": reverse("attributes")}, {"label": held.name}]
    return render(
        request, "contacts/attribute.html", {"attribute": held, "form": form, "crumbs": crumbs}, status=status
    )


@permission_required("contacts.change_attribute", raise_exception=True)
def change_attribute(request: HttpRequest, held: Attribute) -> HttpResponse:
    """Save or forget an attribute."""
    if "delete" in request.POST:
        return _delete(request, held)
    form = AttributeForm(request.POST, instance=Attribute.objects.get(pk=held.pk))
    if not form.is_valid():
        return _attribute(request, held, form, 422)
    declaring.change_attribute(held, actor=actor(request), **form.cleaned_data)
    messages.success(request, f"{held} was saved.")
    return redirect("attributes")


@permission_required("contacts.delete_attribute", raise_exception=True)
def _delete(request: HttpRequest, held: Attribute) -> HttpResponse:
    try:
        declaring.delete_attribute(held, actor=actor(request))
    except InUse as used:
        messages.error(request, str(used))
        return redirect("attribute", pk=held.pk)
    messages.success(request, f"{held.name} was forgotten; it is learned again when it arrives.")
    return redirect("attributes")
