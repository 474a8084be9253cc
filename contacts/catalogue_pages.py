"""The pages of attributes: all of them, one of them, and what another type would do."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from contacts import browsing, declaring, joining, readers, retyping
from contacts.forms import AttributeForm, NewAttributeForm
from contacts.models import Attribute, AttributeType
from contacts.pages import actor, whole
from contacts.properties import CUSTOM, LABELS, STANDARD, fact_of
from contacts.usage import Usage, attribute_usage
from workspace.problems import Refused
from workspace.uses import InUse


def asked(request: HttpRequest, shown: dict[str, str], sorted_by: dict[str, str]) -> dict[str, Any]:
    """Return what a list is asked for in its address, unknown choices as none."""
    show, sort = request.GET.get("show", ""), request.GET.get("sort", "")
    said = {"q": request.GET.get("q", "").replace("\x00", "")[:200]}
    return {**said, "show": show if show in shown else "", "sort": sort if sort in sorted_by else ""}


def paged(request: HttpRequest, found: list[Any], said: dict[str, Any]) -> dict[str, Any]:
    """Return the rows of the page that is asked for, and the addresses of the pages beside it."""
    page = min(whole(request.GET.get("page")) or 0, 10_000)
    rows, more = browsing.part(found, page)
    kept = {name: value for name, value in said.items() if value}
    address = request.path
    return {
        "rows": rows,
        "count": len(found),
        "newer_url": f"{address}?{urlencode({**kept, 'page': page - 1})}" if page else "",
        "older_url": f"{address}?{urlencode({**kept, 'page': page + 1})}" if more else "",
    }


def fragment(request: HttpRequest) -> bool:
    """Tell whether only the rows are asked for."""
    return bool(request.headers.get("HX-Request") and not request.headers.get("HX-History-Restore-Request"))


@login_required
def attributes(request: HttpRequest) -> HttpResponse:
    """Every attribute: the house's own with their types and how they are used, and the standard ones."""
    if request.method == "POST":
        return declare(request)
    said = asked(request, browsing.ATTRIBUTES_SHOWN, browsing.ATTRIBUTES_SORTED)
    values = {
        **said,
        **paged(request, browsing.attributes(**said), said),
        "shown": browsing.ATTRIBUTES_SHOWN,
        "sorts": browsing.ATTRIBUTES_SORTED,
        "estimated": attribute_usage().estimated,
        "standard": [(LABELS[name], name, one.type.label) for name, one in STANDARD.items()],
        "form": NewAttributeForm(),
        "prefix": CUSTOM,
    }
    return render(request, f"contacts/{'_attributes' if fragment(request) else 'attributes'}.html", values)


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
    """One attribute: its label, its type, who may see it, who uses it."""
    held = get_object_or_404(Attribute.objects.select_related("joined_into"), pk=pk)
    if request.method == "POST":
        return change_attribute(request, held)
    return _attribute(request, held, AttributeForm(instance=held))


def _attribute(request: HttpRequest, held: Attribute, form: AttributeForm, status: int = 200) -> HttpResponse:
    same = joining.alike(Attribute.objects.filter(joined_into=None).values_list("name", flat=True)).get(held.name, [])
    values = {
        "attribute": held,
        "form": form,
        "crumbs": [{"label": "Attributes", "url": reverse("attributes")}, {"label": held.name}],
        "usage": None if "." in held.name else attribute_usage().of.get(held.name, Usage()),
        "estimated": attribute_usage().estimated,
        "alike": [] if held.joined_into_id else Attribute.objects.filter(name__in=same).order_by("name"),
        "aliases": held.aliases.order_by("name"),
        "readers": readers.readers_of(fact_of(CUSTOM + held.name)),
        "retyping": retyping.under_way(held),
        "joining": joining.under_way(held),
        "prefix": CUSTOM,
    }
    return render(request, "contacts/attribute.html", values, status=status)


@permission_required("contacts.change_attribute", raise_exception=True)
def change_attribute(request: HttpRequest, held: Attribute) -> HttpResponse:
    """Do what was asked of an attribute: save, confirm, join, stop a conversion, or forget it."""
    try:
        if "delete" in request.POST:
            return _delete(request, held)
        if "cancel" in request.POST:
            messages.success(request, _stop(request, held))
            return redirect("attribute", pk=held.pk)
        if "join" in request.POST:
            return _join(request, held)
        return _save(request, held)
    except Refused as refused:
        messages.error(request, refused.detail)
        return redirect("attribute", pk=held.pk)


def _stop(request: HttpRequest, held: Attribute) -> str:
    """Stop what is being done to the values of an attribute, and say what that means."""
    if declaring.stop_joining(held, actor=actor(request)):
        return f"It stops. What went over stays there; the rest stays, and {held.name} stands by itself again."
    if declaring.stop_retyping(held, actor=actor(request)):
        return "The conversion stops; what it converted is put back."
    return "There was nothing to stop."


def _save(request: HttpRequest, held: Attribute) -> HttpResponse:
    """Save what was typed; another type is shown before it is done."""
    kind, standing = held.type, Attribute.objects.get(pk=held.pk)
    said = request.POST.copy()
    said.setdefault("type", kind)
    form = AttributeForm(said, instance=standing)
    if not form.is_valid():
        return _attribute(request, held, form, 422)
    changes = dict(form.cleaned_data)
    if "confirm" not in said and changes["type"] == kind:
        changes.pop("type")
    if "type" in changes and (changes["type"] != kind or not held.declared) and "sure" not in said:
        return _ask(request, held, changes)
    declaring.change_attribute(held, actor=actor(request), **changes)
    held.refresh_from_db()
    busy = retyping.under_way(held) is not None
    messages.success(request, f"{held} was saved." + (" Its values are being converted." if busy else ""))
    return redirect("attribute", pk=held.pk)


def _ask(request: HttpRequest, held: Attribute, changes: dict[str, Any]) -> HttpResponse:
    """Show what another type would do, with what was typed kept."""
    retyping.refuse_busy(held)
    crumbs = [
        {"label": "Attributes", "url": reverse("attributes")},
        {"label": held.name, "url": reverse("attribute", args=[held.pk])},
        {"label": "Type"},
    ]
    values = {
        "attribute": held,
        "type": AttributeType(changes["type"]).label,
        "preview": retyping.preview(held, changes["type"]),
        "changes": {name: "on" if value is True else value for name, value in changes.items() if value is not False},
        "crumbs": crumbs,
    }
    return render(request, "contacts/retype.html", values)


def _join(request: HttpRequest, held: Attribute) -> HttpResponse:
    into = get_object_or_404(Attribute, pk=whole(request.POST["join"]) or 0)
    declaring.join_attribute(held, into=into, actor=actor(request))
    messages.success(request, f"{held.name} is joined into {into.name}; what arrives as {held.name} is stored as that.")
    return redirect("attribute", pk=into.pk)


@permission_required("contacts.delete_attribute", raise_exception=True)
def _delete(request: HttpRequest, held: Attribute) -> HttpResponse:
    try:
        declaring.delete_attribute(held, actor=actor(request))
    except InUse as used:
        messages.error(request, str(used))
        return redirect("attribute", pk=held.pk)
    messages.success(request, f"{held.name} was forgotten; it is learned again when it arrives.")
    return redirect("attributes")
