"""The API of flows: /api/v1/flows/."""

import re
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from flows import advice, checking, drafts, many, publishing, services, stats
from flows.models import Flow
from flows.wire import (
    ANYTHING,
    AtOnceInput,
    DuplicateInput,
    FlowChange,
    FlowInput,
    FlowOutput,
    Nothing,
    PauseInput,
    PublishInput,
    ResumeInput,
    RollbackInput,
    SettingsInput,
    VersionOutput,
    changed,
    flow_out,
)
from workspace.api import actor_of
from workspace.audit import Actor
from workspace.door import Door as Shared
from workspace.problems import Fault, Refused, refuse
from workspace.tags import refuse_stale, tag

FLOW_ID = re.compile(r"^(?:flo_)?([0-9]{1,18})$")


def find(ref: str) -> Flow:
    """Return the flow of an id (flo_4) or slug, or answer 404."""
    match = FLOW_ID.match(ref)
    rows = Flow.objects.select_related("version")
    flow = rows.filter(pk=int(match[1])).first() if match else rows.filter(slug=ref.replace("\x00", "")).first()
    if flow is None:
        raise Http404
    return flow


def shown(flow_id: int, status: int = 200) -> Response:
    """Answer a flow as it stands now."""
    flow = find(str(flow_id))
    body = flow_out(flow, draft=True)
    return Response(body, status=status, headers={"ETag": tag(changed(flow), body)})


class Door(Shared):
    """What the views of flows share."""

    write_permission = "flows.change_flow"
    queryset = Flow.objects.none()
    serializer_class: Any = Nothing

    def said(self, request: Request) -> dict[str, Any]:
        """Return the checked body."""
        form = self.get_serializer(data=request.data if request.data is not None else {})
        form.is_valid(raise_exception=True)
        checked: dict[str, Any] = form.validated_data
        return checked


class FlowsView(Door):
    """All flows."""

    serializer_class = FlowInput

    @extend_schema(
        parameters=[OpenApiParameter("q", str), OpenApiParameter("status", str), OpenApiParameter("archived", bool)],
        responses=FlowOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the flows, newest first; `q` searches, `status` chooses, `archived=true` shows the archived."""
        page: Sequence[Flow] = self.paginate_queryset(self.asked(request.query_params)) or []
        return self.get_paginated_response([flow_out(one) for one in page])

    def asked(self, query: Any) -> QuerySet[Flow]:
        """Return what the query asks for."""
        archived = query.get("archived", "").lower() in ("1", "true")
        found = Flow.objects.select_related("version").filter(archived_at__isnull=not archived)
        if status := query.get("status", ""):
            if status not in Flow.Status.values:
                raise refuse("status", f"status is one of {', '.join(Flow.Status.values)}.")
            found = found.filter(status=status)
        q = query.get("q", "").replace("\x00", "")[:120]
        return found.filter(name__icontains=q) if q else found

    @extend_schema(request=FlowInput, responses={201: FlowOutput})
    def post(self, request: Request) -> Response:
        """Make a flow with its draft; nothing runs until it is activated."""
        said = self.said(request)
        with placed_below("draft"):
            made = services.create_flow(actor=actor_of(request), **said)
        return shown(made.pk, status=201)


class FlowView(Door):
    """One flow."""

    serializer_class = FlowChange

    @extend_schema(responses=FlowOutput)
    def get(self, request: Request, ref: str) -> Response:
        """Read a flow with its draft."""
        return shown(find(ref).pk)

    @extend_schema(request=FlowChange, responses=FlowOutput)
    def patch(self, request: Request, ref: str) -> Response:
        """Change a flow; a draft replaces the whole draft, what runs is not touched."""
        said, actor = self.said(request), actor_of(request)
        with transaction.atomic():
            flow = self.unchanged(request, ref)
            if "draft" in said:
                with placed_below("draft"):
                    drafts.replace_draft(flow, said.pop("draft"), actor=actor)
            if said:
                services.change_flow(flow, actor=actor, **said)
        return shown(flow.pk)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, ref: str) -> Response:
        """Delete a flow that nobody ever came to."""
        with transaction.atomic():
            services.delete_flow(self.unchanged(request, ref), actor=actor_of(request))
        return Response(status=204)

    def unchanged(self, request: Request, ref: str) -> Flow:
        """Return the flow unless it changed since the caller read it; one caller at a time."""
        pk = find(ref).pk
        Flow.objects.select_for_update(no_key=True).get(pk=pk)
        flow = find(str(pk))
        refuse_stale(request, changed(flow), "flow")
        return flow


class placed_below:  # noqa: N801 - read as a word at its place of use
    """Let the faults of a document name their place in the request: draft.nodes[0].id."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Move the paths of a refusal below the name."""
        if isinstance(error, Refused) and any(one.path.startswith(("nodes", "edges")) for one in error.faults):
            faults = [Fault(f"{self.name}.{one.path}", one.message) for one in error.faults]
            raise Refused(error.detail, faults, error.status) from error


FAULTS = 100  # a page of them


def _first(cursor: str) -> int:
    """Read the cursor of a page of faults."""
    number = cursor.removeprefix("f")
    if cursor and not (cursor.startswith("f") and number.isascii() and number.isdigit() and len(number) < 7):
        raise refuse("cursor", "There is no such page; begin without a cursor.")
    return int(number or 0)


class CheckView(Door):
    """What is wrong."""

    write_scope = "read"

    @extend_schema(parameters=[OpenApiParameter("cursor", str)], responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """List all faults of the draft, and what is worth a second look, each with its node, field and a sentence.

        Errors come first; beyond 100 they come in pages: `next` is the address of those after.
        """
        flow, near = find(ref), checking.surroundings()
        found = [*checking.check(flow, near), *advice.advise(flow, near)]
        first = _first(request.query_params.get("cursor", ""))
        page, more = found[first : first + FAULTS], len(found) > first + FAULTS
        address = request.build_absolute_uri(request.path)
        return Response(
            {
                "faults": [one.as_json() for one in page],
                "count": len(found),
                "next": f"{address}?cursor=f{first + FAULTS}" if more else None,
                "previous": f"{address}?cursor=f{max(0, first - FAULTS)}" if first else None,
            }
        )

    @extend_schema(request=None, responses=ANYTHING)
    def post(self, request: Request, ref: str) -> Response:
        """List all faults of the draft."""
        return self.get(request, ref)


class Verb(Door):
    """A verb on a flow as a whole, refused with the list of faults while the draft has any."""

    write_permission = "flows.run_flow"

    def verb(self, flow: Flow, said: dict[str, Any], actor: Actor) -> Any:
        """Do it."""
        raise NotImplementedError

    @extend_schema(responses=FlowOutput)
    def post(self, request: Request, ref: str) -> Response:
        """Do it and answer the flow as it then stands."""
        said, flow = self.said(request), find(ref)
        try:
            self.verb(flow, said, actor_of(request))
        except Refused as error:
            return self.refused(flow, error)
        return shown(flow.pk)

    def refused(self, flow: Flow, error: Refused) -> Response:
        """Answer why not; a faulty draft with each fault's node and field."""
        faults = [one.as_json() for one in checking.check(flow) if one.severity == "error"]
        if error.status != 409 or not faults:
            raise error
        body = {**error.as_json(), "faults": faults}
        return Response(body, status=409, content_type="application/problem+json")


class PublishView(Verb):
    """Publish."""

    serializer_class = PublishInput

    def verb(self, flow: Flow, said: dict[str, Any], actor: Actor) -> Any:
        """Freeze the draft as the next version."""
        return services.publish_flow(flow, actor=actor, **said)


class RollbackView(Verb):
    """Roll back."""

    serializer_class = RollbackInput

    def verb(self, flow: Flow, said: dict[str, Any], actor: Actor) -> Any:
        """Publish an old version again, under the next number."""
        return services.roll_back(flow, actor=actor, **said)


class ActivateView(Verb):
    """Activate."""

    serializer_class = SettingsInput

    def verb(self, flow: Flow, said: dict[str, Any], actor: Actor) -> Any:
        """Publish and start."""
        return services.activate(flow, actor=actor, settings=said.get("settings"))


class PauseView(Verb):
    """Pause."""

    serializer_class = PauseInput

    def verb(self, flow: Flow, said: dict[str, Any], actor: Actor) -> Any:
        """Stop everybody where they stand."""
        return services.pause(flow, actor=actor, mode=said["mode"])


class ResumeView(Verb):
    """Resume."""

    serializer_class = ResumeInput

    def verb(self, flow: Flow, said: dict[str, Any], actor: Actor) -> Any:
        """Let it run on."""
        return services.resume(flow, actor=actor, settings=said.get("settings"), take_in=said["take_in"])


class DrainView(Verb):
    """Drain."""

    def verb(self, flow: Flow, said: dict[str, Any], actor: Actor) -> Any:
        """Take nobody in any more."""
        return services.drain(flow, actor=actor)


class ArchiveView(Verb):
    """Archive."""

    write_permission = "flows.change_flow"

    def verb(self, flow: Flow, said: dict[str, Any], actor: Actor) -> Any:
        """Put it away."""
        return services.archive_flow(flow, actor=actor)


class AtOnceView(Door):
    """Many flows at once."""

    write_permission = "flows.run_flow"
    serializer_class = AtOnceInput
    pagination_class = None

    @extend_schema(request=AtOnceInput, responses=ANYTHING)
    def post(self, request: Request) -> Response:
        """Do one verb to many flows, each by itself; answers what became of each."""
        said = self.said(request)
        found = [find(ref) for ref in dict.fromkeys(said["flows"])]
        outcomes = many.at_once(found, said["verb"], actor=actor_of(request))
        return Response({"results": [one.as_json() for one in outcomes]})


class DuplicateView(Door):
    """Make another."""

    write_permission = "flows.add_flow"
    serializer_class = DuplicateInput

    @extend_schema(request=DuplicateInput, responses={201: FlowOutput})
    def post(self, request: Request, ref: str) -> Response:
        """Make another flow with the same draft, not running."""
        said = self.said(request)
        copy = services.duplicate_flow(find(ref), actor=actor_of(request), name=said["name"])
        return shown(copy.pk, status=201)


class PublishPlanView(Door):
    """What publishing would ask."""

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """Say who stands where inside, whether that node is still in the draft, which waits change, what the trigger does."""
        return Response(publishing.publication_plan(find(ref)))


class VersionsView(Door):
    """Published versions."""

    serializer_class = VersionOutput

    @extend_schema(responses=VersionOutput(many=True))
    def get(self, request: Request, ref: str) -> Response:
        """List the versions, newest first."""
        page = self.paginate_queryset(find(ref).versions.all())
        return self.get_paginated_response(VersionOutput(page or [], many=True).data)


class StatsView(Door):
    """Counts."""

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """Count who started, is on the way, finished, exited and failed; and who waits at and passed each node."""
        return Response(stats.counts(find(ref)))
