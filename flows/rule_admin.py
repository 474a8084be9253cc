"""The back office of what rules remember."""

from django.contrib import admin

from contacts.found_admin import OfContacts
from flows.rule_models import InHand, Promotion, Suspect, Trial, Turn
from workspace.back_office import ReadOnly


@admin.register(Turn)
class TurnAdmin(ReadOnly):
    """Places in the queues of rate limits."""

    list_display = ("id", "flow", "node", "enrollment", "most", "seconds", "passed_at")
    list_select_related = ("flow", "enrollment")
    titled = ("flow", "node", "enrollment")
    sortable_by = ()


@admin.register(Trial)
class TrialAdmin(OfContacts):
    """Who took which branch of an A/B test."""

    list_display = ("id", "flow", "node", "contact", "port", "at", "until", "won_at")
    list_select_related = ("flow", "contact")
    titled = ("contact", "flow", "node", "port")
    sortable_by = ()


@admin.register(Promotion)
class PromotionAdmin(ReadOnly):
    """Branches that take all new arrivals."""

    list_display = ("flow", "node", "port", "how", "by", "at")
    list_filter = ("how",)
    list_select_related = ("flow", "by")
    titled = ("flow", "node", "port")


@admin.register(InHand)
class InHandAdmin(ReadOnly):
    """Batches that workers have begun."""

    list_display = ("id", "at", "backend")
    titled = ("at", "backend")


@admin.register(Suspect)
class SuspectAdmin(ReadOnly):
    """Enrollments over which workers died."""

    list_display = ("enrollment", "visit", "crashes")
    ordering = ("enrollment",)
    list_select_related = ("enrollment",)
