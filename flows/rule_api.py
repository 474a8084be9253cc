"""The API of rules: who waits for a person, and the A/B tests of a flow."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from flows import approving, trials
from flows.api import Door, find
from flows.enrollment_api import enrollments_out, find_enrollment
from flows.wire import ANYTHING, EnrollmentOutput
from segmentation.wire import Strict
from workspace import clock
from workspace.api import NewestFirst, actor_of


class DecisionInput(Strict):
    """Why it was decided so."""

    note = serializers.CharField(required=False, allow_blank=True, max_length=approving.MOST_NOTE, default="")


class PromoteInput(Strict):
    """Which branch takes all new arrivals."""

    port = serializers.CharField(max_length=63)


class ApprovalsView(Door):
    """Who waits for a person."""

    serializer_class = EnrollmentOutput
    pagination_class = NewestFirst

    @extend_schema(responses=EnrollmentOutput(many=True))
    def get(self, request: Request) -> Response:
        """List the enrollments that wait for approval, newest first."""
        found = approving.waiting().order_by("-id").select_related("flow", "version", "contact")
        return self.get_paginated_response(enrollments_out(self.paginate_queryset(found) or []))


class DecideView(Door):
    """A decision about one enrollment."""

    serializer_class = DecisionInput
    write_permission = "flows.run_flow"
    approved: ClassVar[bool]

    @extend_schema(request=DecisionInput, responses=EnrollmentOutput)
    def post(self, request: Request, ref: str) -> Response:
        """Decide, and answer the enrollment as it then stands."""
        found = find_enrollment(ref)
        note = self.said(request)["note"]
        approving.decide([found.pk], approved=self.approved, note=note, actor=actor_of(request))
        return Response(EnrollmentOutput(find_enrollment(ref)).data)


class ApproveView(DecideView):
    """Let it go on."""

    approved = True


class RefuseView(DecideView):
    """Let it take the other way."""

    approved = False


class TestsView(Door):
    """The A/B tests of a flow."""

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """Read the tests of the published version: figures, intervals, verdict and promotion, by node."""
        return Response({"tests": trials.results(find(ref), clock.now())})


class PromoteView(Door):
    """The better branch of a test."""

    serializer_class = PromoteInput
    write_permission = "flows.run_flow"

    @extend_schema(request=PromoteInput, responses=ANYTHING)
    def post(self, request: Request, ref: str, node: str) -> Response:
        """Let everybody who comes from now on take one branch."""
        flow = find(ref)
        trials.promote(flow, node, self.said(request)["port"], actor=actor_of(request))
        return Response(trials.results(flow, clock.now(), node)[node])


class WithdrawView(Door):
    """A test that goes on."""

    write_permission = "flows.run_flow"

    @extend_schema(request=None, responses=ANYTHING)
    def post(self, request: Request, ref: str, node: str) -> Response:
        """Withdraw a promotion: arrivals are drawn again."""
        flow = find(ref)
        trials.withdraw(flow, node, actor=actor_of(request))
        return Response({"tests": trials.results(flow, clock.now(), node)})
