"""The API of destinations: /api/v1/destinations/."""

import re
from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from segmentation import destinations
from segmentation.api import ANYTHING
from segmentation.api import Door as SegmentsDoor
from segmentation.api import find as find_segment
from segmentation.destination_wire import (
    DeliveriesInput,
    DeliveryOutput,
    DestinationChange,
    DestinationInput,
    DestinationOutput,
    ReplayInput,
    changed,
    destinations_out,
)
from segmentation.exporting import path_of
from segmentation.files import served
from segmentation.models import Delivery, Destination
from workspace.api import NewestFirst, actor_of
from workspace.problems import refuse
from workspace.tags import refuse_stale, tag

ID = re.compile(r"^(?:dst_)?([0-9]{1,18})$")


def find(ref: str) -> Destination:
    """Return the destination of an id (dst_7) or slug, or answer 404."""
    match, found = ID.match(ref), Destination.objects.select_related("segment")
    one = found.filter(pk=int(match[1])).first() if match else found.filter(slug=ref.replace("\x00", "")).first()
    if one is None:
        raise Http404
    return one


def shown(one: Destination, status: int = 200, secret: str = "") -> Response:
    """Answer a destination as it stands now, with its secret when it has just been given one."""
    held = find(str(one.pk))
    body = destinations_out([held])[0]
    said = {**body, "secret": secret} if secret else body
    return Response(said, status=status, headers={"ETag": tag(changed(held), body)})


class Door(SegmentsDoor):
    """What the views of destinations share."""

    write_permission = "segmentation.change_destination"
    serializer_class: Any = DestinationOutput


class DestinationsView(Door):
    """All destinations."""

    serializer_class = DestinationInput
    pagination_class = NewestFirst

    @extend_schema(
        parameters=[OpenApiParameter("segment", str), OpenApiParameter("status", str)],
        responses=DestinationOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the destinations, newest first; `segment` and `status` choose."""
        found = Destination.objects.select_related("segment")
        if ref := request.query_params.get("segment"):
            found = found.filter(segment=find_segment(ref))
        if status := request.query_params.get("status"):
            if status not in Destination.Status.values:
                raise refuse("status", f"status is one of {', '.join(Destination.Status.values)}.")
            found = found.filter(status=status)
        return self.get_paginated_response(destinations_out(self.paginate_queryset(found) or []))

    @extend_schema(request=DestinationInput, responses={201: DestinationOutput})
    def post(self, request: Request) -> Response:
        """Make a destination; its secret is in this answer and never again."""
        said = self.said(request)
        try:
            segment = find_segment(said.pop("segment"))
        except Http404 as error:
            raise refuse("segment", "There is no such segment.") from error
        made, secret = destinations.create_destination(segment=segment, actor=actor_of(request), **said)
        return shown(made, 201, secret)


class DestinationView(Door):
    """One destination."""

    serializer_class = DestinationChange

    @extend_schema(responses=DestinationOutput)
    def get(self, request: Request, ref: str) -> Response:
        """Read a destination."""
        return shown(find(ref))

    @extend_schema(request=DestinationChange, responses=DestinationOutput)
    def patch(self, request: Request, ref: str) -> Response:
        """Change a destination."""
        said = self.said(request)
        with transaction.atomic():
            held = destinations.lock(find(ref))
            refuse_stale(request, changed(held), "destination")
            destinations.change_destination(held, actor=actor_of(request), **said)
        return shown(held)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, ref: str) -> Response:
        """Delete a destination with its log."""
        with transaction.atomic():
            held = destinations.lock(find(ref))
            refuse_stale(request, changed(held), "destination")
            destinations.delete_destination(held, actor=actor_of(request))
        return Response(status=204)


class PauseView(Door):
    """Hold."""

    @extend_schema(request=None, responses=DestinationOutput)
    def post(self, request: Request, ref: str) -> Response:
        """Call it no more until it is taken back into use; what happens meanwhile is not lost."""
        return shown(destinations.pause_destination(find(ref), actor=actor_of(request)))


class ResumeView(Door):
    """Go on."""

    @extend_schema(request=None, responses=DestinationOutput)
    def post(self, request: Request, ref: str) -> Response:
        """Go on where it was paused or disabled."""
        return shown(destinations.resume_destination(find(ref), actor=actor_of(request)))


class RotateView(Door):
    """Another secret."""

    @extend_schema(request=None, responses=DestinationOutput)
    def post(self, request: Request, ref: str) -> Response:
        """Give it another secret, shown once; for a day the former one signs beside it."""
        return shown(*_rotated(request, ref))


def _rotated(request: Request, ref: str) -> tuple[Destination, int, str]:
    held, secret = destinations.rotate_secret(find(ref), actor=actor_of(request))
    return held, 200, secret


class ReplayView(Door):
    """Again."""

    serializer_class = ReplayInput

    @extend_schema(request=ReplayInput, responses={202: DestinationOutput})
    def post(self, request: Request, ref: str) -> Response:
        """Send everything that happened since an instant again, as another round."""
        since = self.said(request)["since"]
        return shown(destinations.replay(find(ref), since=since, actor=actor_of(request)), 202)


class StateView(Door):
    """Who is in now."""

    @extend_schema(request=None, responses={202: DestinationOutput})
    def post(self, request: Request, ref: str) -> Response:
        """Send who is in now: in pages to a webhook, as a file of a CSV."""
        return shown(destinations.send_state(find(ref), actor=actor_of(request)), 202)


class MovesView(Door):
    """Who came and who went."""

    @extend_schema(request=None, responses={202: DestinationOutput})
    def post(self, request: Request, ref: str) -> Response:
        """Write a CSV of who entered and who left since the file before; its delivery tells how far it is."""
        return shown(destinations.send_moves(find(ref), actor=actor_of(request)), 202)


class TestView(Door):
    """A test."""

    @extend_schema(request=None, responses={202: DeliveryOutput})
    def post(self, request: Request, ref: str) -> Response:
        """Call it once with a test; its delivery tells what came of it."""
        made = destinations.send_test(find(ref), actor=actor_of(request))
        return Response(DeliveryOutput(made).data, status=202)


class RetryView(Door):
    """Now."""

    serializer_class = DeliveriesInput

    @extend_schema(request=DeliveriesInput, responses=ANYTHING)
    def post(self, request: Request, ref: str) -> Response:
        """Try what waits or has failed now: these deliveries, or all."""
        return Response({"retried": destinations.retry(find(ref), self.ids(request), actor=actor_of(request))})

    def ids(self, request: Request) -> list[int] | None:
        """Return the deliveries that are named, or None for all."""
        named = self.said(request).get("deliveries")
        return None if named is None else [int(one.removeprefix("dlv_")) for one in named]


class CancelView(RetryView):
    """Never."""

    @extend_schema(request=DeliveriesInput, responses=ANYTHING)
    def post(self, request: Request, ref: str) -> Response:
        """Drop what is queued, and files being written: these deliveries, or all."""
        return Response({"cancelled": destinations.cancel(find(ref), self.ids(request), actor=actor_of(request))})


class DeliveriesView(Door):
    """The log."""

    serializer_class = DeliveryOutput
    pagination_class = NewestFirst

    @extend_schema(parameters=[OpenApiParameter("status", str)], responses=DeliveryOutput(many=True))
    def get(self, request: Request, ref: str) -> Response:
        """List the deliveries, newest first; `status` chooses."""
        found = Delivery.objects.filter(destination=find(ref))
        if status := request.query_params.get("status"):
            if status not in Delivery.Status.values:
                raise refuse("status", f"status is one of {', '.join(Delivery.Status.values)}.")
            found = found.filter(status=status)
        return self.get_paginated_response(DeliveryOutput(self.paginate_queryset(found) or [], many=True).data)


class FileView(Door):
    """An exported file."""

    @extend_schema(responses={(200, "text/csv"): str})
    def get(self, request: Request, ref: str, delivery: str) -> HttpResponseBase:
        """Fetch the CSV of a delivery; it is there for seven days."""
        if request.auth is None and not request.user.has_perm("segmentation.download_destination"):
            self.permission_denied(request)
        match = re.fullmatch(r"(?:dlv_)?([0-9]{1,18})", delivery)
        found = Delivery.objects.filter(destination=find(ref), pk=int(match[1])).first() if match else None
        path = path_of(found) if found else None
        if path is None or found is None:
            raise Http404
        return served(path, actor_of(request), found)
