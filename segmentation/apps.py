"""The segmentation floor."""

from importlib import import_module

from django.apps import AppConfig


class SegmentationConfig(AppConfig):
    """Who is in, who came, who went."""

    name = "segmentation"
    verbose_name = "Segmentation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add what segments show on the pages of contacts."""
        import_module("segmentation.panel")
