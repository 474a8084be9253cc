"""The API of enrollments: /api/v1/flows/{id}/enrollments/ and /api/v1/enrollments/."""

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api import find as find_contact
from contacts.searching import search, selves
from flows import services
from flows.api import Door, find
from flows.models import Enrollment, Step
from flows.wire import ANYTHING, EnrolInput, EnrollmentOutput, MoveInput, StepOutput, job_out
from segmentation.named import members_of
from workspace.api import NewestFirst, actor_of
from workspace.problems import refuse

ENROLLMENT_ID = re.compile(r"^(?:enr_)?([0-9]{1,18})$")


def asked(found: QuerySet[Enrollment], query: Any) -> QuerySet[Enrollment]:
    """Return the enrollments a query asks for."""
    if status := query.get("status", ""):
        if status not in Enrollment.Status.values:
            raise refuse("status", f"status is one of {', '.join(Enrollment.Status.values)}.")
        found = found.filter(status=status)
    if node := query.get("node", "").replace("\x00", ""):
        found = found.filter(node=node)
    if q := query.get("q", ""):
        found = found.filter(contact__in=search(q).values("pk"))
    return found.select_related("flow", "version", "contact")


def enrollments_out(found: Sequence[Enrollment]) -> list[Any]:
    """Return enrollments as they go out."""
    return [EnrollmentOutput(one).data for one in found]


def find_enrollment(ref: str) -> Enrollment:
    """Return the enrollment of an id (enr_12), or answer 404."""
    match = ENROLLMENT_ID.match(ref)
    found = Enrollment.objects.select_related("flow", "version", "contact")
    enrollment = found.filter(pk=int(match[1])).first() if match else None
    if enrollment is None:
        raise Http404
    return enrollment


class FlowEnrollmentsView(Door):
    """Who is on the way through a flow."""

    serializer_class = EnrolInput
    write_permission = "flows.run_flow"
    pagination_class = NewestFirst

    @extend_schema(
        parameters=[OpenApiParameter("status", str), OpenApiParameter("node", str), OpenApiParameter("q", str)],
        responses=EnrollmentOutput(many=True),
    )
    def get(self, request: Request, ref: str) -> Response:
        """List the enrollments of a flow, newest first; `q` searches by user id, email, phone or name."""
        page = self.paginate_queryset(asked(Enrollment.objects.filter(flow=find(ref)), request.query_params))
        return self.get_paginated_response(enrollments_out(page or []))

    @extend_schema(request=EnrolInput, responses=ANYTHING)
    def post(self, request: Request, ref: str) -> Response:
        """Enrol contacts by hand and answer who was refused, and why; or a whole segment, as a job."""
        flow, said_so = find(ref), self.said(request)
        if segment := said_so.get("segment"):
            job = services.enrol_segment(flow, segment=segment, actor=actor_of(request), kind="api")
            return Response({"job": job_out(job)}, status=202)
        ids = members_of(said_so["contacts"])
        refused = services.enrol(flow, contact_ids=ids, actor=actor_of(request), kind="api")
        said = [{"contact": f"con_{pk}", "reason": reason} for pk, reason in sorted(refused.items())]
        return Response({"enrolled": len(ids) - len(refused), "refused": said})


class EnrollmentsView(Door):
    """Everybody on the way."""

    serializer_class = EnrollmentOutput
    pagination_class = NewestFirst

    @extend_schema(
        parameters=[OpenApiParameter("status", str), OpenApiParameter("node", str), OpenApiParameter("q", str)],
        responses=EnrollmentOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """List enrollments, newest first; `q` searches by user id, email, phone or name."""
        page = self.paginate_queryset(asked(Enrollment.objects.all(), request.query_params))
        return self.get_paginated_response(enrollments_out(page or []))


class ContactEnrollmentsView(Door):
    """A contact's journeys."""

    serializer_class = EnrollmentOutput
    pagination_class = NewestFirst

    @extend_schema(parameters=[OpenApiParameter("status", str)], responses=EnrollmentOutput(many=True))
    def get(self, request: Request, ref: str) -> Response:
        """List the journeys of a contact, and of those who were merged into it, newest first."""
        contact = find_contact(ref)
        found = Enrollment.objects.filter(contact__in=selves(contact))
        page = self.paginate_queryset(asked(found, request.query_params))
        return self.get_paginated_response(enrollments_out(page or []))


class EnrollmentView(Door):
    """One enrollment."""

    serializer_class = EnrollmentOutput

    @extend_schema(responses=EnrollmentOutput)
    def get(self, request: Request, ref: str) -> Response:
        """Read an enrollment."""
        return Response(EnrollmentOutput(find_enrollment(ref)).data)


class ByVisit(NewestFirst):
    """Steps in the order they were made."""

    ordering = "visit"


class StepsView(Door):
    """The way so far."""

    serializer_class = StepOutput
    pagination_class = ByVisit

    @extend_schema(responses=StepOutput(many=True))
    def get(self, request: Request, ref: str) -> Response:
        """List the steps in order, each with what its decision saw."""
        found = find_enrollment(ref)
        page = self.paginate_queryset(Step.objects.filter(enrollment=found, entered_on=found.entered_on))
        return self.get_paginated_response(StepOutput(page or [], many=True).data)


class EnrollmentVerb(Door):
    """A verb on one enrollment."""

    write_permission = "flows.run_flow"
    verb: ClassVar[Callable[..., int]]

    @extend_schema(request=None, responses=EnrollmentOutput)
    def post(self, request: Request, ref: str) -> Response:
        """Do it and answer the enrollment as it then stands."""
        found = find_enrollment(ref)
        type(self).verb([found.pk], actor=actor_of(request))
        return Response(EnrollmentOutput(find_enrollment(ref)).data)


class ExitView(EnrollmentVerb):
    """Take out."""

    verb = staticmethod(services.exit_enrollments)


class RetryView(EnrollmentVerb):
    """Try again."""

    verb = staticmethod(services.retry_enrollments)


class SkipView(EnrollmentVerb):
    """Go past."""

    verb = staticmethod(services.skip_enrollments)


class MoveView(Door):
    """Put elsewhere."""

    serializer_class = MoveInput
    write_permission = "flows.run_flow"

    @extend_schema(request=MoveInput, responses=EnrollmentOutput)
    def post(self, request: Request, ref: str) -> Response:
        """Put one at another node of the version it is on, as if it came there now; a failed one begins to move again."""
        found, said = find_enrollment(ref), self.said(request)
        services.move_enrollments([found.pk], to=said["to"], actor=actor_of(request))
        return Response(EnrollmentOutput(find_enrollment(ref)).data)
