"""The pages of contacts: everybody, one of them, and the form."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from contacts import services
from contacts.counting import standing_count
from contacts.forms import ConsentForm, ContactForm, read_rows, rows_of
from contacts.models import Activity, Contact, List
from contacts.panels import filters, panels
from contacts.searching import search
from contacts.timeline import Timeline
from workspace.audit import Actor
from workspace.origins import origin_of
from workspace.problems import Refused

PAGE = 50


def actor(request: HttpRequest) -> Actor:
    """Name who acts on a page."""
    return Actor.of(user=request.user)


def whole(text: str | None) -> int | None:
    """Read a number out of a query, or nothing."""
    number = int(text) if text and text.isascii() and text.isdigit() and len(text) <= 19 else None
    return number if number is not None and number < 2**63 else None


@login_required
@require_safe
def contacts(request: HttpRequest) -> HttpResponse:
    """Everybody, newest first, found by how they begin."""
    rows, older = page_of(chosen(request), whole(request.GET.get("before")))
    values = {
        "rows": with_activity(rows),
        "q": request.GET.get("q", ""),
        "count": standing_count(),
        "older_url": url_with(request, before=older),
        "newer_url": url_with(request, before=None) if request.GET.get("before") else "",
        "lists": List.objects.filter(archived_at=None).order_by("name"),
        "list": request.GET.get("list", ""),
    }
    fragment = request.headers.get("HX-Request") and not request.headers.get("HX-History-Restore-Request")
    return render(request, "contacts/_contacts.html" if fragment else "contacts/contacts.html", values)


def chosen(request: HttpRequest) -> QuerySet[Contact]:
    """Return the contacts that the query asks for."""
    found = search(request.GET.get("q", ""))
    if slug := request.GET.get("list", "").replace("\x00", ""):
        found = found.filter(list_members__list__slug=slug)
    for name, filtering in filters().items():
        if value := request.GET.get(name):
            found = found.filter(filtering(value))
    return found


def page_of(found: QuerySet[Contact], before: int | None) -> tuple[list[Contact], int | None]:
    """Return one page by key, and the key that the next one begins below."""
    if before is not None:
        found = found.filter(pk__lt=before)
    rows = list(found.order_by("-pk")[: PAGE + 1])
    return rows[:PAGE], rows[PAGE - 1].pk if len(rows) > PAGE else None


def with_activity(rows: list[Contact]) -> list[tuple[Contact, datetime | None]]:
    """Return contacts with when they were last heard of."""
    seen = dict(Activity.objects.filter(contact__in=rows).values_list("contact_id", "last_seen_at"))
    return [(one, seen.get(one.pk)) for one in rows]


def url_with(request: HttpRequest, before: int | None) -> str:
    """Return this address from another key on."""
    query = {name: str(value) for name, value in request.GET.items() if name != "before" and value}
    if before is not None:
        query["before"] = str(before)
    elif "before" not in request.GET:
        return ""
    return f"{request.path}?{urlencode(query)}"


@login_required
@require_safe
def contacts_count(request: HttpRequest) -> HttpResponse:
    """How many contacts there are, live."""
    return render(request, "contacts/_count.html", {"count": standing_count()})


@login_required
def contact(request: HttpRequest, pk: int) -> HttpResponse:
    """One contact: attributes, lists, consent, what higher floors know, and the timeline."""
    one = get_object_or_404(Contact.objects.select_related("merged_into"), pk=pk)
    if one.merged_into_id:
        return redirect("contact", pk=one.merged_into_id)
    if request.method == "POST":
        return change(request, one)
    return render(request, "contacts/contact.html", about(request, one))


def about(request: HttpRequest, one: Contact) -> dict[str, Any]:
    """Return what the page of a contact shows."""
    on = List.objects.filter(members__contact=one).order_by("name")
    return {
        "contact": one,
        "document": services.document_of(one),
        "attributes": rows_of(one.attributes)[: len(one.attributes)],
        "identities": one.identities.order_by("kind", "value")[:20],
        "merged": one.merged.count(),
        "lists": on,
        "other_lists": List.objects.filter(archived_at=None).exclude(pk__in=on).order_by("name"),
        "consents": one.consents_now.order_by("channel", "topic"),
        "consent_form": ConsentForm(initial={"source": "back office"}),
        "timeline": Timeline.of(one, request.GET.get("before", "")),
        "panels": panels(request, one, side=False),
        "side_panels": panels(request, one, side=True),
        "crumbs": [{"label": "Contacts", "url": reverse("contacts")}, {"label": one.display}],
    }


@login_required
@require_safe
def contact_timeline(request: HttpRequest, pk: int) -> HttpResponse:
    """What a contact did, live."""
    one = get_object_or_404(Contact, pk=pk)
    timeline = Timeline.of(one, request.GET.get("before", ""))
    return render(request, "contacts/_timeline.html", {"contact": one, "timeline": timeline})


@permission_required("contacts.change_contact", raise_exception=True)
def change(request: HttpRequest, one: Contact) -> HttpResponse:
    """Do what the pressed button says."""
    try:
        if "add_to_list" in request.POST or "remove_from_list" in request.POST:
            _list(request, one)
        elif "consent" in request.POST:
            _consent(request, one)
        elif "erase" in request.POST:
            return _erase(request, one)
    except Refused as refused:
        messages.error(request, refused.detail)
    return redirect("contact", pk=one.pk)


def _list(request: HttpRequest, one: Contact) -> None:
    removing = "remove_from_list" in request.POST
    held = get_object_or_404(List, pk=whole(request.POST["remove_from_list" if removing else "list"]) or 0)
    if removing:
        services.remove_from_list(held, [one.pk], cause="manual")
    else:
        services.add_to_list(held, [one.pk], cause="manual", origin=origin_of(actor(request)))
    messages.success(request, f"{'Taken off' if removing else 'Put on'} {held.name}.")


def _consent(request: HttpRequest, one: Contact) -> None:
    form = ConsentForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Consent was not recorded: say the channel, the status and where it was said.")
        return
    services.record_consent(contact_id=one.pk, actor=actor(request), **form.cleaned_data)
    messages.success(request, "Consent recorded.")


@permission_required("contacts.delete_contact", raise_exception=True)
def _erase(request: HttpRequest, one: Contact) -> HttpResponse:
    receipt = services.erase_contact(contact=one, actor=actor(request))
    rows = sum(receipt["erased"].values())
    messages.success(request, f"The contact was erased: {rows} rows. Its number, {one.ref}, stays for the counts.")
    return redirect("contacts")


@login_required
@permission_required("contacts.add_contact", raise_exception=True)
def contact_new(request: HttpRequest) -> HttpResponse:
    """Add a contact by hand."""
    return _form(request, None)


@login_required
@permission_required("contacts.change_contact", raise_exception=True)
def contact_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit a contact by hand."""
    one = get_object_or_404(Contact, pk=pk)
    if not one.alive:
        raise Http404
    return _form(request, one)


def _form(request: HttpRequest, one: Contact | None) -> HttpResponse:
    form = ContactForm(request.POST or None, contact=one)
    keys, values = request.POST.getlist("key"), request.POST.getlist("value")
    if request.method == "POST" and form.is_valid() and (saved := _save(request, form, one, keys, values)):
        return redirect("contact", pk=saved.pk)
    rows = [*zip(keys, values, strict=False)] if request.method == "POST" else rows_of(one.attributes if one else {})
    status = 422 if request.method == "POST" else 200
    return render(request, "contacts/form.html", {"form": form, "contact": one, "rows": rows}, status=status)


def _save(
    request: HttpRequest, form: ContactForm, one: Contact | None, keys: list[str], values: list[str]
) -> Contact | None:
    own = read_rows(keys, values, one.attributes if one else {})
    document = {**form.document(), **({"customProperties": own} if own else {})}
    try:
        if one is None:
            saved = services.create_contact(document=document, actor=actor(request))
        else:
            saved = services.change_contact(contact=one, document=document, actor=actor(request))
    except Refused as refused:
        form.refuse(refused)
        return None
    messages.success(request, f"{saved.display} was saved.")
    return saved
