"""Bringing a file of contacts: upload, preview with a mapping, report."""

from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from contacts import services
from contacts.csv_import import PROPERTIES, Report, Sheet, faults_of_mapping, guess_mapping, read_sheet, run_import
from contacts.forms import UploadForm
from contacts.models import List
from contacts.pages import actor, whole
from workspace import audit, clock
from workspace.models import Job
from workspace.problems import Refused

KIND = "import"
SHOWN = 5
FAULTS_KEPT = 1000
FRESH = (Job.Status.WAITING,)


@login_required
def imports(request: HttpRequest) -> HttpResponse:
    """Files brought before, and the way to bring another."""
    if request.method == "POST":
        return upload(request)
    return _imports(request, UploadForm())


def _imports(request: HttpRequest, form: UploadForm, status: int = 200) -> HttpResponse:
    jobs = Job.objects.filter(kind=KIND).exclude(status=Job.Status.WAITING).defer("request").order_by("-pk")[:50]
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
            held = {"name": str(file.name)[:200].replace("\x00", ""), "header": sheet.header, "rows": sheet.rows}
            job = Job.objects.create(kind=KIND, request=held, total=len(sheet.rows), actor_id=request.user.pk)
            return redirect("import", pk=job.pk)
    return _imports(request, form, 422)


@login_required
def import_page(request: HttpRequest, pk: int) -> HttpResponse:
    """The preview of a file, or the report once it was imported."""
    job = get_object_or_404(Job, pk=pk, kind=KIND)
    if request.method == "POST":
        return run(request, job)
    if job.status in FRESH:
        return _preview(request, job, guess_mapping(job.request["header"]))
    return render(request, "contacts/import_report.html", {"job": job, "report": job.result, "crumbs": _crumbs(job)})


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
    """Import the file as mapped, once, and show the report."""
    header = job.request.get("header", [])
    mapping = [request.POST.get(f"column-{index}", "")[:160] for index in range(len(header))]
    if job.status in FRESH and (faults := faults_of_mapping(mapping)):
        return _preview(request, job, mapping, faults, 422)
    started = Job.objects.filter(pk=job.pk, status__in=FRESH).update(status=Job.Status.RUNNING)
    if started:
        _import(request, job, mapping)
    return redirect("import", pk=job.pk)


def _import(request: HttpRequest, job: Job, mapping: list[str]) -> None:
    """Do it, and keep the report instead of the file."""
    sheet = Sheet(job.request["header"], [(line, cells) for line, cells in job.request["rows"]], ",")
    at, fires = clock.now(), "fires" in request.POST
    try:
        report = run_import(sheet, mapping, received_at=at, fires=fires)
    except Exception:
        Job.objects.filter(pk=job.pk).update(status=Job.Status.WAITING)  # batches taken in are not taken in again
        raise
    held = List.objects.filter(pk=whole(request.POST.get("list")) or 0).first()
    if held:
        services.add_to_list(held, report.contact_ids, cause="import", fires=fires, lane=5)
    result = {**counted(report), "list": held.name if held else "", "fires": fires}
    Job.objects.filter(pk=job.pk).update(
        status=Job.Status.DONE, result=result, done=report.rows, ended_at=at, request={"name": job.request["name"]}
    )
    audit.record(actor(request), "contacts.imported", f"job_{job.pk}", rows=report.rows, stored=report.stored)
    messages.success(request, f"{report.stored:,} of {report.rows:,} rows were taken in.")


def counted(report: Report) -> dict[str, Any]:
    """Return a report as it is kept."""
    faults = sorted(report.faults, key=lambda one: one[0])
    return {
        "rows": report.rows,
        "stored": report.stored,
        "contacts": len(set(report.contact_ids)),
        "repeated": report.rows - report.stored - len(faults),
        "refused": len(faults),
        "faults": [{"line": line, **asdict(fault)} for line, fault in faults[:FAULTS_KEPT]],
    }
