"""The contacts floor."""

from django.apps import AppConfig


class ContactsConfig(AppConfig):
    """Who they are and what they did."""

    name = "contacts"
    verbose_name = "Contacts"
    default_auto_field = "django.db.models.BigAutoField"
