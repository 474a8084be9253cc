"""What every channel takes and gives."""

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from messaging.rendering import Email

Outcome = Literal["sent", "retry", "failed", "unsure"]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One composed message: an email, or a request to another program."""

    key: str
    channel: str
    marketing: bool
    email: Email | None = None
    from_address: str = ""
    reply_to: str = ""
    unsubscribe_url: str = ""
    title: str = ""
    text: str = ""  # of SMS, WhatsApp, push and on-site messages
    request: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one call: sent, worth another try, failed for good, or nobody knows (unsure)."""

    outcome: Outcome
    provider_id: str = ""
    reason: str = ""
    retry_after: float | None = None
    answer: dict[str, Any] | None = field(default=None)


class Line(Protocol):
    """A connection to a provider, kept for a batch."""

    def send(self, outgoing: Outgoing, address: str) -> Receipt:
        """Make one call; never raise."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...
