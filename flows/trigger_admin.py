"""The back office of what triggers remember; all of it is the engine's own and only looked at."""

from django.contrib import admin

from flows.trigger_models import Hook, HookSample, Mark
from workspace.back_office import ReadOnly


@admin.register(Mark)
class MarkAdmin(ReadOnly):
    """How far the clock has come for triggers of time."""

    list_display = ("flow", "at", "next_at")
    titled = ("flow", "at")
    ordering = ("flow",)
    list_select_related = ("flow",)


@admin.register(Hook)
class HookAdmin(ReadOnly):
    """Secret addresses of flows; they are rotated on the flow's page."""

    list_display = ("flow", "turn", "created_at", "rotated_at", "former_until")
    search_fields = ("flow__name", "flow__slug")
    titled = ("flow",)
    list_select_related = ("flow",)


@admin.register(HookSample)
class HookSampleAdmin(ReadOnly):
    """The last bodies that came to such addresses."""

    list_display = ("id", "hook", "outcome", "fault", "size", "contact", "received_at")
    list_filter = ("outcome",)
    list_select_related = ("hook", "contact")
    titled = ("outcome", "contact", "received_at")
