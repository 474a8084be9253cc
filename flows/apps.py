"""The flows floor."""

from django.apps import AppConfig
from django.core.checks import register

from flows.checks import check_kinds


class FlowsConfig(AppConfig):
    """What happens next."""

    name = "flows"
    verbose_name = "Flows"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Check the kinds of nodes at start."""
        register(check_kinds)
