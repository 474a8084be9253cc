"""One module per road to a contact or to another program; each says what became of one call."""

from messaging.channels.base import Line, Outgoing, Receipt
from messaging.channels.choosing import at_most_once, line_for

__all__ = ["Line", "Outgoing", "Receipt", "at_most_once", "line_for"]
