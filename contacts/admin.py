"""The back office of contacts: changed through the services alone; facts are only looked at."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextInputWidget

from contacts import declaring, facts_admin, promoting, retyping, services, topics
from contacts.documents import WRITABLE, read_document
from contacts.models import (
    Attribute,
    Contact,
    EventName,
    Identity,
    List,
    Suppression,
    Topic,
)
from contacts.properties import STANDARD
from contacts.saying import drop_suppression, normal_address
from contacts.searching import search
from workspace.audit import Actor
from workspace.back_office import BackOffice
from workspace.problems import Refused
from workspace.uses import InUse

__all__ = ["facts_admin"]  # the admin looks for this module alone
COLUMNS = {STANDARD[name].column: name for name in WRITABLE if name != "createdAt"}


def actor(request: HttpRequest) -> Actor:
    """Name who acts in the back office."""
    return Actor.of(user=request.user)


class ContactAdminForm(forms.ModelForm[Contact]):
    """A contact as a document."""

    class Meta:
        model = Contact
        fields = ["user_id", *COLUMNS, "attributes"]
        widgets = dict.fromkeys(("user_id", *COLUMNS), UnfoldAdminTextInputWidget)

    def document(self) -> dict[str, Any]:
        """Return what was changed as a contact document; attributes taken out of the JSON are cleared."""
        said = self.cleaned_data
        document = {COLUMNS[name]: said[name] or None for name in self.changed_data if name in COLUMNS}
        if "user_id" in self.changed_data and said["user_id"]:
            document["userId"] = said["user_id"]
        if "attributes" in self.changed_data:
            gone = dict.fromkeys(set(self.initial.get("attributes") or {}) - set(said["attributes"]))
            document["customProperties"] = {**gone, **said["attributes"]}
        return document

    def clean(self) -> dict[str, Any]:
        """Refuse what the services would refuse."""
        said = super().clean() or {}
        if not self.errors:
            try:
                read_document(self.document())
            except Refused as refused:
                raise forms.ValidationError([f"{one.path}: {one.message}" for one in refused.faults]) from refused
        return said

    def clean_attributes(self) -> Any:
        """Take an object, nothing else."""
        value = self.cleaned_data["attributes"] or {}
        if not isinstance(value, dict):
            raise forms.ValidationError("Write a JSON object.")
        return value

    def clean_user_id(self) -> str | None:
        """Refuse a user id that names another contact, or that would change."""
        value: str | None = (self.cleaned_data["user_id"] or "").strip() or None
        if value and value != self.instance.user_id:
            if self.instance.user_id:
                raise forms.ValidationError("A user id never changes.")
            if Identity.objects.filter(kind=Identity.Kind.USER, value=value).exists():
                raise forms.ValidationError("There is a contact with this user id already.")
        return value


@admin.register(Contact)
class ContactAdmin(BackOffice):
    """Contacts."""

    form = ContactAdminForm
    list_display = ("called", "email", "user_id", "country", "created_at", "erased_at")
    list_filter = (("erased_at", admin.EmptyFieldListFilter), ("merged_into", admin.EmptyFieldListFilter))
    search_fields = ("user_id",)
    search_help_text = "The beginning of a name, an email, a phone number or a user id."
    list_select_related = False
    readonly_fields = ("created_at", "merged_into", "erased_at", "see_also")
    actions = ("erase",)
    fields = ("see_also", "user_id", *COLUMNS, "attributes", "created_at", "merged_into", "erased_at")
    around = (
        *("contacts.event", "contacts.identity", "contacts.address", "contacts.consent", "contacts.listmember"),
        *("segmentation.membership", "segmentation.transition", "flows.entry", "flows.enrollment"),
        *("messaging.message", "contacts.change"),
    )

    @admin.display(description="Name")
    def called(self, contact: Contact) -> str:
        """Return what pages call them."""
        return contact.display

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        """Search by beginnings, each by its index."""
        return (queryset.filter(pk__in=search(search_term).values("pk")) if search_term else queryset), False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: contacts are erased, which leaves a stub, not deleted."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        """Let only contacts that stand be changed."""
        return super().has_change_permission(request, obj) and (obj is None or obj.alive)

    def save_model(self, request: HttpRequest, obj: Contact, form: Any, change: bool) -> None:
        """Write through the services."""
        if change:
            held = Contact.objects.get(pk=obj.pk)
            services.change_contact(contact=held, document=form.document(), actor=actor(request))
        else:
            obj.pk = services.create_contact(document=form.document(), actor=actor(request)).pk
        obj.refresh_from_db()

    @admin.action(description="Erase: remove everything personal", permissions=["erase"])
    def erase(self, request: HttpRequest, queryset: QuerySet[Contact]) -> None:
        """Erase the chosen contacts."""
        chosen = list(queryset.filter(erased_at=None, merged_into=None)[:1000])
        for one in chosen:
            services.erase_contact(contact=one, actor=actor(request))
        messages.success(request, f"{len(chosen)} erased.")

    def has_erase_permission(self, request: HttpRequest) -> bool:
        """Ask for the right to delete contacts."""
        return bool(request.user.has_perm("contacts.delete_contact"))


class Deleting:
    """Deletes through a service that refuses what is in use."""

    def drop(self, obj: Any, by: Actor) -> None:
        """Delete one row through its service."""
        raise NotImplementedError

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Name what goes; that its rows go with it is the service's matter."""
        named = [str(one) for one in objs]
        return named, {"rows": len(named)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete one, or say what uses it."""
        try:
            self.drop(obj, actor(request))
        except InUse as used:
            messages.error(request, str(used))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete the chosen ones, one by one."""
        for one in queryset:
            self.delete_model(request, one)


class AttributeAdminForm(forms.ModelForm[Attribute]):
    """An attribute: what the service would refuse is refused while it is typed."""

    class Meta:
        model = Attribute
        fields = ["name", "label", "type", "personal", "hidden"]

    def clean_type(self) -> str:
        """Refuse another type while values are being converted."""
        kind: str = self.cleaned_data["type"]
        if self.instance.pk and kind != self.initial.get("type"):
            try:
                retyping.refuse_busy(self.instance)
            except Refused as refused:
                raise forms.ValidationError(refused.detail) from refused
        return kind


@admin.register(Attribute)
class AttributeAdmin(Deleting, BackOffice):
    """Attributes."""

    form = AttributeAdminForm
    list_display = ("name", "label", "type", "declared", "personal", "hidden", "joined_into", "created_at")
    list_filter = ("type", "declared", "personal", "hidden", ("joined_into", admin.EmptyFieldListFilter))
    search_fields = ("name", "label")
    fields = ("name", "label", "type", "personal", "hidden")

    def get_readonly_fields(self, request: HttpRequest, obj: Attribute | None = None) -> tuple[str, ...]:
        """Keep the name once it is there."""
        return ("name",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Attribute, form: Any, change: bool) -> None:
        """Write through the services."""
        if change:
            said = {name: form.cleaned_data[name] for name in form.changed_data}
            declaring.change_attribute(Attribute.objects.get(pk=obj.pk), actor=actor(request), **said)
        else:
            obj.pk = declaring.declare_attribute(actor=actor(request), **form.cleaned_data).pk
        obj.refresh_from_db()

    def drop(self, obj: Attribute, by: Actor) -> None:
        """Forget it."""
        declaring.delete_attribute(obj, actor=by)


class EventNameForm(forms.ModelForm[EventName]):
    """An event name: what the service would refuse is refused while it is typed."""

    class Meta:
        model = EventName
        fields = ["value_property", "hidden", "blocked"]

    def clean_value_property(self) -> str:
        """Take only a number that arrived."""
        chosen: str = self.cleaned_data["value_property"]
        try:
            promoting.refuse_unless_number(self.instance, chosen)
        except Refused as refused:
            raise forms.ValidationError(refused.detail) from refused
        return chosen


@admin.register(EventName)
class EventNameAdmin(BackOffice):
    """Event names."""

    form = EventNameForm
    list_display = ("name", "value_property", "promoting", "hidden", "blocked", "first_seen_at", "last_seen_at")
    list_filter = ("hidden", "blocked")
    search_fields = ("name",)
    fields = ("name", "value_property", "promoting", "hidden", "blocked", "properties", "first_seen_at", "last_seen_at")
    readonly_fields = ("name", "promoting", "properties", "first_seen_at", "last_seen_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: names are learned."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: events point at them; hide or block instead."""
        return False

    def save_model(self, request: HttpRequest, obj: EventName, form: Any, change: bool) -> None:
        """Write through the services."""
        said = {name: form.cleaned_data[name] for name in form.changed_data}
        declaring.change_event_name(EventName.objects.get(pk=obj.pk), actor=actor(request), **said)


@admin.register(List)
class ListAdmin(Deleting, BackOffice):
    """Lists."""

    list_display = ("name", "slug", "archived_at", "created_at")
    list_filter = (("archived_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "slug")
    fields = ("name", "slug", "color", "description")
    actions = ("archive",)

    def get_readonly_fields(self, request: HttpRequest, obj: List | None = None) -> tuple[str, ...]:
        """Keep the slug once it is there."""
        return ("slug",) if obj else ()

    def save_model(self, request: HttpRequest, obj: List, form: Any, change: bool) -> None:
        """Write through the services."""
        if change:
            said = {name: form.cleaned_data[name] for name in form.changed_data}
            services.change_list(List.objects.get(pk=obj.pk), actor=actor(request), **said)
        else:
            obj.pk = services.create_list(actor=actor(request), **form.cleaned_data).pk
        obj.refresh_from_db()

    def drop(self, obj: List, by: Actor) -> None:
        """Delete it."""
        services.delete_list(obj, actor=by)

    @admin.action(description="Archive", permissions=["change"])
    def archive(self, request: HttpRequest, queryset: QuerySet[List]) -> None:
        """Put the chosen lists away."""
        for one in queryset:
            services.archive_list(one, actor=actor(request))


@admin.register(Topic)
class TopicAdmin(Deleting, BackOffice):
    """Topics."""

    list_display = ("name", "slug", "created_at")
    search_fields = ("name", "slug")
    fields = ("name", "slug", "description")

    def get_readonly_fields(self, request: HttpRequest, obj: Topic | None = None) -> tuple[str, ...]:
        """Keep the slug once it is there."""
        return ("slug",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Topic, form: Any, change: bool) -> None:
        """Write through the service."""
        topics.save_topic(obj, actor=actor(request))

    def drop(self, obj: Topic, by: Actor) -> None:
        """Delete it."""
        topics.delete_topic(obj, actor=by)


class SuppressionForm(forms.ModelForm[Suppression]):
    """An address to be suppressed; only its digest is kept."""

    address = forms.CharField(max_length=254, help_text="Only a salted digest of it is kept.")

    class Meta:
        model = Suppression
        fields = ["channel", "reason"]

    def clean(self) -> dict[str, Any]:
        """Refuse what is no address of the channel."""
        said = super().clean() or {}
        try:
            normal_address(said.get("channel", ""), said.get("address", ""))
        except Refused as refused:
            raise forms.ValidationError(refused.detail) from refused
        return said


@admin.register(Suppression)
class SuppressionAdmin(Deleting, BackOffice):
    """Suppressions."""

    list_display = ("channel", "reason", "digest", "created_at")
    list_filter = ("channel", "reason")
    search_fields = ("digest__startswith",)
    form = SuppressionForm

    def get_fields(self, request: HttpRequest, obj: Suppression | None = None) -> tuple[str, ...]:
        """Ask for an address; of one that stands there is only its digest."""
        return ("channel", "reason", "digest", "created_at") if obj else ("channel", "address", "reason")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: it stands or it is lifted."""
        return False

    def save_model(self, request: HttpRequest, obj: Suppression, form: Any, change: bool) -> None:
        """Write through the service."""
        said = form.cleaned_data
        made = services.suppress(
            channel=said["channel"], address=said["address"], reason=said["reason"], actor=actor(request)
        )
        obj.pk = made.pk

    def drop(self, obj: Suppression, by: Actor) -> None:
        """Lift it."""
        drop_suppression(obj, actor=by)
