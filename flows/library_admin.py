"""The back office of templates that the house made of its own flows."""

from django.contrib import admin

from flows.library_models import OwnTemplate
from workspace.back_office import ReadOnly


@admin.register(OwnTemplate)
class OwnTemplateAdmin(ReadOnly):
    """Templates of one's own; they are made and deleted on the pages of flows."""

    list_display = ("name", "slug", "flow", "made_by", "made_at")
    search_fields = ("name", "slug")
    list_select_related = ("flow", "made_by")
