"""The API of triggers: what a flow waits for, its own address, and the jobs that take whole segments in."""

import re
from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from flows import audiences, canvas, drafts, hooks, trigger_pages
from flows.api import Door, find
from flows.models import Flow
from flows.trigger_models import Hook, HookSample
from flows.wire import ANYTHING, RotateInput, job_out
from workspace import clock
from workspace.api import actor_of
from workspace.models import Job, Key
from workspace.problems import refuse

JOB_ID = re.compile(r"^(?:job_)?([0-9]{1,18})$")


class TriggerView(Door):
    """What a flow waits for."""

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """Say what the draft's trigger waits for: in words, its next dates, and (to those who may manage) its address."""
        flow = find(ref)
        trigger = drafts.load(flow).trigger
        if trigger is None:
            return Response({"kind": "", "words": ""})
        said: dict[str, Any] = {"kind": trigger.kind, "words": canvas.words_of(trigger, {})}
        if trigger.kind == "schedule":
            said["next"] = trigger_pages.next_dates(flow, trigger.settings)
        if trigger.kind == hooks.KIND and _may_manage(request):
            said |= address_out(flow)
        return Response(said)


def _may_manage(request: Request) -> bool:
    if isinstance(request.auth, Key):
        return request.auth.scope == Key.Scope.MANAGE
    return request.user.has_perm("flows.change_flow")


def address_out(flow: Flow) -> dict[str, Any]:
    """Return a flow's own address and what came there last."""
    hook = Hook.objects.filter(flow=flow).first()
    samples = HookSample.objects.filter(hook__flow=flow).order_by("-id")[: hooks.KEPT]
    until = hook.former_until if hook else None
    return {
        "address": hooks.address_of(flow),
        "former_until": until if until and until > clock.now() else None,
        "samples": [
            {
                "received_at": one.received_at,
                "outcome": one.outcome,
                "fault": one.fault,
                "contact": f"con_{one.contact_id}" if one.contact_id else None,
                "bytes": one.size,
                "body": one.body,
            }
            for one in samples
        ],
    }


class RotateView(Door):
    """Another address."""

    serializer_class = RotateInput

    @extend_schema(request=RotateInput, responses=ANYTHING)
    def post(self, request: Request, ref: str) -> Response:
        """Give the flow another address; the one before is heard for so many hours more."""
        flow, said = find(ref), self.said(request)
        if not hooks.listens(flow):
            raise refuse("", "This flow has no inbound webhook as its trigger.", 409)
        hooks.rotate(flow, actor=actor_of(request), overlap_hours=said["overlap_hours"])
        return Response(address_out(flow))


def find_job(ref: str, job: str) -> Job:
    """Return a job of a flow, or answer 404."""
    match = JOB_ID.match(job)
    flow = find(ref)
    found = Job.objects.filter(kind=audiences.MEMBERS, pk=int(match[1])).first() if match else None
    if found is None or found.request.get("flow") != flow.pk:
        raise Http404
    return found


class JobsView(Door):
    """Whole segments that are being taken in."""

    @extend_schema(operation_id="flows_enrollments_jobs_list", responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """List the newest jobs of a flow."""
        return Response({"results": [job_out(one) for one in audiences.jobs_of(find(ref))]})


class JobView(Door):
    """One of them."""

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str, job: str) -> Response:
        """Read how far it is."""
        return Response(job_out(find_job(ref, job)))


class CancelView(Door):
    """Stop."""

    write_permission = "flows.run_flow"

    @extend_schema(request=None, responses=ANYTHING)
    def post(self, request: Request, ref: str, job: str) -> Response:
        """Stop taking in; who is in stays in."""
        audiences.cancel(find_job(ref, job))
        return Response(job_out(find_job(ref, job)))
