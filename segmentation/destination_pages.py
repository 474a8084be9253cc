"""The pages of destinations: the list, making one, and each with its log and its buttons."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from segmentation import destinations
from segmentation.destination_forms import DestinationForm, ReplayForm
from segmentation.destination_wire import standing
from segmentation.exporting import path_of
from segmentation.files import served
from segmentation.history import house_zone, read_instant
from segmentation.models import Delivery, Destination
from segmentation.pages import address, clean_text
from workspace import clock
from workspace.audit import Actor
from workspace.problems import Refused

PAGE = 50
MOST = 500
STATUSES = [(value, "Being called" if value == "calling" else label) for value, label in Delivery.Status.choices]
CRUMB = "Destinations"


def find(pk: int) -> Destination:
    """Return a destination with its segment, or answer 404."""
    return get_object_or_404(Destination.objects.select_related("segment", "created_by"), pk=pk)


@login_required
@require_GET
def destinations_page(request: HttpRequest) -> HttpResponse:
    """List the destinations."""
    rows = list(Destination.objects.select_related("segment").order_by("name", "pk")[:MOST])
    stand = standing([one.pk for one in rows])
    live = bool(request.headers.get("X-Live"))
    template = "segmentation/_destination_rows.html" if live else "segmentation/destinations.html"
    return render(request, template, {"rows": [(one, stand[one.pk]) for one in rows]})


@login_required
@permission_required("segmentation.add_destination", raise_exception=True)
@never_cache
def new(request: HttpRequest) -> HttpResponse:
    """Choose the kind, say what it is, and make it; a webhook's secret is shown this once."""
    kind = request.GET.get("kind", "")
    crumbs = [{"label": CRUMB, "url": reverse("destinations")}, {"label": "New destination"}]
    if kind not in Destination.Kind.values:
        return render(request, "segmentation/destination_new.html", {"crumbs": crumbs})
    form = DestinationForm(request.POST or None, kind=kind, initial={"segment": request.GET.get("segment", "")[:12]})
    if request.method == "POST" and form.is_valid():
        try:
            made, secret = destinations.create_destination(kind=kind, actor=actor(request), **form.cleaned_data)
        except Refused as refused:
            form.take(refused)
        else:
            return told(request, made, secret) if secret else redirect("destination", made.pk)
    status = 422 if form.errors else 200
    return render(
        request, "segmentation/destination_form.html", {"form": form, "kind": kind, "crumbs": crumbs}, status=status
    )


def told(request: HttpRequest, held: Destination, secret: str) -> HttpResponse:
    """Show a secret, this once."""
    crumbs = [*crumbs_of(held), {"label": "Secret"}]
    return render(request, "segmentation/destination_secret.html", {"held": held, "secret": secret, "crumbs": crumbs})


@login_required
@permission_required("segmentation.change_destination", raise_exception=True)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change one."""
    held = find(pk)
    form = DestinationForm(request.POST or None, kind=held.kind, held=held)
    if request.method == "POST" and form.is_valid():
        try:
            destinations.change_destination(held, actor=actor(request), **form.cleaned_data)
        except Refused as refused:
            form.take(refused)
        else:
            messages.success(request, f"{held.name} is saved.")
            return redirect("destination", pk)
    context = {"form": form, "kind": held.kind, "held": held, "crumbs": [*crumbs_of(held), {"label": "Edit"}]}
    return render(request, "segmentation/destination_form.html", context, status=422 if form.errors else 200)


@login_required
@never_cache
def destination(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one with its log, or do what a button says."""
    held = find(pk)
    if request.method == "POST":
        return press(request, held)
    template = (
        "segmentation/_destination_log.html" if request.headers.get("X-Live") else "segmentation/destination.html"
    )
    return render(request, template, {**log_of(request, held), "replay": ReplayForm(), "zone": house_zone().key})


def log_of(request: HttpRequest, held: Destination) -> dict[str, Any]:
    """Return one page of the log and the numbers above it."""
    status = request.GET.get("status", "")
    before = clean_text(request.GET.get("before", ""))
    found = Delivery.objects.filter(destination=held).order_by("-pk")
    found = found.filter(status=status) if status in Delivery.Status.values else found
    found = found.filter(pk__lt=int(before)) if before.isascii() and before.isdigit() and len(before) < 19 else found
    rows = list(found[: PAGE + 1])
    day = Q(status=Delivery.Status.DELIVERED, settled_at__gt=clock.now() - timedelta(hours=24))
    recent = Delivery.objects.filter(destination=held).aggregate(delivered=Count("pk", filter=day))
    here = {"status": status}
    return {
        "held": held,
        **standing([held.pk])[held.pk],
        **recent,
        "rows": rows[:PAGE],
        "status": status,
        "statuses": STATUSES,
        "live_url": address("destination", held.pk, **here, before=before),
        "older": address("destination", held.pk, **here, before=rows[PAGE - 1].pk) if len(rows) > PAGE else "",
        "newer": address("destination", held.pk, **here) if before else "",
        "crumbs": [{"label": CRUMB, "url": reverse("destinations")}, {"label": held.name}],
        "now": clock.now(),
    }


@login_required
@permission_required("segmentation.download_destination", raise_exception=True)
@require_GET
def file(request: HttpRequest, pk: int, delivery: int) -> HttpResponseBase:
    """Hand an exported file over."""
    found = get_object_or_404(Delivery.objects.select_related("destination"), pk=delivery, destination=pk)
    path = path_of(found)
    if path is None:
        raise Http404
    return served(path, actor(request), found)


# Buttons ----------------------------------------------------------------------------------------------------------


@permission_required("segmentation.change_destination", raise_exception=True)
def press(request: HttpRequest, held: Destination) -> HttpResponse:
    """Do what the pressed button names, and say what came of it."""
    verb = next((BUTTONS[name] for name in BUTTONS if name in request.POST), None)
    if verb is None:
        messages.error(request, "That button is not known here. Reload the page.")
        return redirect("destination", held.pk)
    try:
        where = verb(request, held)
    except Refused as refused:
        messages.error(request, refused.detail)
        where = None
    return where or redirect("destination", held.pk)


def actor(request: HttpRequest) -> Actor:
    """Name who pressed."""
    return Actor.of(user=request.user)


def pause(request: HttpRequest, held: Destination) -> None:
    """Hold it."""
    destinations.pause_destination(held, actor=actor(request))
    messages.success(request, f"{held.name} is paused. What happens meanwhile is told when it goes on.")


def resume(request: HttpRequest, held: Destination) -> None:
    """Go on."""
    destinations.resume_destination(held, actor=actor(request))
    messages.success(request, f"{held.name} goes on.")


def rotate(request: HttpRequest, held: Destination) -> HttpResponse:
    """Give it another secret."""
    return told(request, *destinations.rotate_secret(held, actor=actor(request)))


def replay(request: HttpRequest, held: Destination) -> None:
    """Tell everything again since an instant."""
    since = read_instant(request.POST.get("since", "")[:40])
    if since is None:
        messages.error(request, "Say since when: a date and time in the past.")
        return
    destinations.replay(held, since=since, actor=actor(request))
    messages.success(request, f"{held.name} is told everything again since then.")


def state(request: HttpRequest, held: Destination) -> None:
    """Send who is in now."""
    destinations.send_state(held, actor=actor(request))
    messages.success(request, "The file is being written." if held.kind == "csv" else "Who is in now is being sent.")


def moves(request: HttpRequest, held: Destination) -> None:
    """Write who came and who went."""
    destinations.send_moves(held, actor=actor(request))
    messages.success(request, "The file is being written.")


def test(request: HttpRequest, held: Destination) -> None:
    """Call it once."""
    destinations.send_test(held, actor=actor(request))
    messages.success(request, "A test is on its way; its line in the log tells what came of it.")


def retry(request: HttpRequest, held: Destination) -> None:
    """Try now."""
    count = destinations.retry(held, chosen(request, "retry"), actor=actor(request))
    messages.success(request, f"{count:,} tried again now." if count else "Nothing waits or has failed.")


def cancel(request: HttpRequest, held: Destination) -> None:
    """Drop what is queued."""
    count = destinations.cancel(held, chosen(request, "cancel"), actor=actor(request))
    messages.success(request, f"{count:,} cancelled." if count else "Nothing is queued.")


def delete(request: HttpRequest, held: Destination) -> HttpResponse:
    """Delete it."""
    if not request.user.has_perm("segmentation.delete_destination"):
        raise Refused("You may not delete destinations.", status=403)
    destinations.delete_destination(held, actor=actor(request))
    messages.success(request, f"{held.name} is deleted.")
    return redirect("destinations")


def chosen(request: HttpRequest, name: str) -> list[int] | None:
    """Return the one delivery that a button stands beside, or None for all."""
    value = request.POST.get(name, "")
    return [int(value)] if value.isascii() and value.isdigit() and len(value) < 19 else None


Button = Callable[[HttpRequest, Destination], HttpResponse | None]
BUTTONS: dict[str, Button] = {
    "pause": pause,
    "resume": resume,
    "rotate": rotate,
    "replay": replay,
    "state": state,
    "moves": moves,
    "test": test,
    "retry": retry,
    "cancel": cancel,
    "delete": delete,
}


def crumbs_of(held: Destination) -> list[dict[str, str]]:
    """Return where its inner pages stand."""
    here = {"label": held.name, "url": reverse("destination", args=[held.pk])}
    return [{"label": CRUMB, "url": reverse("destinations")}, here]
