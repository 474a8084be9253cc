"""Faults that people and programs can mend: one sentence each, with the path in what they sent."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with what was sent: where ("conditions[1].value") and what to do about it."""

    path: str
    message: str

    def as_json(self) -> dict[str, str]:
        """Return the wire form."""
        return asdict(self)


class Refused(Exception):
    """A request that cannot be done as it stands, with its faults and the HTTP status that says so (400, 409, …)."""

    def __init__(self, detail: str, faults: list[Fault] | None = None, status: int = 400) -> None:
        self.detail = detail
        self.faults = faults or []
        self.status = status
        super().__init__(detail)

    def as_json(self) -> dict[str, Any]:
        """Return the wire form: an RFC 9457 problem."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": TITLES.get(self.status, "Refused"),
            "status": self.status,
        }
        body["detail"] = self.detail
        if self.faults:
            body["errors"] = [fault.as_json() for fault in self.faults]
        return body


TITLES = {
    400: "The request has faults",
    401: "A key is needed",
    403: "This key may not do that",
    404: "There is no such thing",
    405: "This address does not take that method",
    409: "This conflicts with how things stand",
    412: "It has changed since you read it",
    413: "Too large",
    415: "Send JSON",
    429: "Too many requests",
}


def refuse(path: str, message: str, status: int = 400) -> Refused:
    """Return a refusal with one fault, whose message is also the detail."""
    return Refused(message, [Fault(path, message)], status)
