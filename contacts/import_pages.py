"""Bringing a file of contacts: upload, preview with a mapping, report."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from contacts import importing
from contacts.csv_import import PROPERTIES, faults_of_mapping, read_sheet
from contacts.forms import UploadForm
from contacts.importing import FILE, KIND
from contacts.models import List
from contacts.pages import actor, whole
from contacts.working import STANDING
from workspace.models import Job
from workspace.problems import Refused

SHOWN = 5


@login_required
def imports(request: HttpRequest) -> HttpResponse:
    """Files brought before, and the way to bring another."""
    if request.method == "POST":
        return upload(request)
    return _imports(request, UploadForm())


def _imports(request: HttpRequest, form: UploadForm, status: int = 200) -> HttpResponse:
    jobs = Job.objects.filter(kind=KIND).annotate(name=F("request__name")).defer("request").order_by("-pk")[:50]
    rows = [(job, job.result or {}) for job in jobs]
    return render(request, "contacts/imports.html", {"form": form, "rows": rows}, status=status)


@permission_required("contacts.add_contact", raise_exception=True)
def upload(request: HttpRequest) -> HttpResponse:
    """Read the file and go to its preview."""
    form = UploadForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            sheet = read_sheet(file.read())
        except Refused as refused:
            form.add_error("file", refused.detail)
        else:
            job = importing.keep(str(file.name), sheet, actor(request))
            return redirect("import", pk=job.pk)
    return _imports(request, form, 422)


@login_required
def import_page(request: HttpRequest, pk: int) -> HttpResponse:
    """The preview of a file, or the report once it was imported."""
    job = get_object_or_404(Job, pk=pk, kind__in=(FILE, KIND))
    if request.method == "POST":
        return stop(request, job) if "cancel" in request.POST else run(request, job)
    if job.kind == FILE:
        return _preview(request, job, importing.chosen_of(job))
    values = {"job": job, "report": job.result, "running": job.status in STANDING, "crumbs": _crumbs(job)}
    template = "contacts/_import.html" if request.headers.get("X-Live") else "contacts/import_report.html"
    return render(request, template, values)


def _crumbs(job: Job) -> list[dict[str, str]]:
    return [{"label": "Imports", "url": reverse("imports")}, {"label": job.request.get("name", f"Import {job.pk}")}]


def _preview(request: HttpRequest, job: Job, mapping: list[str], faults: Any = (), status: int = 200) -> HttpResponse:
    header, rows = job.request["header"], job.request["rows"]
    examples = [[row[i] for _, row in rows[:SHOWN] if i < len(row) and row[i].strip()] for i in range(len(header))]
    values = {
        "job": job,
        "columns": [
            {"name": name, "chosen": chosen, "own": own_of(name), "examples": found}
            for name, chosen, found in zip(header, mapping, examples, strict=True)
        ],
        "properties": PROPERTIES,
        "lists": List.objects.filter(archived_at=None).order_by("name"),
        "faults": faults,
        "crumbs": _crumbs(job),
    }
    return render(request, "contacts/import_preview.html", values, status=status)


def own_of(name: str) -> str:
    """Return the own attribute that a column of this name would fill."""
    return f"customProperties.{name.replace('.', '_')[:128]}" if name else ""


@permission_required("contacts.add_contact", raise_exception=True)
def run(request: HttpRequest, job: Job) -> HttpResponse:
    """Import the file as mapped, once; many rows are a worker's work, whose progress the page shows."""
    header = job.request.get("header", [])
    mapping = [request.POST.get(f"column-{index}", "")[:160] for index in range(len(header))]
    if job.kind != FILE:
        return redirect("import", pk=job.pk)
    if faults := faults_of_mapping(mapping):
        return _preview(request, job, mapping, faults, 422)
    into = List.objects.filter(pk=whole(request.POST.get("list")) or 0).first()
    importing.begin(job, mapping, into=into, fires="fires" in request.POST, actor=actor(request))
    job.refresh_from_db()
    if job.status == Job.Status.DONE and job.result:
        messages.success(request, f"{job.result['stored']:,} of {job.result['rows']:,} rows were taken in.")
    return redirect("import", pk=job.pk)


@permission_required("contacts.add_contact", raise_exception=True)
def stop(request: HttpRequest, job: Job) -> HttpResponse:
    """Stop a file that is being brought; what was taken in stays."""
    if importing.cancel(job):
        messages.info(request, "It stops after the rows that are being taken in now. What was taken in stays.")
    return redirect("import", pk=job.pk)
