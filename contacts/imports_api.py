"""The API of files of contacts: /api/v1/imports/."""

import re
from typing import IO, Any

from django.db.models import F
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import importing
from contacts.csv_import import MAX_BYTES, faults_of_mapping, guess_mapping, read_sheet
from contacts.importing import FILE, KIND
from contacts.lists_api import find_list
from contacts.models import List
from contacts.wire import ANYTHING, Door, Strict
from workspace.api import CleanJSONParser, actor_of
from workspace.models import Job
from workspace.problems import Fault, Refused, refuse

IMPORT_ID = re.compile(r"^(?:imp_)?([0-9]{1,18})$")
EXAMPLES_SHOWN = 5
RAW = "raw"


class CsvParser(BaseParser):
    """The file itself as the body, which may be larger than a JSON body."""

    media_type = "text/csv"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        """Return what was sent, or one byte more than is taken."""
        return {RAW: stream.read(MAX_BYTES + 1)}


class MappingInput(Strict):
    """What columns become."""

    mapping = serializers.DictField(
        child=serializers.CharField(max_length=160, allow_blank=True, allow_null=True),
        required=False,
        help_text='{"E-mail": "email", "Plan": "customProperties.plan", "Notes": null}; others stay as the preview has them.',
    )


class ImportInput(MappingInput):
    """A file as JSON."""

    name = serializers.CharField(required=False, max_length=200, default="import.csv")
    csv = serializers.CharField(
        max_length=MAX_BYTES, trim_whitespace=False, help_text="The file, its first line the header."
    )


class RunInput(MappingInput):
    """How a file is brought."""

    list = serializers.CharField(
        required=False, allow_null=True, max_length=63, help_text="Puts them on it: lst_3 or its slug."
    )
    fires = serializers.BooleanField(required=False, default=False, help_text="Whether flows start by what it brings.")


def find_import(ref: str) -> Job:
    """Return the import of an id (imp_7), or answer 404."""
    match = IMPORT_ID.match(ref)
    found = Job.objects.filter(pk=int(match[1]), kind__in=(FILE, KIND)).first() if match else None
    if found is None:
        raise Http404
    return found


def import_out(job: Job) -> dict[str, Any]:
    """Return an import as it stands: a preview, or the work that it became."""
    begun = job.kind == KIND
    return {
        "id": f"imp_{job.pk}",
        "job": f"job_{job.pk}" if begun else None,
        "name": job.name if hasattr(job, "name") else job.request.get("name", ""),
        "status": job.status if begun else "preview",
        "rows": job.total,
        "done": job.done,
        "error": job.error,
        "created_at": job.created_at,
        "ended_at": job.ended_at,
    }


def preview_out(job: Job) -> dict[str, Any]:
    """Return an import alone: with its columns while they can be changed, with its counts afterwards."""
    body = {**import_out(job), "columns": None, "report": None}
    if job.kind == KIND:
        return {**body, "report": {name: value for name, value in (job.result or {}).items() if name != "faults"}}
    header, rows, mapping = job.request["header"], job.request["rows"], importing.chosen_of(job)
    examples = [
        [row[i] for _, row in rows[:EXAMPLES_SHOWN] if i < len(row) and row[i].strip()] for i in range(len(header))
    ]
    columns = [
        {"name": name, "property": said or None, "examples": found}
        for name, said, found in zip(header, mapping, examples, strict=True)
    ]
    return {**body, "columns": columns}


def mapped(header: list[str], mapping: list[str], said: dict[str, str | None]) -> list[str]:
    """Return a mapping with what was said of some columns; a column that is not there, or a fault, is refused by name."""
    if unknown := [name for name in said if not name or name not in header]:
        there = ", ".join(f'"{one}"' for one in header[:20] if one)
        faults = [Fault(f"mapping.{one[:60]}", f"The file has no such column; it has {there}.") for one in unknown[:20]]
        raise Refused("The mapping names columns that the file does not have.", faults)
    chosen = [(said[name] or "") if name in said else was for name, was in zip(header, mapping, strict=True)]
    if faults := faults_of_mapping(chosen):
        raise Refused("The file cannot be brought with this mapping.", [_placed(one, header, chosen) for one in faults])
    return chosen


def _placed(fault: Fault, header: list[str], chosen: list[str]) -> Fault:
    """Return a fault of a mapping at the column that has it."""
    column = next((name for name, one in zip(header, chosen, strict=True) if one == fault.path), None)
    return Fault(f"mapping.{column}" if column else "mapping", fault.message)


class ImportsDoor(Door):
    """What these views share."""

    write_permission = "contacts.add_contact"


class ImportsView(ImportsDoor):
    """Files."""

    parser_classes = [CleanJSONParser, CsvParser]

    @extend_schema(operation_id="imports_list", responses=ANYTHING)
    def get(self, request: Request) -> Response:
        """List previews and imports, newest first."""
        found = Job.objects.filter(kind__in=(FILE, KIND)).annotate(name=F("request__name")).defer("request", "result")
        return self.page(found, lambda rows: [import_out(one) for one in rows])

    @extend_schema(
        parameters=[OpenApiParameter("name", str, description="What a file sent as text/csv is called.")],
        request={"application/json": ImportInput, "text/csv": OpenApiTypes.STR},
        responses={201: ANYTHING},
    )
    def post(self, request: Request) -> Response:
        """Read a CSV of up to 10,000 contacts, as JSON or as text/csv, and show what its columns would become; nothing is stored."""
        name, raw, said = self.read(request)
        sheet = read_sheet(raw)
        chosen = mapped(sheet.header, guess_mapping(sheet.header), said) if said else []
        job = importing.keep(name, sheet, actor_of(request), chosen)
        return Response(preview_out(job), status=201)

    def read(self, request: Request) -> tuple[str, bytes, dict[str, str | None]]:
        """Return the name, the file and the mapping of a call, whichever way they came."""
        if request.content_type.partition(";")[0].strip().lower() == CsvParser.media_type:
            sent: Any = request.data
            return request.query_params.get("name", "import.csv")[:200], sent[RAW], {}
        said = self.said(request, ImportInput)
        return said["name"], said["csv"].encode(), said.get("mapping", {})


class ImportView(ImportsDoor):
    """One of them, by imp_7."""

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """Read a preview with its columns, or an import with what came of it so far."""
        return Response(preview_out(find_import(ref)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, ref: str) -> Response:
        """Drop a preview that is not to be brought."""
        if not importing.drop(find_import(ref)):
            raise refuse("", "This file was brought; what it brought stays.", 409)
        return Response(status=204)


class RunView(ImportsDoor):
    """Bringing."""

    serializer_class = RunInput

    @extend_schema(request=RunInput, responses={202: ANYTHING})
    def post(self, request: Request, ref: str) -> Response:
        """Bring the file, once; jobs/{job} tells how far it is."""
        job, said = find_import(ref), self.said(request, RunInput)
        into = find_into(said.get("list"))
        if job.kind == FILE:
            mapping = mapped(job.request["header"], importing.chosen_of(job), said.get("mapping", {}))
            begun = importing.begin(job, mapping, into=into, fires=said["fires"], actor=actor_of(request))
        if job.kind != FILE or not begun:
            raise refuse("", "This file was brought already; send it again to bring it again.", 409)
        return Response(preview_out(find_import(ref)), status=202)


def find_into(ref: str | None) -> List | None:
    """Return the list that contacts are put on, or say that there is none."""
    try:
        return find_list(ref) if ref else None
    except Http404 as missing:
        raise refuse("list", f'There is no list "{ref}".') from missing


class CancelView(ImportsDoor):
    """Stopping."""

    @extend_schema(request=None, responses=ANYTHING)
    def post(self, request: Request, ref: str) -> Response:
        """Stop after the rows that are being taken in; what was taken in stays."""
        if not importing.cancel(find_import(ref)):
            raise refuse("", "This is not being brought; there is nothing to stop.", 409)
        return Response(preview_out(find_import(ref)))


class ReportView(ImportsDoor):
    """What came of it."""

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """Count what was taken in, and name each refused line with its reason (the first thousand)."""
        job = find_import(ref)
        if job.kind == FILE:
            raise refuse("", "This file was not brought yet: POST its run/.", 409)
        return Response({"id": f"imp_{job.pk}", "status": job.status, **(job.result or {})})
