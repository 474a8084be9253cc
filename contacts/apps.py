"""The contacts floor."""

from importlib import import_module

from django.apps import AppConfig


class ContactsConfig(AppConfig):
    """Who they are and what they did."""

    name = "contacts"
    verbose_name = "Contacts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say what files that were brought are called where they put somebody somewhere."""
        import_module("workspace.uses").register_kind("import", import_module("contacts.importing").called)
