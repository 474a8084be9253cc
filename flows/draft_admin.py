"""The back office of what drafts remember; only looked at."""

from django.contrib import admin

from flows.draft_models import Edit
from workspace.back_office import ReadOnly


@admin.register(Edit)
class EditAdmin(ReadOnly):
    """What each person did to drafts; taken back and done again on the canvas."""

    titled = ("flow", "number", "words")
    list_display = ("flow", "number", "words", "author", "undone", "at")
    list_filter = ("undone",)
    list_select_related = ("flow", "author")
