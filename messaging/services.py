"""The verbs of messaging that flows, pages, the API and the admin call."""

from messaging.defaults import ensure_defaults
from messaging.queueing import Draft, queue, set_stream, withdraw
from messaging.templating import (
    archive_template,
    change_template,
    create_template,
    delete_template,
    duplicate_template,
    pin,
    publish_template,
    render_preview,
)

__all__ = [
    "Draft",
    "archive_template",
    "change_template",
    "create_template",
    "delete_template",
    "duplicate_template",
    "ensure_defaults",
    "pin",
    "publish_template",
    "queue",
    "render_preview",
    "set_stream",
    "withdraw",
]
