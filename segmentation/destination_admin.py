"""The back office of destinations: looked at; paused, resumed and retried by actions."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from contacts.found_admin import OfContacts
from segmentation import destinations
from segmentation.models import Delivery, Destination, Handed, Line
from workspace.audit import Actor
from workspace.back_office import ByNumber, ReadOnly
from workspace.problems import Refused

FAILED = Delivery.objects.filter(destination=OuterRef("pk"), status=Delivery.Status.FAILED)


class GivenUp(admin.SimpleListFilter):
    """Destinations of which deliveries were given up."""

    title = "deliveries given up"
    parameter_name = "failed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        return [("yes", "Some"), ("no", "None")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Destination]) -> QuerySet[Destination]:
        """Choose."""
        chosen = {"yes": Exists(FAILED), "no": ~Exists(FAILED)}.get(self.value() or "")
        return queryset if chosen is None else queryset.filter(chosen)


@admin.register(Destination)
class DestinationAdmin(ReadOnly):
    """Destinations, with those in trouble a filter away."""

    list_display = ("name", "kind", "segment", "status", "failed", "waiting", "round", "due_at", "slow")
    list_filter = ("status", GivenUp, "kind", "slow")
    search_fields = ("name", "slug", "url")
    list_select_related = ("segment",)
    exclude = ("seed", "previous_seed", "token")
    actions = ("retry", "pause", "resume")
    around = ("segmentation.delivery",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Destination]:
        """Count what is open and what was given up along."""
        found: QuerySet[Destination] = super().get_queryset(request)
        return found.annotate(
            failed_now=Count("deliveries", filter=Q(deliveries__status="failed")),
            waiting_now=Count("deliveries", filter=Q(deliveries__status__in=("queued", "calling"))),
        )

    def has_handle_permission(self, request: HttpRequest) -> bool:
        """Tell who may handle destinations though nobody edits them here."""
        return request.user.has_perm("segmentation.change_destination")

    @admin.display(description="Given up")
    def failed(self, held: Any) -> int:
        """Return how many deliveries were given up."""
        return int(held.failed_now)

    @admin.display(description="Waiting")
    def waiting(self, held: Any) -> int:
        """Return how many deliveries wait."""
        return int(held.waiting_now)

    @admin.action(description="Retry what waits or was given up", permissions=["handle"])
    def retry(self, request: HttpRequest, chosen: QuerySet[Destination]) -> None:
        """Try again now."""
        self.do(request, chosen, destinations.retry, "tried again")

    @admin.action(description="Pause", permissions=["handle"])
    def pause(self, request: HttpRequest, chosen: QuerySet[Destination]) -> None:
        """Hold them."""
        self.do(request, chosen, destinations.pause_destination, "paused")

    @admin.action(description="Resume", permissions=["handle"])
    def resume(self, request: HttpRequest, chosen: QuerySet[Destination]) -> None:
        """Go on."""
        self.do(request, chosen, destinations.resume_destination, "going on")

    def do(self, request: HttpRequest, chosen: QuerySet[Destination], verb: Any, outcome: str) -> None:
        """Do one thing to each, and say how many it was done to."""
        done = 0
        for held in Destination.objects.filter(pk__in=[one.pk for one in chosen]):
            try:
                verb(held, actor=Actor.of(user=request.user))
                done += 1
            except Refused as refused:
                self.message_user(request, f"{held.name}: {refused.detail}", messages.WARNING)
        self.message_user(request, f"{done} destinations {outcome}.")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    """What was sent, and what became of it."""

    list_display = ("key", "destination", "kind", "status", "code", "attempts", "size", "due_at", "settled_at", "ms")
    list_filter = ("status", "kind")
    search_fields = ("key__startswith",)
    list_select_related = ("destination",)
    around = ("segmentation.line",)
    actions = ("retry", "cancel")

    def has_handle_permission(self, request: HttpRequest) -> bool:
        """Tell who may handle deliveries though nobody edits them here."""
        return request.user.has_perm("segmentation.change_destination")

    @admin.action(description="Retry the chosen deliveries", permissions=["handle"])
    def retry(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> None:
        """Try again now what failed or waits."""
        self.do(request, chosen, destinations.retry, "tried again")

    @admin.action(description="Drop the chosen deliveries that wait", permissions=["handle"])
    def cancel(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> None:
        """Drop what is queued."""
        self.do(request, chosen, destinations.cancel, "dropped")

    def do(self, request: HttpRequest, chosen: QuerySet[Delivery], verb: Any, outcome: str) -> None:
        """Do one thing to the chosen deliveries of each destination, and say how many it was done to."""
        keys = list(chosen.values_list("destination_id", "pk"))
        done, actor = 0, Actor.of(user=request.user)
        for held in Destination.objects.filter(pk__in={one for one, _ in keys}):
            try:
                done += verb(held, [pk for one, pk in keys if one == held.pk], actor=actor)
            except Refused as refused:
                self.message_user(request, f"{held.name}: {refused.detail}", messages.WARNING)
        self.message_user(request, f"{done} deliver{'y' if done == 1 else 'ies'} {outcome}.")


@admin.register(Line)
class LineAdmin(ByNumber):
    """Which transition was taken up in which round."""

    list_display = ("id", "destination_id", "round", "transition_id", "delivery_id")
    list_select_related = False
    search_fields = ("delivery__id",)
    search_help_text = "The number of a delivery."
    numbered = "delivery_id"
    prefix = "dlv_"


@admin.register(Handed)
class HandedAdmin(OfContacts):
    """Contacts whom flows handed to destinations."""

    list_display = ("id", "destination", "flow", "node", "contact", "at")
    list_filter = ("destination",)
    list_select_related = ("destination", "contact")
    titled = ("contact", "destination", "at")
