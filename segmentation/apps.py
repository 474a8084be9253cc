"""The segmentation floor."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class SegmentationConfig(AppConfig):
    """Who is in, who came, who went."""

    name = "segmentation"
    verbose_name = "Segmentation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the conditions of higher apps, what segments show on the pages of contacts, and what they are called where they use something."""
        import_module("segmentation.panel")
        import_module("segmentation.reading")
        autodiscover_modules("conditions")
        import_module("workspace.approval").reviewable(import_module("segmentation.approving").REVIEWS)
        import_module("workspace.uses").register_kind("segment", import_module("segmentation.named").called)
        import_module("workspace.uses").register_kind("destination", import_module("segmentation.destinations").called)
        import_module("contacts.labels").register_named("segment", import_module("segmentation.models").Segment)
        import_module("contacts.services").on_erase(import_module("segmentation.exporting").erase)
