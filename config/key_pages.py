"""The page of keys in Settings: made, shown once, rotated and revoked."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from workspace import audit, clock
from workspace import keys as verbs
from workspace.models import Key
from workspace.problems import Refused

SHOWN = 200


class KeyForm(forms.Form):
    """A key to be made."""

    name = forms.CharField(max_length=120, help_text="What it is for, such as “shop” or “nightly export”.")
    scope = forms.ChoiceField(
        choices=[
            ("ingest", "Ingest: write events and contacts"),
            ("read", "Read: look at everything"),
            ("manage", "Manage: read and change everything"),
        ],
    )
    public = forms.BooleanField(
        required=False,
        label="May stand in a web page",
        help_text="Ingest only: it never matches people by email and never sets consent.",
    )
    days = forms.IntegerField(
        required=False, min_value=1, max_value=3650, label="Ends after (days)", help_text="Empty: it never ends."
    )


@never_cache
@login_required
@permission_required("workspace.view_key", raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """List the keys; make, rotate and revoke them by button."""
    if request.method != "POST":
        return shown(request, KeyForm())
    if not request.user.has_perm("workspace.change_key"):
        raise PermissionDenied
    if "make" in request.POST:
        return make(request)
    try:
        return act(request, get_object_or_404(Key, pk=number(request)))
    except Refused as refused:
        messages.error(request, refused.detail)
        return redirect("keys")


def number(request: HttpRequest) -> int:
    """Return the key that a button names, 0 when it names none."""
    text = request.POST.get("rotate") or request.POST.get("revoke") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def make(request: HttpRequest) -> HttpResponse:
    """Make a key and show its secret this once."""
    form = KeyForm(request.POST)
    if not form.is_valid():
        return shown(request, form, status=422)
    said = form.cleaned_data
    ends = clock.now() + timedelta(days=said["days"]) if said["days"] else None
    try:
        key, secret = verbs.make_key(
            name=said["name"],
            scope=said["scope"],
            public=said["public"],
            expires_at=ends,
            actor=audit.Actor.of(user=request.user),
        )
    except Refused as refused:
        form.add_error("public", refused.detail)
        return shown(request, form, status=422)
    return shown(request, KeyForm(), made=key, secret=secret)


def act(request: HttpRequest, key: Key) -> HttpResponse:
    """Rotate a key, which shows its successor's secret, or revoke it."""
    actor = audit.Actor.of(user=request.user)
    if "rotate" in request.POST:
        made, secret = verbs.rotate_key(key, actor=actor)
        return shown(request, KeyForm(), made=made, secret=secret)
    verbs.revoke_key(key, actor=actor)
    messages.success(request, f"{key.name} is revoked; it is refused from now on.")
    return redirect("keys")


def shown(request: HttpRequest, form: KeyForm, status: int = 200, **made: Any) -> HttpResponse:
    """Show the page; a secret stands on it once."""
    at = clock.now()
    rows = [{"key": key, "status": key.status(at)} for key in Key.objects.order_by("-id")[:SHOWN]]
    crumbs = [{"label": "Settings", "url": reverse("settings")}, {"label": "Keys", "url": ""}]
    return render(request, "config/keys.html", {"rows": rows, "form": form, "crumbs": crumbs, **made}, status=status)
