"""The back office of flows: everything to look at, and the few verbs that services offer."""

from collections.abc import Callable, Sequence
from functools import reduce
from operator import or_
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.forms import ActionForm

from contacts.found_admin import OfContacts
from flows import approving, rule_admin, services, standstill, standstill_pages, sweeping
from flows import draft_admin as draft_admin  # registers itself
from flows import library_admin as library_admin  # registers itself
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
from workspace import clock
from workspace.audit import Actor
from workspace.back_office import ReadOnly
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


def _sweep(request: HttpRequest, verb: str, chosen: QuerySet[Enrollment]) -> None:
    """Do one verb to the chosen journeys, and say what came of it."""
    to = request.POST.get("to", "").replace("\x00", "") if verb == "move" else ""
    ids = list(chosen.values_list("pk", flat=True)[: sweeping.MOST_NAMED])
    try:
        standstill_pages.tell(request, verb, sweeping.sweep(verb, actor=Actor.of(user=request.user), to=to, ids=ids))
    except Refused as error:
        messages.warning(request, error.detail)


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

    list_display = ("flow", "number", "published_by", "published_at")
    search_fields = ("flow__name", "flow__slug")
    titled = ("flow", "number")
    around = ("flows.enrollment", "flows.watch")
    list_select_related = ("flow", "published_by")


@admin.register(Watch)
class WatchAdmin(ReadOnly):
    """What versions ask."""

    list_display = ("of", "version", "purpose", "node", "name", "rule")
    list_filter = ("purpose",)
    search_fields = ("version__flow__name", "version__flow__slug")
    list_select_related = ("version__flow", "rule")
    titled = ("version", "purpose", "node", "rule")

    @admin.display(description="Flow")
    def of(self, watch: Watch) -> str:
        """Return the flow's name."""
        return str(watch.version.flow)


@admin.register(Entry)
class EntryAdmin(OfContacts):
    """Decisions about reasons to start."""

    list_display = ("id", "flow", "contact", "source_kind", "outcome", "reason", "at")
    list_filter = ("outcome", "source_kind")
    list_select_related = ("flow", "contact")
    titled = ("contact", "flow", "outcome", "at")


@admin.register(Reentry)
class ReentryAdmin(OfContacts):
    """Contacts who are asked again when the gap of a flow has passed."""

    list_display = ("id", "flow", "contact", "source_kind", "due_at")
    list_filter = ("source_kind",)
    list_select_related = ("flow", "contact")
    titled = ("contact", "flow", "due_at")


class Stuck(admin.SimpleListFilter):
    """Chooses journeys by the way in which they stand still."""

    title = "overdue or stuck"
    parameter_name = "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer all ways."""
        return [("any", "Any"), *((name, kind.label) for name, kind in standstill.KINDS.items())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Enrollment]) -> QuerySet[Enrollment]:
        """Choose them."""
        if self.value() not in ("any", *standstill.KINDS):
            return queryset
        sets = standstill.found(standstill.Wanted(self.value() or ""), clock.now())
        return queryset.filter(reduce(or_, (Q(pk__in=one.values("pk")) for one in sets)))


class Moving(ActionForm):  # type: ignore[misc] # unfold ships no types
    """Where those who are moved go."""

    to = forms.CharField(
        required=False,
        max_length=63,
        label="Node to move to",
        widget=forms.TextInput(attrs={"placeholder": "Node (to move)", "aria-label": "Node to move to"}),
    )


@admin.register(Enrollment)
class EnrollmentAdmin(OfContacts):
    """Contacts on their way."""

    list_display = ("id", "flow", "contact", "status", "node", "due_at", "parked", "attempts", "entered_at")
    list_filter = ("status", Stuck)
    numbered = "enr_"
    search_help_text = "A contact's name, email, phone, user id or number (con_42), or enr_12."
    list_select_related = ("flow", "contact")
    actions = ("take_out", "retry", "skip", "move", "approve", "refuse")
    action_form = Moving
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
        _sweep(request, "exit", chosen)

    @admin.action(description="Try again", permissions=["run"])
    def retry(self, request: HttpRequest, chosen: QuerySet[Enrollment]) -> None:
        """Try failed steps again."""
        _sweep(request, "retry", chosen)

    @admin.action(description="Go past the step that failed", permissions=["run"])
    def skip(self, request: HttpRequest, chosen: QuerySet[Enrollment]) -> None:
        """Leave the failed step of the chosen journeys out."""
        _sweep(request, "skip", chosen)

    @admin.action(description="Move to the node named beside", permissions=["run"])
    def move(self, request: HttpRequest, chosen: QuerySet[Enrollment]) -> None:
        """Put the chosen at another node of their version."""
        _sweep(request, "move", chosen)

    def has_run_permission(self, request: HttpRequest) -> bool:
        """Tell who may act on people in flows."""
        return request.user.has_perm("flows.run_flow")


@admin.register(Step)
class StepAdmin(OfContacts):
    """Nodes passed."""

    titled = ("contact", "flow", "node", "at")
    list_display = ("id", "enrollment", "flow", "contact", "visit", "kind", "node", "port", "next", "at")
    list_filter = ("kind",)
    list_select_related = ("enrollment", "flow", "contact")
    sortable_by = ()


@admin.register(Conversion)
class ConversionAdmin(OfContacts):
    """Successes of flows, with their money."""

    list_display = ("id", "flow", "contact", "value", "at")
    titled = ("contact", "flow", "at")
    list_select_related = ("flow", "contact")
    list_filter = ("flow",)


@admin.register(Tally)
class TallyAdmin(ReadOnly):
    """Counts as deltas."""

    list_display = ("flow", "node", "port", "what", "minute", "count")
    titled = ("flow", "what", "node", "minute")
    list_filter = ("what",)
    list_select_related = ("flow",)


@admin.register(Broadcast)
class BroadcastAdmin(ReadOnly):
    """Messages to an audience."""

    list_display = ("name", "status", "send_at", "created_at")
    list_filter = ("status",)
    search_fields = ("name", "slug")


__all__ = ["rule_admin"]
