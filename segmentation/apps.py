"""The segmentation floor."""

from django.apps import AppConfig


class SegmentationConfig(AppConfig):
    """Who is in, who came, who went."""

    name = "segmentation"
    verbose_name = "Segmentation"
    default_auto_field = "django.db.models.BigAutoField"
