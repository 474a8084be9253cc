"""The back office of the house's own rows."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import CharField, ModelForm, TextInput
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.forms import ActionForm

from workspace import audit, reviews
from workspace.back_office import BackOffice, ReadOnly, pretty
from workspace.keys import make_key, revoke_key
from workspace.models import Answer, Audit, Job, Key, Notice, Review, ReviewNote, Tick, Use, Workspace
from workspace.problems import Refused
from workspace.uses import InUse

LONGEST = 50
NOTE_CLASS = "bg-white/20 rounded-default px-2 py-1 text-white w-72"


@admin.register(Workspace)
class WorkspaceAdmin(BackOffice):
    """The one row of rules."""

    list_display = ("name", "timezone", "currency", "sending_held")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Say no: there is one."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: there is always one."""
        return False

    def save_model(self, request: HttpRequest, obj: Workspace, form: ModelForm[Workspace], change: bool) -> None:
        """Store the rules and record who changed them."""
        super().save_model(request, obj, form, change)
        audit.record(audit.Actor.of(user=request.user), "workspace.changed", "workspace", changed=form.changed_data)


@admin.register(Key)
class KeyAdmin(BackOffice):
    """Keys: the secret is shown once, when made."""

    list_display = ("name", "prefix", "scope", "public", "created_at", "last_used_at", "expires_at", "revoked_at")
    list_filter = ("scope", "public")
    search_fields = ("name", "prefix")
    fields = ("name", "scope", "public", "expires_at")
    actions = ("revoke",)

    def get_readonly_fields(self, request: HttpRequest, obj: Key | None = None) -> tuple[str, ...]:
        """A key's scope never changes once it is made."""
        return ("scope", "public") if obj else ()

    def save_model(self, request: HttpRequest, obj: Key, form: ModelForm[Key], change: bool) -> None:
        """Make the key through the service, and show its secret this once."""
        actor = audit.Actor.of(user=request.user)
        if change:
            super().save_model(request, obj, form, change)
            audit.record(actor, "key.changed", f"key_{obj.pk}", changed=form.changed_data)
            return
        key, secret = make_key(
            name=obj.name, scope=obj.scope, public=obj.public, expires_at=obj.expires_at, actor=actor
        )
        obj.pk = key.pk
        messages.success(request, f"Copy the secret now, it is never shown again: {secret}")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: keys are revoked, and stay for the record."""
        return False

    @admin.action(description="Revoke the chosen keys")
    def revoke(self, request: HttpRequest, chosen: QuerySet[Key]) -> None:
        """Close the chosen keys at once."""
        for key in chosen:
            revoke_key(key, actor=audit.Actor.of(user=request.user))
        self.message_user(request, "The chosen keys are revoked.")


@admin.register(Audit)
class AuditAdmin(ReadOnly):
    """Who did what."""

    list_display = ("at", "actor", "key", "verb", "subject")
    search_fields = ("subject", "verb")
    list_select_related = ("actor", "key")
    titled = ("verb", "subject", "at")


@admin.register(Tick)
class TickAdmin(ReadOnly):
    """Which slots of which job were worked."""

    list_display = ("job", "slot", "at")
    list_filter = ("job",)


@admin.register(Job)
class JobAdmin(ReadOnly):
    """Long work."""

    list_display = ("kind", "status", "done", "total", "actor", "created_at", "ended_at")
    list_filter = ("kind", "status")
    list_select_related = ("actor",)
    titled = ("kind", "status", "created_at")
    fields = (
        *("kind", "status", "asked", "done", "total", "cancel_requested", "result", "error"),
        *("actor", "created_at", "seen_at", "ended_at"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        """Leave what was asked where it is: it may be a whole file."""
        return super().get_queryset(request).defer("request", "result")  # type: ignore[no-any-return]

    @admin.display(description="Asked for")
    def asked(self, job: Job) -> SafeString | str:
        """Show what was asked; of a file only how many rows it has, for they are people."""
        said = job.request if isinstance(job.request, dict) else {}
        return pretty({name: _short(name, value) for name, value in said.items()})


def _short(name: str, value: Any) -> Any:
    long = isinstance(value, list) and (name == "rows" or len(value) > LONGEST)
    return f"{len(value):,} of them" if long else value


class ReviewActions(ActionForm):  # type: ignore[misc] # unfold ships no types
    """What is done to the chosen reviews, and what is said with it."""

    note = CharField(
        label="",
        required=False,
        max_length=5000,
        widget=TextInput(
            attrs={"placeholder": "Note, such as what is missing", "aria-label": "Note", "class": NOTE_CLASS}
        ),
    )


@admin.register(Review)
class ReviewAdmin(ReadOnly):
    """Changes that wait for another person."""

    list_display = (
        *("__str__", "verb", "subject", "status", "round", "requested_by", "requested_key"),
        *("changed_by", "reviewed_by", "created_at"),
    )
    list_filter = ("status", "kind", "verb")
    list_select_related = (
        *("requested_by", "requested_key", "changed_by", "changed_key", "reviewed_by", "reviewed_key"),
    )
    search_fields = ("title", "subject", "words")
    around = ("workspace.reviewnote",)
    actions = ("approve", "send_back")
    action_form = ReviewActions

    def has_review_permission(self, request: HttpRequest) -> bool:
        """Say whether somebody may decide."""
        return request.user.has_perm("workspace.change_review")

    @admin.action(description="Approve and apply the chosen reviews", permissions=["review"])
    def approve(self, request: HttpRequest, chosen: QuerySet[Review]) -> None:
        """Approve each that somebody else asked for and that stands as it was asked for."""
        self.decide(request, chosen, reviews.approve, "approved and applied", note=request.POST.get("note", "").strip())

    @admin.action(description="Send the chosen reviews back", permissions=["review"])
    def send_back(self, request: HttpRequest, chosen: QuerySet[Review]) -> None:
        """Send each back with the note written beside the action."""
        note = request.POST.get("note", "").strip()
        if not note:
            self.message_user(request, "Say in a note what is missing, then send them back.", messages.WARNING)
            return
        self.decide(request, chosen, reviews.send_back, "sent back", note=note)

    def decide(self, request: HttpRequest, chosen: QuerySet[Review], verb: Any, outcome: str, **how: Any) -> None:
        """Do one thing to each through the services, and say what came of it."""
        done = 0
        for review in chosen:
            try:
                verb(review, actor=audit.Actor.of(user=request.user), **how)
                done += 1
            except (Refused, InUse) as refused:
                self.message_user(request, f"{review.ref}: {refused}", messages.WARNING)
        self.message_user(request, f"{done} reviews {outcome}.")


@admin.register(ReviewNote)
class ReviewNoteAdmin(ReadOnly):
    """The steps of reviews, which are only ever added to."""

    list_display = ("at", "review", "step", "round", "actor", "key", "text")
    titled = ("review", "step", "at")
    list_filter = ("step",)
    list_select_related = ("review", "actor", "key")


@admin.register(Use)
class UseAdmin(ReadOnly):
    """What is used by what."""

    list_display = ("user", "used")
    search_fields = ("user", "used")


@admin.register(Answer)
class AnswerAdmin(ReadOnly):
    """Answers kept for Idempotency-Key."""

    list_display = ("idempotency_key", "key", "status", "created_at")
    search_fields = ("idempotency_key__startswith",)
    list_select_related = ("key",)


@admin.register(Notice)
class NoticeAdmin(ReadOnly):
    """What staff were told."""

    list_display = ("title", "kind", "subject", "count", "at", "mailed_at", "settled_at")
    list_filter = ("kind", ("settled_at", admin.EmptyFieldListFilter))
    search_fields = ("title", "subject")
