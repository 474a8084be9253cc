"""The pages of lists: all of them, and the members of one."""

import re

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from contacts import services
from contacts.forms import ListForm
from contacts.models import List
from contacts.pages import actor, page_of, url_with, whole, with_activity
from contacts.searching import search
from workspace.problems import Refused
from workspace.uses import InUse, users_of

PASTED = 10_000


@login_required
def lists(request: HttpRequest) -> HttpResponse:
    """All lists with their sizes."""
    if request.method == "POST":
        return create(request)
    archived = request.GET.get("show") == "archived"
    found = List.objects.filter(archived_at__isnull=not archived).annotate(size=Count("members")).order_by("name")
    return render(request, "contacts/lists.html", {"lists": found, "archived": archived, "form": ListForm()})


@permission_required("contacts.add_list", raise_exception=True)
def create(request: HttpRequest) -> HttpResponse:
    """Make a list and go to it."""
    try:
        made = services.create_list(
            name=request.POST.get("name", ""),
            description=request.POST.get("description", "")[:2000],
            actor=actor(request),
        )
    except Refused as refused:
        messages.error(request, refused.detail)
        return redirect("lists")
    messages.success(request, f"{made.name} was made.")
    return redirect("list", pk=made.pk)


@login_required
def list_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One list: who is on it, and the ways on and off."""
    held = get_object_or_404(List, pk=pk)
    if request.method == "POST":
        return change(request, held)
    found = search(request.GET.get("q", "")).filter(list_members__list=held)
    rows, older = page_of(found, whole(request.GET.get("before")))
    values = {
        "list": held,
        "rows": with_activity(rows),
        "q": request.GET.get("q", ""),
        "size": held.members.count(),
        "form": ListForm(instance=held),
        "older_url": url_with(request, before=older),
        "newer_url": url_with(request, before=None) if request.GET.get("before") else "",
        "users": users_of(f"list:{held.slug}"),
        "crumbs": [{"label": "Lists", "url": reverse("lists")}, {"label": held.name}],
    }
    return render(request, "contacts/list.html", values)


@permission_required("contacts.change_list", raise_exception=True)
def change(request: HttpRequest, held: List) -> HttpResponse:
    """Do what the pressed button says."""
    try:
        if "add" in request.POST:
            _add(request, held)
        elif "remove" in request.POST:
            ids = [one for text in request.POST.getlist("chosen") if (one := whole(text))]
            gone = services.remove_from_list(held, ids, cause="manual")
            messages.success(request, f"{gone} taken off {held.name}.")
        elif "archive" in request.POST or "restore" in request.POST:
            services.archive_list(held, archived="archive" in request.POST, actor=actor(request))
        elif "delete" in request.POST:
            return _delete(request, held)
        elif "save" in request.POST:
            _save(request, held)
    except Refused as refused:
        messages.error(request, refused.detail)
    return redirect("list", pk=held.pk)


def _save(request: HttpRequest, held: List) -> None:
    name, description = request.POST.get("name", ""), request.POST.get("description", "")[:2000]
    services.change_list(held, name=name, description=description, actor=actor(request))
    messages.success(request, "Saved.")


@permission_required("contacts.delete_list", raise_exception=True)
def _delete(request: HttpRequest, held: List) -> HttpResponse:
    try:
        services.delete_list(held, actor=actor(request))
    except InUse as used:
        messages.error(request, str(used))
        return redirect("list", pk=held.pk)
    messages.success(request, f"{held.name} was deleted.")
    return redirect("lists")


def _add(request: HttpRequest, held: List) -> None:
    """Put on the list whoever was pasted: one a line, as email, user id or con_42."""
    words = dict.fromkeys(word for word in re.split(r"[\n\r,;\t]+", request.POST.get("who", "")) if word.strip())
    refs = {ref_of(word): word.strip() for word in list(words)[:PASTED]}
    found = services.find_contacts(list(refs))
    added = services.add_to_list(held, [one.pk for one in found.values()], cause="manual")
    messages.success(request, f"{added} put on {held.name}.")
    missing = [word for ref, word in refs.items() if ref not in found]
    if missing:
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        messages.warning(request, f"Not known here: {shown}.")


def ref_of(word: str) -> str:
    """Return how a pasted word names a contact."""
    word = word.strip()
    if re.fullmatch(r"con_[0-9]{1,18}", word) or word.startswith(("user:", "email:")):
        return word
    return f"email:{word}" if "@" in word else f"user:{word}"
