"""The API of contacts: /api/v1/contacts/, attributes/ and events/names/."""

from typing import Any

from django.db import transaction
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import browsing, declaring, services
from contacts.browsing import ATTRIBUTES_SHOWN, EVENTS_SHOWN
from contacts.documents import WRITABLE
from contacts.lists_api import find_list
from contacts.models import Attribute, Consent, Contact, Event, EventName
from contacts.panels import filters
from contacts.properties import CUSTOM, STANDARD
from contacts.searching import search
from contacts.wire import (
    ANYTHING,
    AttributeChange,
    AttributeInput,
    ByName,
    ConsentInput,
    Door,
    EventNameChange,
    LatestFirst,
    attribute_out,
    consent_out,
    contacts_out,
    event_name_out,
    event_out,
)
from workspace.api import actor_of
from workspace.problems import refuse
from workspace.tags import refuse_stale, tag


def find(ref: str) -> Contact:
    """Return the contact that a path names, or answer 404."""
    found = services.find_contact(ref)
    if found is None:
        raise Http404
    return found


def changed(contact: Contact) -> list[Any]:
    """Return what changes whenever somebody changes the contact, and not when it is merely seen again."""
    columns = [getattr(contact, one.column) for name, one in STANDARD.items() if name in WRITABLE]
    return [contact.pk, contact.user_id, *columns, contact.attributes]


def answer(contact: Contact, status: int = 200) -> Response:
    """Answer a contact with its ETag."""
    body = services.document_of(contact)
    return Response(body, status=status, headers={"ETag": tag(changed(contact), body)})


def unchanged(request: Request, ref: str) -> Contact:
    """Return the contact, locked, unless it changed since the caller read it."""
    contact = Contact.objects.select_for_update(no_key=True).get(pk=find(ref).pk)
    refuse_stale(request, changed(contact), "contact")
    return contact


class ContactsView(Door):
    """All contacts."""

    @extend_schema(
        operation_id="contacts_list",
        parameters=[OpenApiParameter("q", str), OpenApiParameter("list", str), OpenApiParameter("segment", str)],
        responses=ANYTHING,
    )
    def get(self, request: Request) -> Response:
        """List contacts, newest first; `q` searches by the beginning of user id, email, phone or name."""
        query = request.query_params
        found = search(query.get("q", ""))
        if slug := query.get("list"):
            found = found.filter(pk__in=find_list(slug).members.values("contact_id"))
        for name, filtering in filters().items():
            if value := query.get(name):
                found = found.filter(filtering(value))
        return self.page(found, contacts_out)

    @extend_schema(request=ANYTHING, responses={201: ANYTHING})
    def post(self, request: Request) -> Response:
        """Make a contact of a contact document; 409 names an identity that exists."""
        made = services.create_contact(document=request.data, actor=actor_of(request))
        return answer(made, 201)


class ContactView(Door):
    """One contact, by con_42, user:<user id> or email:<address>."""

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """Read a contact."""
        return answer(find(ref))

    @extend_schema(request=ANYTHING, responses=ANYTHING)
    def patch(self, request: Request, ref: str) -> Response:
        """Change what the document names; null clears, the rest stays."""
        with transaction.atomic():
            held = unchanged(request, ref)
            return answer(services.change_contact(contact=held, document=request.data, actor=actor_of(request)))

    @extend_schema(request=ANYTHING, responses=ANYTHING)
    def put(self, request: Request, ref: str) -> Response:
        """Make the contact of a user id, or change it: PUT contacts/user:<user id>/."""
        if not isinstance(request.data, dict):
            raise refuse("", "A contact is a JSON object.")
        if not ref.startswith("user:"):
            return self.patch(request, ref)
        user_id = ref.removeprefix("user:")
        if request.data.get("userId", user_id) != user_id:
            raise refuse("userId", "The userId in the body is another than the one in the path.")
        document = {**request.data, "userId": user_id}
        with transaction.atomic():
            if "If-Match" in request.headers:
                unchanged(request, ref)
            contact, made = services.upsert(document=document, actor=actor_of(request))
        return answer(contact, 201 if made else 200)

    @extend_schema(responses=ANYTHING)
    def delete(self, request: Request, ref: str) -> Response:
        """Erase a contact and answer the receipt: what was erased."""
        with transaction.atomic():
            return Response(services.erase_contact(contact=unchanged(request, ref), actor=actor_of(request)))


class ContactEventsView(Door):
    """What a contact did."""

    pagination_class = LatestFirst

    @extend_schema(parameters=[OpenApiParameter("event", str)], responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """List events, latest first; `event` chooses a name."""
        found = Event.objects.filter(contact=find(ref)).select_related("name")
        if name := request.query_params.get("event"):
            found = found.filter(name__name=name.replace("\x00", ""))
        return self.page(found, lambda rows: [event_out(one) for one in rows])


class ContactConsentsView(Door):
    """What a contact said about being told things."""

    pagination_class = LatestFirst

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """List the evidence, latest first."""
        return self.page(Consent.objects.filter(contact=find(ref)), lambda rows: [consent_out(one) for one in rows])

    @extend_schema(request=ConsentInput, responses={201: ANYTHING})
    def post(self, request: Request, ref: str) -> Response:
        """Add evidence; the newest per channel and topic stands."""
        contact, said = find(ref), self.said(request, ConsentInput)
        services.record_consent(contact_id=contact.pk, actor=actor_of(request), **said)
        return Response(consent_out(contact.consents.latest("pk")), status=201)


Q = OpenApiParameter("q", str)


def shown(kinds: dict[str, str]) -> OpenApiParameter:
    """Describe the choice of what a list shows."""
    return OpenApiParameter("show", str, enum=[one for one in kinds if one])


def asked_of(request: Request, kinds: dict[str, str]) -> tuple[str, str] | None:
    """Return what is searched and shown, or None for everything."""
    q, show = request.query_params.get("q", "").replace("\x00", ""), request.query_params.get("show", "")
    if show not in kinds:
        raise refuse("?show", f"Show one of {', '.join(one for one in kinds if one)}.")
    return (q, show) if q or show else None


class AttributesView(Door):
    """The catalogue of attributes."""

    pagination_class = ByName

    @extend_schema(operation_id="attributes_list", parameters=[Q, shown(ATTRIBUTES_SHOWN)], responses=ANYTHING)
    def get(self, request: Request) -> Response:
        """List attributes by name; `q` searches, `show` chooses."""
        found = Attribute.objects.select_related("joined_into")
        if asked := asked_of(request, ATTRIBUTES_SHOWN):
            found = found.filter(pk__in=[one.attribute.pk for one in browsing.attributes(*asked)])
        return self.page(found, lambda rows: [attribute_out(one) for one in rows])

    @extend_schema(request=AttributeInput, responses={201: ANYTHING})
    def post(self, request: Request) -> Response:
        """Declare an attribute before it arrives."""
        said = self.said(request, AttributeInput)
        return Response(attribute_out(declaring.declare_attribute(actor=actor_of(request), **said)), status=201)


class AttributeView(Door):
    """One attribute, by its path with or without customProperties."""

    def held(self, name: str) -> Attribute:
        """Return it or answer 404."""
        found = (
            Attribute.objects.select_related("joined_into")
            .filter(name=name.removeprefix(CUSTOM).replace("\x00", ""))
            .first()
        )
        if found is None:
            raise Http404
        return found

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, name: str) -> Response:
        """Read an attribute."""
        return Response(attribute_out(self.held(name)))

    @extend_schema(request=AttributeChange, responses=ANYTHING)
    def patch(self, request: Request, name: str) -> Response:
        """Change an attribute; a type that is said is declared from now on."""
        said = self.said(request, AttributeChange)
        return Response(attribute_out(declaring.change_attribute(self.held(name), actor=actor_of(request), **said)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, name: str) -> Response:
        """Forget an attribute that nothing uses."""
        declaring.delete_attribute(self.held(name), actor=actor_of(request))
        return Response(status=204)


class EventNamesView(Door):
    """The catalogue of event names."""

    pagination_class = ByName

    @extend_schema(operation_id="event_names_list", parameters=[Q, shown(EVENTS_SHOWN)], responses=ANYTHING)
    def get(self, request: Request) -> Response:
        """List event names with the properties learned; `q` searches, `show` chooses."""
        found = EventName.objects.all()
        if asked := asked_of(request, EVENTS_SHOWN):
            found = found.filter(pk__in=[one.name.pk for one in browsing.events(*asked)])
        return self.page(found, lambda rows: [event_name_out(one) for one in rows])


class EventNameView(Door):
    """One event name."""

    def held(self, name: str) -> EventName:
        """Return it or answer 404."""
        found = EventName.objects.filter(name=name.replace("\x00", "")).first()
        if found is None:
            raise Http404
        return found

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, name: str) -> Response:
        """Read an event name."""
        return Response(event_name_out(self.held(name)))

    @extend_schema(request=EventNameChange, responses=ANYTHING)
    def patch(self, request: Request, name: str) -> Response:
        """Hide or block a name, or choose the property that is its value."""
        said = self.said(request, EventNameChange)
        return Response(event_name_out(declaring.change_event_name(self.held(name), actor=actor_of(request), **said)))
