"""The back office of facts: they are only looked at."""

from collections.abc import Sequence

from django.contrib import admin

from contacts.found_admin import OfContacts
from contacts.models import (
    Activity,
    Address,
    Change,
    Consent,
    ConsentNow,
    Converted,
    Event,
    Identity,
    ListMember,
    Moment,
    Read,
    Receipt,
)
from workspace.back_office import ReadOnly


class Facts(OfContacts):
    """Rows of one contact each."""

    list_select_related: bool | Sequence[str] = ("contact",)


@admin.register(Event)
class EventAdmin(Facts):
    """Events."""

    list_display = ("id", "contact", "name", "at", "received_at", "source", "value")
    list_select_related = ("name", "contact")
    ordering = ("-at", "-id")
    titled = ("contact", "name", "at")


@admin.register(Identity)
class IdentityAdmin(ReadOnly):
    """Identities."""

    list_display = ("kind", "value", "contact")
    list_filter = ("kind",)
    search_fields = ("value__startswith",)
    titled = ("kind", "value")
    list_select_related = ("contact",)


@admin.register(Address)
class AddressAdmin(ReadOnly):
    """Addresses."""

    list_display = ("channel", "value", "contact")
    list_filter = ()
    search_fields = ("value__startswith",)
    titled = ("channel", "value")
    list_select_related = ("contact",)


@admin.register(Activity)
class ActivityAdmin(Facts):
    """When contacts were last heard of."""

    list_display = ("contact", "last_seen_at")
    ordering = ("-last_seen_at",)
    titled = ("contact", "last_seen_at")


@admin.register(Moment)
class MomentAdmin(Facts):
    """Dates of contacts, sortable."""

    list_display = ("contact", "attribute", "instant")
    titled = ("contact", "attribute", "instant")


@admin.register(Converted)
class ConvertedAdmin(Facts):
    """What values were before a change of type under way."""

    list_display = ("job", "contact")
    titled = ("contact", "job")
    list_select_related = ("job", "contact")


@admin.register(Receipt)
class ReceiptAdmin(ReadOnly):
    """Message ids that were accepted."""

    list_display = ("source", "message_id", "received_at")
    search_fields = ("message_id",)


@admin.register(Read)
class ReadAdmin(ReadOnly):
    """Who reads which fact."""

    list_display = ("fact", "stage", "reader")
    list_filter = ("stage",)
    search_fields = ("fact", "reader")


@admin.register(Change)
class ChangeAdmin(Facts):
    """Facts waiting to be looked at."""

    list_display = ("id", "contact", "fact", "cause", "at", "fires", "lane", "stage")
    list_filter = ("stage", "lane", "fires")
    titled = ("contact", "fact", "at")


@admin.register(ListMember)
class ListMemberAdmin(Facts):
    """Who is on which list."""

    list_display = ("list", "contact", "added_at")
    titled = ("contact", "list")
    list_select_related = ("list", "contact")


@admin.register(Consent)
class ConsentAdmin(Facts):
    """Evidence of consent."""

    list_display = ("contact", "channel", "topic", "status", "source", "at")
    titled = ("contact", "status", "channel", "topic")
    list_filter = ("channel", "status")


@admin.register(ConsentNow)
class ConsentNowAdmin(Facts):
    """What consent comes to now."""

    list_display = ("contact", "channel", "topic", "status", "at")
    titled = ("contact", "status", "channel", "topic")
