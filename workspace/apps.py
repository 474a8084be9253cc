"""The lowest floor: the house's rules, keys, clock and record."""

from django.apps import AppConfig

from workspace.adapting import adapt_every_connection


class WorkspaceConfig(AppConfig):
    """Who may come in, what time it is, what the rules of the house are."""

    name = "workspace"
    verbose_name = "Workspace"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Begin."""
        adapt_every_connection()
