"""The flows floor."""

from importlib import import_module

from django.apps import AppConfig
from django.core.checks import register


class FlowsConfig(AppConfig):
    """What happens next."""

    name = "flows"
    verbose_name = "Flows"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Check the kinds of nodes at start, and let erasing a contact erase what its journeys remember."""
        register(import_module("flows.checks").check_kinds)  # needs the models, which load after this module
        import_module("contacts.services").on_erase(import_module("flows.erasing").erase)
        hearing = import_module("flows.hearing")
        import_module("segmentation.hearing").register(hearing.heard)
        import_module("workspace.uses").register_kind("flow", hearing.called)
        import_module("contacts.labels").register_named("flow", import_module("flows.models").Flow)
        import_module("flows.reading")
        import_module("workspace.approval").reviewable(import_module("flows.reviewing").REVIEWS)
        import_module("contacts.panels").register("flows", import_module("flows.people").panel, order=20)
