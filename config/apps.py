"""How the parts are put together."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Pages that belong to no app, checks of the whole, and the beat table."""

    name = "config"
    verbose_name = "House"
