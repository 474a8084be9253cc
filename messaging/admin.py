"""The back office of messaging: words change through the services; messages are looked at and handled, never edited."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from contacts.addresses import BadAddress, normal_email
from contacts.found_admin import OfContacts
from messaging import by_hand, naming, templating
from messaging.models import CaughtMail, Link, Message, Sender, Stream, Template, TemplateVersion
from workspace.audit import Actor
from workspace.back_office import BackOffice, ReadOnly
from workspace.problems import Refused
from workspace.uses import InUse

WORDS = ("name", "subject", "preheader", "body", "topic", "transactional")


def _each(
    request: HttpRequest,
    office: admin.ModelAdmin[Any],
    rows: QuerySet[Any],
    work: Callable[[Any, Actor], Any],
    done: str,
) -> None:
    """Do the same to each chosen row through its service, and say what came of it."""
    if not office.has_change_permission(request) and not request.user.has_perm("messaging.change_message"):
        raise PermissionDenied
    good, bad = 0, []
    for row in rows:
        try:
            work(row, Actor.of(user=request.user))
            good += 1
        except (Refused, InUse) as error:
            bad.append(f"{row}: {error}")
    if good:
        messages.success(request, f"{good} {done}.")
    for words in bad[:5]:
        messages.error(request, words)


@admin.register(Template)
class TemplateAdmin(BackOffice):
    """Templates."""

    list_display = ("name", "slug", "channel", "topic", "transactional", "published", "updated_at", "archived_at")
    list_filter = ("transactional", "topic", ("archived_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "slug", "subject")
    list_select_related = ("topic", "version")
    readonly_fields = ("slug", "channel", "version", "archived_at", "created_at", "updated_at", "page")
    actions = ("publish", "archive", "duplicate")

    @admin.display(description="Version")
    def published(self, template: Template) -> str:
        """Return the number of the published version."""
        return f"v{template.version.number}" if template.version else "–"

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Ask for what is one line in one line."""
        if db_field.name in ("subject", "preheader"):
            kwargs["widget"] = UnfoldAdminTextInputWidget
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the words first; a new one has nothing else."""
        return WORDS if obj is None else (*WORDS, *self.readonly_fields)

    @admin.display(description="Preview")
    def page(self, template: Template) -> SafeString:
        """Link to the page with the preview."""
        return format_html('<a href="{}">Edit with a preview</a>', reverse("template", args=[template.pk]))

    def save_model(self, request: HttpRequest, obj: Template, form: forms.ModelForm[Template], change: bool) -> None:
        """Write through the services."""
        actor = Actor.of(user=request.user)
        said = {name: form.cleaned_data[name] for name in WORDS if name in form.cleaned_data}
        made = (
            templating.change_template(Template.objects.get(pk=obj.pk), actor=actor, **said)
            if change
            else templating.create_template(actor=actor, **said)
        )
        obj.pk, obj.slug = made.pk, made.slug

    def delete_model(self, request: HttpRequest, obj: Template) -> None:
        """Delete through the service, which refuses what is used."""
        _each(request, self, Template.objects.filter(pk=obj.pk), _delete_template, "deleted")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Template]) -> None:
        """Delete through the service, one by one."""
        _each(request, self, queryset, _delete_template, "deleted")

    @admin.action(description="Publish", permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Template]) -> None:
        """Freeze the words as a version."""
        _each(request, self, queryset, lambda one, actor: templating.publish_template(one, actor=actor), "published")

    @admin.action(description="Archive", permissions=["change"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Template]) -> None:
        """Take out of sight."""
        _each(request, self, queryset, lambda one, actor: templating.archive_template(one, actor=actor), "archived")

    @admin.action(description="Make a copy", permissions=["add"])
    def duplicate(self, request: HttpRequest, queryset: QuerySet[Template]) -> None:
        """Copy, unpublished."""
        _each(request, self, queryset, lambda one, actor: templating.duplicate_template(one, actor=actor), "copied")


def _delete_template(template: Template, actor: Actor) -> None:
    templating.delete_template(template, actor=actor)


@admin.register(TemplateVersion)
class TemplateVersionAdmin(ReadOnly):
    """Published versions: never change."""

    list_display = ("template", "number", "subject", "transactional", "topic", "published_at")
    titled = ("template", "number")
    search_fields = ("template__name", "template__slug", "subject")
    list_select_related = ("template",)


class SenderForm(forms.ModelForm[Sender]):
    """A sender, its addresses checked."""

    class Meta:
        model = Sender
        fields = ("name", "slug", "address", "display_name", "reply_to", "is_default")

    def clean_address(self) -> str:
        """Refuse what cannot be written from."""
        return _checked(self.cleaned_data["address"])

    def clean_reply_to(self) -> str:
        """Refuse what cannot be written to."""
        return _checked(self.cleaned_data["reply_to"]) if self.cleaned_data["reply_to"] else ""

    def validate_constraints(self) -> None:
        """Leave the one default to the service, which takes it from the other."""


def _checked(value: str) -> str:
    try:
        return normal_email(value)
    except BadAddress as error:
        raise forms.ValidationError(str(error)) from error


@admin.register(Sender)
class SenderAdmin(BackOffice):
    """Senders."""

    form = SenderForm
    list_display = ("name", "slug", "address", "display_name", "is_default")
    search_fields = ("name", "slug", "address")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A slug never changes."""
        return ("slug",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Sender, form: forms.ModelForm[Sender], change: bool) -> None:
        """Write through the services."""
        actor, said = Actor.of(user=request.user), dict(form.cleaned_data)
        if change:
            naming.change_sender(Sender.objects.get(pk=obj.pk), actor=actor, **said)
        else:
            obj.pk = naming.create_sender(actor=actor, **said).pk

    def delete_model(self, request: HttpRequest, obj: Sender) -> None:
        """Delete through the service."""
        rows = Sender.objects.filter(pk=obj.pk)
        _each(request, self, rows, lambda one, actor: naming.delete_sender(one, actor=actor), "deleted")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Sender]) -> None:
        """Delete through the service, one by one."""
        _each(request, self, queryset, lambda one, actor: naming.delete_sender(one, actor=actor), "deleted")


@admin.register(Message)
class MessageAdmin(OfContacts):
    """Messages: looked at; held, released, retried and called off by actions."""

    list_display = ("key", "contact", "channel", "klass", "stream", "status", "gate", "due_at", "settled_at")
    list_filter = ("status", "channel", "klass", "gate")
    search_help_text = "A contact's name, email, phone, user id or number (con_42), or the beginning of a key (e:12)."
    titled = ("contact", "channel", "status", "due_at")
    list_select_related = ("contact", "stream")
    actions = ("hold", "release", "retry", "cancel")
    around = ("messaging.link",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        """Find messages of contacts, or by their keys."""
        words = search_term.strip()
        if ":" in words:
            return queryset.filter(key__startswith=words.replace("\x00", "")), False
        found: tuple[QuerySet[Message], bool] = super().get_search_results(request, queryset, search_term)
        return found

    def has_handle_permission(self, request: HttpRequest) -> bool:
        """Tell who may handle messages though nobody edits them."""
        return request.user.has_perm("messaging.change_message")

    @admin.action(description="Hold", permissions=["handle"])
    def hold(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Keep until released."""
        _each(request, self, queryset[:1000], lambda one, actor: by_hand.hold_message(one, actor=actor), "held")

    @admin.action(description="Release", permissions=["handle"])
    def release(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Let go."""
        _each(request, self, queryset[:1000], lambda one, actor: by_hand.release_message(one, actor=actor), "released")

    @admin.action(description="Send again (unknown and failed ones; may arrive twice)", permissions=["handle"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Send again with the same key."""
        _each(request, self, queryset[:1000], lambda one, actor: by_hand.retry_message(one, actor=actor), "queued")

    @admin.action(description="Call off", permissions=["handle"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Refuse what has not gone."""
        _each(request, self, queryset[:1000], lambda one, actor: by_hand.cancel_message(one, actor=actor), "called off")


@admin.register(Stream)
class StreamAdmin(ReadOnly):
    """Where messages come from: flows open, hold and close these."""

    list_display = ("kind", "slug", "state")
    list_filter = ("kind", "state")
    search_fields = ("slug",)


@admin.register(Link)
class LinkAdmin(ReadOnly):
    """Targets in messages."""

    list_display = ("url", "message", "token")
    titled = ("url",)
    list_select_related = ("message",)


@admin.register(CaughtMail)
class CaughtMailAdmin(ReadOnly):
    """Mail that the catcher kept."""

    list_display = ("subject", "recipient", "sender", "received_at")
    search_fields = ("recipient", "subject")
    exclude = ("raw",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CaughtMail]:
        """Leave the mails themselves where they are."""
        return super().get_queryset(request).defer("raw")  # type: ignore[no-any-return]
