"""The back office of flows: everything to look at, and the few verbs that services offer."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from flows import approving, rule_admin, services
from flows import trigger_admin as trigger_admin  # registers itself
from flows.models import (
    Broadcast,
    Conversion,
    Edge,
    Enrollment,
    Entry,
    Flow,
    Node,
    Reentry,
    Step,
    Tally,
    Version,
    Watch,
)
from workspace.audit import Actor
from workspace.back_office import BackOffice, ReadOnly
from workspace.problems import Refused


def tried(request: HttpRequest, chosen: Sequence[Any], verb: Callable[[Any], Any], done: str) -> None:
    """Do a verb to each of the chosen, and say how many went well and why others did not."""
    well = 0
    for one in chosen:
        try:
            verb(one)
            well += 1
        except Refused as error:
            messages.warning(request, f"{one}: {error.detail}")
    if well:
        messages.success(request, f"{well} {done}.")


@admin.register(Flow)
class FlowAdmin(ReadOnly):
    """Flows; they are drawn on the canvas."""

    list_display = ("name", "slug", "status", "revision", "owner", "activated_at", "updated_at")
    list_filter = ("status",)
    search_fields = ("name", "slug")
    list_select_related = ("owner",)
    actions = ("pause", "drain")
    around = (
        "flows.version",
        "flows.node",
        "flows.edge",
        "flows.entry",
        "flows.enrollment",
        "flows.step",
        "flows.tally",
    )

    @admin.action(description="Pause (hold the clock)", permissions=["run"])
    def pause(self, request: HttpRequest, chosen: QuerySet[Flow]) -> None:
        """Pause the chosen flows."""
        actor = Actor.of(user=request.user)
        tried(request, list(chosen), lambda one: services.pause(one, mode="hold_clock", actor=actor), "paused")

    @admin.action(description="Drain", permissions=["run"])
    def drain(self, request: HttpRequest, chosen: QuerySet[Flow]) -> None:
        """Drain the chosen flows."""
        actor = Actor.of(user=request.user)
        tried(request, list(chosen), lambda one: services.drain(one, actor=actor), "draining")

    def has_run_permission(self, request: HttpRequest) -> bool:
        """Tell who may run flows."""
        return request.user.has_perm("flows.run_flow")


@admin.register(Node)
class NodeAdmin(ReadOnly):
    """Nodes of drafts."""

    list_display = ("key", "kind", "name", "flow")
    list_filter = ("kind",)
    search_fields = ("key", "name")
    list_select_related = ("flow",)


@admin.register(Edge)
class EdgeAdmin(ReadOnly):
    """Edges of drafts."""

    list_display = ("flow", "source", "port", "target")
    list_select_related = ("flow",)


@admin.register(Version)
class VersionAdmin(ReadOnly):
    """Published flows."""

    list_display = ("__str__", "flow", "number", "published_by", "published_at")
    around = ("flows.enrollment", "flows.watch")
    list_select_related = ("flow", "published_by")


@admin.register(Watch)
class WatchAdmin(ReadOnly):
    """What versions ask."""

    list_display = ("version", "purpose", "node", "name", "rule")
    list_filter = ("purpose",)
    list_select_related = ("version", "rule")


@admin.register(Entry)
class EntryAdmin(ReadOnly):
    """Decisions about reasons to start."""

    list_display = ("id", "flow", "contact", "source_kind", "outcome", "reason", "at")
    list_filter = ("outcome", "source_kind")
    list_select_related = ("flow", "contact")


@admin.register(Reentry)
class ReentryAdmin(ReadOnly):
    """Contacts who are asked again when the gap of a flow has passed."""

    list_display = ("id", "flow", "contact", "source_kind", "due_at")
    list_filter = ("source_kind",)
    list_select_related = ("flow", "contact")


@admin.register(Enrollment)
class EnrollmentAdmin(ReadOnly):
    """Contacts on their way."""

    list_display = ("id", "flow", "contact", "status", "node", "due_at", "parked", "attempts", "entered_at")
    list_filter = ("status",)
    search_fields = ("=contact__email", "=contact__user_id", "=id")
    list_select_related = ("flow", "contact")
    actions = ("take_out", "retry", "skip", "approve", "refuse")
    around = ("flows.step",)
    sortable_by = ()

    @admin.action(description="Approve (those who wait for it)", permissions=["run"])
    def approve(self, request: HttpRequest, chosen: QuerySet[Enrollment]) -> None:
        """Let the chosen go on."""
        actor = Actor.of(user=request.user)
        tried(request, list(chosen), lambda one: approving.decide([one.pk], approved=True, actor=actor), "approved")

    @admin.action(description="Refuse (those who wait for approval)", permissions=["run"])
    def refuse(self, request: HttpRequest, chosen: QuerySet[Enrollment]) -> None:
        """Let the chosen take the other way."""
        actor = Actor.of(user=request.user)
        tried(request, list(chosen), lambda one: approving.decide([one.pk], approved=False, actor=actor), "refused")

    @admin.action(description="Take out of the flow", permissions=["run"])
    def take_out(self, request: HttpRequest, chosen: QuerySet[Enrollment]) -> None:
        """End the chosen journeys."""
        actor = Actor.of(user=request.user)
        tried(request, list(chosen), lambda one: services.exit_enrollments([one.pk], actor=actor), "taken out")

    @admin.action(description="Try again", permissions=["run"])
    def retry(self, request: HttpRequest, chosen: QuerySet[Enrollment]) -> None:
        """Try failed steps again."""
        actor = Actor.of(user=request.user)
        tried(request, list(chosen), lambda one: services.retry_enrollments([one.pk], actor=actor), "tried again")

    @admin.action(description="Go past the step that failed", permissions=["run"])
    def skip(self, request: HttpRequest, chosen: QuerySet[Enrollment]) -> None:
        """Leave the failed step of the chosen journeys out."""
        actor = Actor.of(user=request.user)
        tried(request, list(chosen), lambda one: services.skip_enrollments([one.pk], actor=actor), "went on")

    def has_run_permission(self, request: HttpRequest) -> bool:
        """Tell who may act on people in flows."""
        return request.user.has_perm("flows.run_flow")


@admin.register(Step)
class StepAdmin(ReadOnly):
    """Nodes passed."""

    list_display = ("id", "enrollment", "flow", "contact", "visit", "kind", "node", "port", "next", "at")
    list_filter = ("kind",)
    list_select_related = ("enrollment", "flow", "contact")
    sortable_by = ()


@admin.register(Conversion)
class ConversionAdmin(ReadOnly):
    """Successes of flows, with their money."""

    list_display = ("id", "flow", "contact", "value", "at")
    list_select_related = ("flow", "contact")
    list_filter = ("flow",)


@admin.register(Tally)
class TallyAdmin(ReadOnly):
    """Counts as deltas."""

    list_display = ("flow", "node", "port", "what", "minute", "count")
    list_filter = ("what",)
    list_select_related = ("flow",)


@admin.register(Broadcast)
class BroadcastAdmin(BackOffice):
    """Messages to an audience."""

    list_display = ("name", "status", "send_at", "created_at")
    list_filter = ("status",)
    search_fields = ("name", "slug")


__all__ = ["rule_admin"]
