"""The segmentation floor."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class SegmentationConfig(AppConfig):
    """Who is in, who came, who went."""

    name = "segmentation"
    verbose_name = "Segmentation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Find the kinds of conditions that other apps add."""
        autodiscover_modules("conditions")
