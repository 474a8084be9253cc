"""The flows floor."""

from django.apps import AppConfig


class FlowsConfig(AppConfig):
    """What happens next."""

    name = "flows"
    verbose_name = "Flows"
    default_auto_field = "django.db.models.BigAutoField"
