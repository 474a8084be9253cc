"""The API of long work, whichever floor it is of: /api/v1/jobs/."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import importing, joining, retyping
from contacts.wire import ANYTHING, Door
from contacts.working import STANDING
from flows import audiences
from segmentation.scenarios import reckoning
from workspace.models import Job, Key
from workspace.problems import refuse

JOB_ID = re.compile(r"^(?:job_)?([0-9]{1,18})$")


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of long work: what it does, who may stop it, and how."""

    words: str
    permission: str = ""
    stop: Callable[[Job], Any] | None = None


def _ask_to_stop(job: Job) -> None:
    Job.objects.filter(pk=job.pk, status__in=STANDING).update(cancel_requested=True)


KINDS = {
    importing.KIND: Work("brings a file of contacts", "contacts.add_contact", importing.cancel),
    retyping.KIND: Work("converts the values of an attribute", "contacts.change_attribute", _ask_to_stop),
    joining.KIND: Work("joins an attribute into another", "contacts.change_attribute", _ask_to_stop),
    "event.value": Work("reads the value of events anew"),
    reckoning.KIND: Work(
        "reckons how contacts moved between personas", "segmentation.change_segment", lambda _: reckoning.cancel()
    ),
    audiences.MEMBERS: Work("takes contacts into a flow", "flows.run_flow", audiences.cancel),
}


def job_out(job: Job) -> dict[str, Any]:
    """Return work as it goes out; what it was asked, which may be personal, stays here."""
    work = KINDS[job.kind]
    return {
        "id": f"job_{job.pk}",
        "kind": job.kind,
        "words": work.words,
        "status": job.status,
        "done": job.done,
        "total": job.total,
        "can_be_cancelled": work.stop is not None and job.status in STANDING,
        "cancel_requested": job.cancel_requested,
        "result": job.result,
        "error": job.error,
        "created_at": job.created_at,
        "seen_at": job.seen_at,
        "ended_at": job.ended_at,
    }


def find_job(ref: str) -> Job:
    """Return the job of an id (job_7), or answer 404."""
    match = JOB_ID.match(ref)
    found = Job.objects.filter(pk=int(match[1]), kind__in=KINDS).first() if match else None
    if found is None:
        raise Http404
    return found


class JobsView(Door):
    """Long work."""

    @extend_schema(
        operation_id="jobs_list",
        parameters=[
            OpenApiParameter("status", str, enum=Job.Status.values),
            OpenApiParameter("kind", str, enum=sorted(KINDS)),
        ],
        responses=ANYTHING,
    )
    def get(self, request: Request) -> Response:
        """List long work, newest first; `status` and `kind` choose."""
        found = Job.objects.filter(kind__in=KINDS).defer("request")
        for name, known in (("status", Job.Status.values), ("kind", sorted(KINDS))):
            if (said := request.query_params.get(name)) is None:
                continue
            if said not in known:
                raise refuse(f"?{name}", f'There is no {name} "{said[:40]}"; known are {", ".join(known)}.')
            found = found.filter(status=said) if name == "status" else found.filter(kind=said)
        return self.page(found, lambda rows: [job_out(one) for one in rows])


class JobView(Door):
    """One of them, by job_7."""

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """Read how far it is, and what came of it."""
        return Response(job_out(find_job(ref)))


class CancelView(Door):
    """Stopping; what a person needs for it is the kind's own matter."""

    write_permission = "workspace.view_job"

    @extend_schema(request=None, responses={202: ANYTHING})
    def post(self, request: Request, ref: str) -> Response:
        """Ask it to stop; it ends as `cancelled` after the part it is at. What that leaves behind is the kind's own matter."""
        job = find_job(ref)
        work = KINDS[job.kind]
        if not isinstance(request.auth, Key) and not request.user.has_perm(work.permission):
            raise PermissionDenied
        if job.status not in STANDING:
            raise refuse("", "This has ended already; there is nothing to cancel.", 409)
        if work.stop is None:
            raise refuse("", "This cannot be stopped: others read what it makes.", 409)
        work.stop(job)
        return Response(job_out(find_job(ref)), status=202)
