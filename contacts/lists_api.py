"""The API of lists: /api/v1/lists/."""

import re

from django.db.models import Q
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import services
from contacts.models import Contact, List
from contacts.wire import ANYTHING, Door, ListChange, ListInput, MembersInput, list_out, members_out
from workspace.api import actor_of
from workspace.origins import origin_of
from workspace.problems import Fault, Refused

LIST_ID = re.compile(r"^(?:lst_)?([0-9]{1,18})$")


def find_list(ref: str) -> List:
    """Return the list of an id (lst_3) or slug, or answer 404."""
    match = LIST_ID.match(ref)
    found = List.objects.filter(pk=int(match[1])) if match else List.objects.filter(slug=ref.replace("\x00", ""))
    held = found.first()
    if held is None:
        raise Http404
    return held


class ListsView(Door):
    """All lists."""

    write_permission = "contacts.change_list"

    @extend_schema(operation_id="lists_list", parameters=[OpenApiParameter("archived", bool)], responses=ANYTHING)
    def get(self, request: Request) -> Response:
        """List the lists, newest first; `archived=true` shows the archived."""
        archived = request.query_params.get("archived", "").lower() in ("1", "true")
        found = List.objects.filter(archived_at__isnull=not archived)
        return self.page(found, lambda rows: [list_out(one) for one in rows])

    @extend_schema(request=ListInput, responses={201: ANYTHING})
    def post(self, request: Request) -> Response:
        """Make a list."""
        made = services.create_list(actor=actor_of(request), **self.said(request, ListInput))
        return Response(list_out(made, 0), status=201)


class ListView(Door):
    """One list, by lst_3 or slug."""

    write_permission = "contacts.change_list"

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """Read a list with its size."""
        held = find_list(ref)
        return Response(list_out(held, held.members.count()))

    @extend_schema(request=ListChange, responses=ANYTHING)
    def patch(self, request: Request, ref: str) -> Response:
        """Change a list; `archived` puts it away or takes it out."""
        held, said = find_list(ref), self.said(request, ListChange)
        if (archived := said.pop("archived", None)) is not None:
            services.archive_list(held, archived=archived, actor=actor_of(request))
        return Response(list_out(services.change_list(held, actor=actor_of(request), **said), held.members.count()))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, ref: str) -> Response:
        """Delete a list that nothing uses; 409 lists what uses it."""
        services.delete_list(find_list(ref), actor=actor_of(request))
        return Response(status=204)


class ListMembersView(Door):
    """Who is on a list."""

    write_permission = "contacts.change_list"

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """List the members, newest contacts first."""
        found = Contact.objects.filter(Q(list_members__list=find_list(ref)))
        return self.page(found, members_out)

    @extend_schema(request=MembersInput, responses=ANYTHING)
    def post(self, request: Request, ref: str) -> Response:
        """Put contacts on the list; those not found are named and nothing is done."""
        held, found = find_list(ref), found_all(self.said(request, MembersInput)["contacts"])
        added = services.add_to_list(held, found, cause="manual", origin=origin_of(actor_of(request)))
        return Response({"added": added, "size": held.members.count()})


class ListRemovalView(Door):
    """The way off a list."""

    write_permission = "contacts.change_list"

    @extend_schema(request=MembersInput, responses=ANYTHING)
    def post(self, request: Request, ref: str) -> Response:
        """Take contacts off the list; those not found are named and nothing is done."""
        held, found = find_list(ref), found_all(self.said(request, MembersInput)["contacts"])
        removed = services.remove_from_list(held, found, cause="manual")
        return Response({"removed": removed, "size": held.members.count()})


def found_all(refs: list[str]) -> list[int]:
    """Return the contacts that all of these name, or refuse, naming those that are not known."""
    found = services.find_contacts(refs)
    if missing := [(index, one) for index, one in enumerate(refs) if one not in found]:
        faults = [Fault(f"contacts[{index}]", f'There is no contact "{one}".') for index, one in missing[:100]]
        raise Refused(f"{len(missing)} of {len(refs)} contacts are not known here.", faults)
    return [one.pk for one in found.values()]
