"""The verbs of messaging that flows, pages, the API and the admin call."""

from messaging.by_hand import cancel_message, hold_message, release_message, retry_message
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
    "cancel_message",
    "change_template",
    "create_template",
    "delete_template",
    "duplicate_template",
    "ensure_defaults",
    "hold_message",
    "pin",
    "publish_template",
    "queue",
    "release_message",
    "render_preview",
    "retry_message",
    "set_stream",
    "withdraw",
]
