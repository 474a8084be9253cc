"""What the page of a contact shows of messaging: what was said, and what was stopped and why."""

from typing import Any

from contacts.models import Contact
from contacts.panels import register
from messaging.models import Message

SHOWN = 8


def messages_to(contact: Contact) -> tuple[str, dict[str, Any]]:
    """Return the newest messages to a contact."""
    found = Message.objects.filter(contact=contact).select_related("template_version__template")
    return "messaging/_panel.html", {"said": list(found.order_by("-pk")[:SHOWN]), "contact": contact}


register("Messages", messages_to, order=30)
