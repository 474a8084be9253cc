"""The messaging floor."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """What is said, by which road, and whether it may be."""

    name = "messaging"
    verbose_name = "Messaging"
    default_auto_field = "django.db.models.BigAutoField"
