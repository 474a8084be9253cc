"""The lowest floor: the house's rules, keys, clock and record."""

from django.apps import AppConfig


class WorkspaceConfig(AppConfig):
    """Who may come in, what time it is, what the rules of the house are."""

    name = "workspace"
    verbose_name = "Workspace"
    default_auto_field = "django.db.models.BigAutoField"
