"""How the parts are put together."""

from importlib import import_module

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Pages that belong to no app, checks of the whole, and the beat table."""

    name = "config"
    verbose_name = "House"

    def ready(self) -> None:
        """Let the API's page know our keys."""
        import_module("config.openapi")
