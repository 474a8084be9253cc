"""How the parts are put together."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core.checks import CheckMessage, Tags, register


class ConfigConfig(AppConfig):
    """Pages that belong to no app, checks of the whole, and the beat table."""

    name = "config"
    verbose_name = "House"
    default = True


class BackOffice(SimpleAdminConfig):
    """The admin, discovered with the addresses in config.urls: workers and beat need neither."""

    default = False  # of this module; the settings name it

    def ready(self) -> None:
        """Check what is registered only once it is: Django's own check would find nothing before, and say all is well."""
        register(check_dependencies, Tags.admin)
        register(check_back_office, Tags.admin)


def check_back_office(app_configs: Sequence[AppConfig] | None, **about: Any) -> list[CheckMessage]:
    """Discover the back office, then have Django check all of it."""
    import_module("config.urls")
    return check_admin_app(app_configs, **about)
