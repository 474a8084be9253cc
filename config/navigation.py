"""The navigation of the house: what is shown at the left of every page."""

from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from workspace.reviews import waiting_for

GROUPS: list[tuple[str, list[tuple[str, str, str]]]] = [
    ("", [("Home", "house", "home")]),
    ("Audience", [("Contacts", "users", "contacts"), ("Segments", "layers", "segments"), ("Lists", "list", "lists")]),
    (
        "Automations",
        [
            ("Flows", "workflow", "flows"),
            ("Templates of flows", "sparkles", "flow_templates"),
            ("Approvals", "clipboard-check", "flow_approvals"),
            ("Overdue or stuck", "triangle-alert", "flows_stuck"),
            ("Reviews", "circle-check", "reviews"),
        ],
    ),
    (
        "Messages",
        [
            ("Broadcasts", "send", "broadcasts"),
            ("Templates", "mail", "templates"),
            ("Sent", "inbox", "messages"),
            ("Suppressions", "shield", "suppressions"),
        ],
    ),
    (
        "Data",
        [
            ("Events", "zap", "events"),
            ("Attributes", "tag", "attributes"),
            ("Imports", "upload", "imports"),
            ("Destinations", "globe", "destinations"),
        ],
    ),
    ("", [("Settings", "settings", "settings")]),
]


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Give every page the navigation, read only where it is shown, and the mailbox when there is one."""
    return {
        "navigation": SimpleLazyObject(partial(groups, request)),
        "mailbox_url": reverse("mailbox") if settings.MAILBOX else "",
        "live": True,
    }


def groups(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the navigation with only the pages that exist."""
    found = [{"label": label, "items": [i for i in map(_item(request), items) if i]} for label, items in GROUPS]
    items = [item for group in found for item in group["items"]]
    nearest = max((item["url"] for item in items if item["active"]), key=len, default="")
    for item in items:
        item["active"] = item["url"] == nearest
    return [group for group in found if group["items"]]


def _item(request: HttpRequest) -> Any:
    def item(row: tuple[str, str, str]) -> dict[str, Any] | None:
        label, icon, name = row
        try:
            url = reverse(name)
        except NoReverseMatch:
            return None
        active = request.path == url or (url != "/" and request.path.startswith(url))
        said = {"badge": badge(request), "badge_url": reverse("reviews_badge")} if name == "reviews" else {}
        return {"label": label, "icon": icon, "url": url, "active": active, **said}

    return item


def badge(request: HttpRequest) -> str:
    """Return what stands beside the reviews: how many wait for this person."""
    user = getattr(request, "user", None) or AnonymousUser()
    if not user.is_authenticated:
        return ""
    count = waiting_for(user).count()
    return f"{count:,}" if count else ""
