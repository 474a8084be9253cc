"""The messaging floor."""

from importlib import import_module

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """What is said, by which road, and whether it may be."""

    name = "messaging"
    verbose_name = "Messaging"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add what messaging shows on the pages of contacts, and let erasing a contact erase what was said."""
        import_module("messaging.panel")
        import_module("messaging.reading")
        import_module("contacts.labels").register_named("template", import_module("messaging.models").Template)
        import_module("contacts.services").on_erase(import_module("messaging.erasing").erase)
