"""Pages that belong to no app: home and settings."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views import defaults as views
from django.views.decorators.http import require_http_methods, require_safe

from config import today
from workspace import audit
from workspace.models import Workspace
from workspace.problems import Refused
from workspace.zones import ZONES


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Say what needs somebody today, then how things stand."""
    template = "config/_home.html" if request.headers.get("HX-Request") else "config/home.html"
    return render(request, template, today.board(request.user))


class WorkspaceForm(forms.ModelForm[Workspace]):
    """The rules of the house that a person may change."""

    review_segments = forms.BooleanField(
        required=False,
        label="Changes to segments need approval",
        help_text="Who changes the criteria of a segment, makes, archives or deletes one files a review; another person approves it.",
    )

    review_flows = forms.BooleanField(
        required=False,
        label="Changes to running flows need approval",
        help_text="Who activates a flow, publishes a version or rolls one back files a review; another person approves it.",
    )

    class Meta:
        model = Workspace
        fields = ["name", "timezone", "currency", "sender_line", "sending_held"]
        labels = {"sender_line": "Postal address in marketing email", "sending_held": "Hold all sending"}
        help_texts = {
            "timezone": "Calendar days mean days here, for contacts whose own zone is not known.",
            "currency": "Three letters, such as USD.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in ("segments", "flows"):
            self.initial[f"review_{kind}"] = bool(self.instance.approvals.get(kind))

    def save(self, commit: bool = True) -> Workspace:
        """Keep what needs approval beside the rest."""
        asked = {kind: self.cleaned_data[f"review_{kind}"] for kind in ("segments", "flows")}
        self.instance.approvals = {**self.instance.approvals, **asked}
        return super().save(commit)

    def clean_timezone(self) -> str:
        """Refuse what is no zone."""
        zone: str = self.cleaned_data["timezone"]
        if zone not in ZONES:
            raise forms.ValidationError('Write a zone of the IANA list, such as "Europe/Berlin".')
        return zone

    def clean_currency(self) -> str:
        """Take three letters."""
        currency = str(self.cleaned_data["currency"]).upper()
        if len(currency) != 3 or not currency.isalpha():
            raise forms.ValidationError("Write three letters, such as USD.")
        return currency


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def house_settings(request: HttpRequest) -> HttpResponse:
    """Show the rules of the house; an administrator changes them."""
    workspace = Workspace.objects.get(pk=1)
    if request.method == "POST":
        return change_settings(request, workspace)
    return render(request, "config/settings.html", {"form": WorkspaceForm(instance=workspace), "zones": ZONES})


@permission_required("workspace.change_workspace", raise_exception=True)
def change_settings(request: HttpRequest, workspace: Workspace) -> HttpResponse:
    """Store what was sent, or show what is wrong with it."""
    form = WorkspaceForm(request.POST, instance=workspace)
    if not form.is_valid():
        return render(request, "config/settings.html", {"form": form, "zones": ZONES}, status=422)
    form.save()
    audit.record(audit.Actor.of(user=request.user), "workspace.changed", "workspace", changed=form.changed_data)
    messages.success(request, "Settings saved.")
    return redirect("settings")


def problem_for(request: HttpRequest, status: int, words: str) -> HttpResponse | None:
    """Answer a program with a problem; None for a person."""
    if not request.path.startswith(("/api/", "/v1/")):
        return None
    said = Refused(words, status=status)
    return JsonResponse(said.as_json(), status=status, content_type="application/problem+json")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a program with a problem, a person with the page."""
    words = f"There is nothing at {request.path}; /api/v1/docs/ lists what there is."
    return problem_for(request, 404, words) or views.page_not_found(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The same for what Django itself refuses, such as an unknown host."""
    words = "This request cannot be read; check its host, headers and size."
    return problem_for(request, 400, words) or views.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The same for what may not be done."""
    return problem_for(request, 403, "You may not do that.") or views.permission_denied(request, exception)


def broken(request: HttpRequest) -> HttpResponse:
    """The same for a fault of ours."""
    words = "Something went wrong here; nothing is known to have been stored. It has been recorded."
    return problem_for(request, 500, words) or views.server_error(request)
