"""What goes over the wire about contacts beside the contact document itself: strictly in, plainly out."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.documents import documents_of
from contacts.instants import read_instant
from contacts.models import Attribute, AttributeType, Consent, ConsentStatus, Contact, Event, EventName, List
from contacts.saying import CHANNELS
from workspace.api import NewestFirst
from workspace.door import Door as Shared

ANYTHING = OpenApiTypes.OBJECT


class Door(Shared):
    """What the views of this floor share."""

    write_permission = "contacts.change_contact"
    queryset = Contact.objects.none()

    def said(self, request: Request, form: type[Any]) -> dict[str, Any]:
        """Return the checked body."""
        checked = form(data=request.data)
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)

    def page(self, found: QuerySet[Any], out: Any) -> Response:
        """Answer one page of rows."""
        return self.get_paginated_response(out(self.paginate_queryset(found) or []))


class LatestFirst(NewestFirst):
    """Pages of what has an instant."""

    ordering = ("-at", "-id")


class ByName(NewestFirst):
    """Pages in the order of names."""

    ordering = "name"


class Strict(serializers.Serializer[Any]):
    """Refuses properties that it does not know."""

    def to_internal_value(self, data: Any) -> Any:
        """Look for unknown names before anything else."""
        if isinstance(data, Mapping):
            unknown = sorted(set(map(str, data)) - set(self.fields))
            if unknown:
                words = f"There is no such property; known are {', '.join(self.fields)}."
                raise serializers.ValidationError(dict.fromkeys(unknown, words))
        return super().to_internal_value(data)


class Slug(serializers.RegexField):
    """A slug of the house."""

    def __init__(self, **options: Any) -> None:
        words = "Write a slug as a small letter, then at most 62 small letters, digits and dashes."
        super().__init__(r"^[a-z][a-z0-9-]{0,62}\Z", error_messages={"invalid": words}, **options)


class Instant(serializers.CharField):
    """An instant with an offset."""

    def to_internal_value(self, data: Any) -> Any:
        """Read it as ingest does."""
        if (instant := read_instant(data)) is None:
            raise serializers.ValidationError("Write an RFC 3339 instant, like 2026-03-01T12:00:00Z.")
        return instant


class ListInput(Strict):
    """A list to be made."""

    name = serializers.CharField(max_length=120)
    slug = Slug(required=False, allow_blank=True)
    color = serializers.CharField(required=False, allow_blank=True, max_length=20)
    description = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class ListChange(Strict):
    """What may change of a list."""

    name = serializers.CharField(required=False, max_length=120)
    color = serializers.CharField(required=False, allow_blank=True, max_length=20)
    description = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    archived = serializers.BooleanField(required=False)


class MembersInput(Strict):
    """Contacts by id, user:<user id> or email:<address>."""

    contacts = serializers.ListField(child=serializers.CharField(max_length=300), min_length=1, max_length=10_000)


class ConsentInput(Strict):
    """Evidence of consent."""

    channel = serializers.ChoiceField(choices=CHANNELS)
    topic = serializers.CharField(required=False, allow_blank=True, max_length=63, default="")
    status = serializers.ChoiceField(choices=ConsentStatus.values)
    source = serializers.CharField(max_length=60)  # type: ignore[assignment] # a property of the document
    at = Instant(required=False)


class AttributeInput(Strict):
    """An attribute to be declared."""

    name = serializers.CharField(max_length=128)
    type = serializers.ChoiceField(choices=AttributeType.values)
    label = serializers.CharField(required=False, allow_blank=True, max_length=128)  # type: ignore[assignment] # as above
    personal = serializers.BooleanField(required=False)
    hidden = serializers.BooleanField(required=False)


class AttributeChange(AttributeInput):
    """What may change of an attribute; a type that is said is declared."""

    name = None  # type: ignore[assignment] # its path is its identity
    type = serializers.ChoiceField(choices=AttributeType.values, required=False)


class EventNameChange(Strict):
    """What may change of an event name."""

    hidden = serializers.BooleanField(required=False)
    blocked = serializers.BooleanField(required=False)
    value_property = serializers.CharField(required=False, allow_blank=True, max_length=128)


def list_out(one: List, size: int | None = None) -> dict[str, Any]:
    """Return a list as JSON."""
    body = {"id": one.ref, "name": one.name, "slug": one.slug, "color": one.color, "description": one.description}
    if size is not None:
        body["size"] = size  # type: ignore[assignment]
    return {**body, "archived": one.archived_at is not None, "created_at": one.created_at}


def attribute_out(one: Attribute) -> dict[str, Any]:
    """Return an attribute as JSON, named as criteria name it."""
    return {
        "name": f"customProperties.{one.name}",
        "type": one.type,
        "label": one.label,
        "personal": one.personal,
        "declared": one.declared,
        "hidden": one.hidden,
        "joined_into": f"customProperties.{one.joined_into.name}" if one.joined_into else None,
    }


def event_name_out(one: EventName) -> dict[str, Any]:
    """Return an event name as JSON, with the properties learned."""
    return {
        "name": one.name,
        "properties": one.properties,
        "value_property": one.value_property,
        "promoting": one.promoting,
        "hidden": one.hidden,
        "blocked": one.blocked,
        "first_seen_at": one.first_seen_at,
        "last_seen_at": one.last_seen_at,
    }


def event_out(one: Event) -> dict[str, Any]:
    """Return an event as JSON; `future` says that it claimed a time ahead of its arrival."""
    return {
        "id": f"evt_{one.pk}",
        "event": one.name.name,
        "at": one.at,
        "occurred_at": one.occurred_at,
        "received_at": one.received_at,
        "future": one.occurred_at > one.received_at,
        "source": one.source,
        "message_id": one.message_id,
        "value": float(one.value) if one.value is not None else None,
        "properties": one.properties,
    }


def consent_out(one: Consent) -> dict[str, Any]:
    """Return evidence as JSON."""
    return {
        "id": f"cns_{one.pk}",
        "channel": one.channel,
        "topic": one.topic,
        "status": one.status,
        "source": one.source,
        "at": one.at,
    }


def members_out(contacts: Sequence[Contact]) -> list[dict[str, Any]]:
    """Return members: whose they are is named by user id and email."""
    return [{"contact": one.ref, "user_id": one.user_id, "email": one.email or None} for one in contacts]


def contacts_out(contacts: Sequence[Contact]) -> list[dict[str, Any]]:
    """Return the documents of contacts."""
    return documents_of(contacts)
