"""The API of who is overdue or stuck, and of one verb for many journeys."""

import re
from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from flows import standstill, sweeping
from flows.api import Door, find
from flows.enrollment_api import ENROLLMENT_ID
from flows.models import Enrollment
from flows.standstill import KINDS, MINUTES
from flows.wire import ANYTHING, EnrollmentOutput, SweepInput
from workspace import clock
from workspace.api import NewestFirst, actor_of
from workspace.models import Job
from workspace.problems import Fault, Refused

JOB_ID = re.compile(r"^(?:job_)?([0-9]{1,18})$")


class StuckOutput(EnrollmentOutput):
    """A journey that stands still, in which way, and why."""

    stuck = serializers.CharField(help_text=", ".join(KINDS))
    why = serializers.CharField()


class StuckView(Door):
    """Who is overdue or stuck, and why."""

    serializer_class = StuckOutput
    pagination_class = NewestFirst

    @extend_schema(
        parameters=[
            OpenApiParameter("stuck", str, description=f"any, or one of {', '.join(KINDS)}."),
            OpenApiParameter("flow", str),
            OpenApiParameter("node", str),
            OpenApiParameter("q", str),
            OpenApiParameter("minutes", int, description=f"How late counts as overdue; {MINUTES}."),
        ],
        responses=StuckOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the journeys that are overdue, held, failed, blocked, set aside or tried again, newest first."""
        at, query = clock.now(), request.query_params
        flow = find(query["flow"]) if query.get("flow") else None
        wanted = standstill.read(query, flow.pk if flow else None, stuck="any")
        first, *more = standstill.found(wanted, at)
        rows = first.union(*more, all=True) if more else first
        page = self.paginate_queryset(
            Enrollment.objects.filter(pk__in=rows.values("pk")).select_related("flow", "version", "contact")
        )
        return self.get_paginated_response([stuck_out(one, at) for one in page or []])


def stuck_out(one: Enrollment, at: Any) -> dict[str, Any]:
    """Return a journey that stands still as it goes out."""
    return {**EnrollmentOutput(one).data, "stuck": standstill.kind_of(one, at), "why": standstill.why(one, at)}


class SweepView(Door):
    """One verb for many journeys."""

    serializer_class = SweepInput
    write_permission = "flows.run_flow"

    @extend_schema(request=SweepInput, responses={"200": ANYTHING["200"], "202": ANYTHING["200"]})
    def post(self, request: Request) -> Response:
        """Retry, skip, move or take out many: up to 1,000 at once, more as a job with progress and cancel."""
        said = self.said(request)
        ids = _numbers(said["enrollments"]) if "enrollments" in said else None
        flow = find(said["flow"]) if said.get("flow") else None
        wanted = standstill.read(said, flow.pk if flow else None) if ids is None else None
        swept = sweeping.sweep(said["verb"], actor=actor_of(request), to=said["to"], ids=ids, wanted=wanted)
        if swept.job is not None:
            return Response({"job": sweeping.job_out(swept.job)}, status=202)
        assert swept.tended is not None
        return Response(swept.tended.as_json())


def _numbers(refs: list[str]) -> list[int]:
    matches = [ENROLLMENT_ID.match(one) for one in refs]
    if wrong := [index for index, one in enumerate(matches) if one is None]:
        sentence = f"There is no enrollment “{refs[wrong[0]]}”; write enr_12."
        raise Refused(sentence, [Fault(f"enrollments[{wrong[0]}]", sentence)])
    return [int(one[1]) for one in matches if one]


def find_job(ref: str) -> Job:
    """Return a job of many journeys, or answer 404."""
    match = JOB_ID.match(ref)
    found = Job.objects.filter(kind=sweeping.KIND, pk=int(match[1])).first() if match else None
    if found is None:
        raise Http404
    return found


class SweepJobView(Door):
    """A job that does one verb to many."""

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, job: str) -> Response:
        """Say how far it is, what was done and what was left out, and why."""
        return Response(sweeping.job_out(find_job(job)))


class SweepCancelView(Door):
    """Stopping it."""

    write_permission = "flows.run_flow"

    @extend_schema(request=None, responses=ANYTHING)
    def post(self, request: Request, job: str) -> Response:
        """Stop it; what is done stays done."""
        found = find_job(job)
        sweeping.cancel(found, actor=actor_of(request))
        found.refresh_from_db()
        return Response(sweeping.job_out(found))
