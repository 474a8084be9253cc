"""The back office of what the house writes about segments: looked at, and evaluations stopped."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from contacts.found_admin import OfContacts
from segmentation import services
from segmentation.models import Evaluation, Membership, Owed, Segment, SegmentRule, Tally, Transition
from segmentation.sentences import in_words
from workspace.audit import Actor
from workspace.back_office import ReadOnly

LONGEST = 160  # characters of a rule in words that a list shows


@admin.register(SegmentRule)
class SegmentRuleAdmin(ReadOnly):
    """Revisions of criteria, which never change."""

    list_display = ("id", "in_words", "short", "clock", "created_at")
    list_filter = ("clock",)
    search_fields = ("digest__startswith",)
    search_help_text = "The beginning of a digest."

    @admin.display(description="In words")
    def in_words(self, rule: SegmentRule) -> str:
        """Return the criteria in words."""
        said = in_words(rule)
        return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"

    @admin.display(description="Digest")
    def short(self, rule: SegmentRule) -> str:
        """Return as much of the digest as the record keeps."""
        return rule.digest[:12]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Say it in words first."""
        return ["in_words", *super().get_fields(request, obj)]


@admin.register(Membership)
class MembershipAdmin(OfContacts):
    """Who is in what, in the order of the key."""

    list_display = ("segment", "contact", "since", "seq")
    list_display_links = None
    list_filter = ("segment",)
    list_select_related = ("segment", "contact")
    ordering = ("segment_id", "contact_id")  # the key in SQL; there is no index on id
    titled = ("contact", "segment")


@admin.register(Transition)
class TransitionAdmin(OfContacts):
    """Who came and who went."""

    list_display = ("at", "segment", "contact", "kind", "cause", "inner_cause", "fires", "seq")
    list_filter = ("kind", "cause", "segment")
    list_select_related = ("segment", "contact")
    titled = ("contact", "kind", "segment", "at")


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnly):
    """Looks at segments."""

    list_display = ("at", "segment", "cause", "full", "status", "looks", "size", "entered", "exited", "ms", "error")
    list_filter = ("status", "cause", "full", "segment")
    titled = ("segment", "cause", "at")
    list_select_related = ("segment",)
    actions = ("cancel",)

    def has_handle_permission(self, request: HttpRequest) -> bool:
        """Tell who may stop evaluations though nobody edits them here."""
        return request.user.has_perm("segmentation.change_segment")

    @admin.action(description="Stop the chosen evaluations that run", permissions=["handle"])
    def cancel(self, request: HttpRequest, chosen: QuerySet[Evaluation]) -> None:
        """Stop the running ones; what they would have changed stays as it was."""
        running = chosen.filter(status=Evaluation.Status.RUNNING, full=True).values("segment")
        actor = Actor.of(user=request.user)
        stopped = sum(services.cancel_evaluation(one, actor=actor) for one in Segment.objects.filter(pk__in=running))
        self.message_user(request, f"{stopped} evaluation{'' if stopped == 1 else 's'} stopped.")


@admin.register(Owed)
class OwedAdmin(OfContacts):
    """Contacts that a segment must still look at."""

    list_display = ("segment", "contact", "cause", "fires", "at")
    list_filter = ("segment",)
    list_select_related = ("segment", "contact")
    titled = ("contact", "segment")


@admin.register(Tally)
class TallyAdmin(ReadOnly):
    """Who came and went by minute."""

    list_display = ("minute", "segment", "entered", "exited")
    titled = ("segment", "minute")
    list_filter = ("segment",)
    list_select_related = ("segment",)
