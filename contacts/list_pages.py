"""The pages of lists: all of them, and the members of one."""

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import BigIntegerField, Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from contacts import by_hand, services
from contacts.forms import ListForm
from contacts.models import List, ListMember
from contacts.pages import actor, page_of, url_with, whole, with_activity
from contacts.searching import search
from workspace.origins import origin_of
from workspace.problems import Refused
from workspace.uses import InUse, users_of, users_of_each

PAGE = 50
SORTS = [("", "By name"), ("size", "Largest first"), ("new", "Newest first")]


@login_required
def lists(request: HttpRequest) -> HttpResponse:
    """All lists with their sizes: searched, sorted, fifty at a time."""
    if request.method == "POST":
        return create(request)
    here = {name: _plain(request.GET.get(name, "")) for name in ("q", "show", "sort")}
    page = int(text) if (text := request.GET.get("page", "")).isascii() and text.isdigit() and 0 < len(text) < 6 else 1
    page = max(1, page)
    chosen = list(_asked(**here)[(page - 1) * PAGE : page * PAGE + 1])
    users = users_of_each([f"list:{one.slug}" for one in chosen[:PAGE]])
    values = {
        **here,
        "rows": [(one, users[f"list:{one.slug}"]) for one in chosen[:PAGE]],
        "sorts": SORTS,
        "form": ListForm(),
        "older": _address(**here, page=page + 1) if len(chosen) > PAGE else "",
        "newer": _address(**here, page=page - 1) if page > 1 else "",
    }
    return render(request, "contacts/lists.html", values)


def _plain(text: str) -> str:
    """Return what was searched for without what the database cannot hold."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()[:120]


def _address(**query: object) -> str:
    return f"{reverse('lists')}?{urlencode({key: value for key, value in query.items() if value})}"


def _asked(q: str, show: str, sort: str) -> QuerySet[List]:
    """Return the lists asked for, in their order, each with how many are on it."""
    members = ListMember.objects.filter(list=OuterRef("pk")).order_by().values("list")
    size = Subquery(members.annotate(size=Count("*")).values("size"), BigIntegerField())
    found = List.objects.filter(archived_at__isnull=show != "archived").annotate(size=Coalesce(size, 0))
    if q:
        found = found.filter(Q(name__icontains=q) | Q(slug__icontains=q) | Q(description__icontains=q))
    order = {"size": ("-size", "name"), "new": ("-created_at",)}.get(sort, (Lower("name"),))
    return found.order_by(*order, "pk")


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
        "done": by_hand.last(request, held.ref),
        "action": reverse("list", args=[held.pk]),
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
            _remove(request, held)
        elif "undo" in request.POST:
            _undo(request, held)
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
    except InUse:
        users = ", ".join(one.label for one in users_of(f"list:{held.slug}"))
        messages.error(request, f"{held.name} is used by {users}. Archive it, or change those first.")
        return redirect("list", pk=held.pk)
    messages.success(request, f"{held.name} was deleted.")
    return redirect("lists")


def _add(request: HttpRequest, held: List) -> None:
    """Put on the list whoever was picked, pasted or in the file."""
    named = by_hand.named_in(request)
    there = set(held.members.filter(contact__in=named.ids).values_list("contact_id", flat=True))
    new = [pk for pk in named.ids if pk not in there]
    added = services.add_to_list(held, new, cause="manual", origin=origin_of(actor(request)))
    by_hand.remember(request, held.ref, "added", new, named.unknown)
    messages.success(request, f"{added} put on {held.name}." + (f" {len(there)} were on it already." if there else ""))
    if named.unknown:
        shown, more = ", ".join(named.unknown[:5]), len(named.unknown) - 5
        messages.warning(request, f"Not known here: {shown}{f' and {more} more' if more > 0 else ''}.")
    if named.cut:
        messages.warning(request, f"Only the first {by_hand.MOST:,} were taken.")


def _remove(request: HttpRequest, held: List) -> None:
    """Take those off who were chosen."""
    chosen = [one for text in request.POST.getlist("chosen") if (one := whole(text))]
    ids = list(held.members.filter(contact__in=chosen).values_list("contact_id", flat=True))
    gone = services.remove_from_list(held, ids, cause="manual")
    by_hand.remember(request, held.ref, "removed", ids)
    messages.success(request, f"{gone} taken off {held.name}.")


def _undo(request: HttpRequest, held: List) -> None:
    """Take back what was done to this list last."""
    act, ids = by_hand.undo(request, held.ref)
    if act == "added":
        services.remove_from_list(held, ids, cause="manual")
    elif act == "removed":
        services.add_to_list(held, ids, cause="manual", origin=origin_of(actor(request)))
    messages.info(request, "Undone." if ids else "There is nothing to undo any more.")
