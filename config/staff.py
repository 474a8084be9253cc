"""The groups of staff: viewer, marketer, sender, reviewer, administrator, as Django permissions."""

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

APPS = ("workspace", "contacts", "segmentation", "messaging", "flows")
MARKETED = (
    "contact",
    "list",
    "listmember",
    "topic",
    "segment",
    "membership",
    "destination",
    "template",
    "flow",
    "node",
    "edge",
    "attribute",
    "broadcast",
)

VIEWS = Q(content_type__app_label__in=APPS, codename__startswith="view_") & ~Q(codename="view_key")
EDITS = Q(content_type__app_label__in=APPS, content_type__model__in=MARKETED) & ~Q(codename="run_flow")
SENDS = Q(codename="run_flow") | Q(
    content_type__app_label="messaging", codename__in=["change_message", "change_stream"]
)
REVIEWS = Q(content_type__app_label="workspace", codename__in=["add_review", "change_review"])
ALL = Q(content_type__app_label__in=(*APPS, "auth", "django_celery_beat", "account", "mfa"))

GROUPS = {
    "viewer": VIEWS,
    "marketer": VIEWS | EDITS,
    "sender": VIEWS | EDITS | SENDS,
    "reviewer": VIEWS | REVIEWS,
    "administrator": ALL,
}


def make_groups() -> None:
    """Make the groups and give each exactly its permissions; safe to repeat."""
    for name, which in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set(Permission.objects.filter(which))
