"""Telling other programs, and one's own people."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator

from flows.nodes.actions.messages import ADDRESS, SETTLED_BADLY, SETTLED_WELL, OneLine
from flows.nodes.base import Decision, Fail, Go, Node, Port, Scene, Stay, StepSettings, Surroundings, setting
from flows.nodes.effects import Export, Say

HEADER = re.compile(r"^[A-Za-z0-9-]{1,64}$")
MOST_ADDRESSES = 20


class WebhookSettings(StepSettings):
    """Where to call, and with what."""

    url: str = setting("", "Address", "text", "https://…; merge tags are allowed after the host.", max_length=2000)
    method: Literal["POST", "PUT", "PATCH", "GET", "DELETE"] = setting("POST", "Method", "choice")
    headers: dict[str, str] = setting(dict, "Headers", "pairs", max_length=30)
    body: str = setting(
        "", "Body", "area", "Merge tags are filled; empty: the contact and the event as JSON.", max_length=65_536
    )


class Webhook(Node[WebhookSettings]):
    """Call another program."""

    kind = "webhook"
    group = "action"
    label = "Webhook"
    icon = "webhook"
    description = "Calls another program over HTTP and goes on by its answer, which later steps can use."
    Settings = WebhookSettings
    example = {"url": "https://example.com/hook", "method": "POST"}
    speaks = True
    awaits_message = True
    is_answered = True

    @classmethod
    def ports(cls, settings: WebhookSettings) -> Sequence[Port]:
        """Tell an answer from a failure."""
        return (Port("next", "Answered"), Port("failed", "Failed"))

    @classmethod
    def decide(cls, settings: WebhookSettings, scene: Scene) -> Decision:
        """Call once, wait until it has settled, go on by what became of it; a failure policy stands over “failed”."""
        if scene.waiting and scene.message in SETTLED_WELL:
            return Go("next", saw=_saw(scene), answer=_answer(scene))
        if scene.waiting and scene.message in SETTLED_BADLY:
            if settings.on_failure and scene.message != "refused":
                return Fail(f"The webhook {scene.message}.")
            return Go("failed", saw=_saw(scene), answer=_answer(scene))
        fact = f"message:e:{scene.enrollment_id}:{scene.visit}"
        content = {"url": settings.url, "method": settings.method, "headers": settings.headers, "body": settings.body}
        call = () if scene.waiting else (Say(channel="webhook", content=content, transactional=True),)
        return Stay(wake_on=fact, parked="Waits for the webhook's answer", effects=call)

    @classmethod
    def words(cls, settings: WebhookSettings) -> str:
        """Say whom it calls."""
        return f"{settings.method} {urlsplit(settings.url).netloc or '…'}"

    @classmethod
    def faults(cls, settings: WebhookSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find an address that cannot be called and headers that cannot be sent."""
        found = [
            (f"headers.{name[:64]}", "A header's name has letters, digits and hyphens, and its value is one line.")
            for name, value in settings.headers.items()
            if not HEADER.match(name) or "\n" in value or "\r" in value
        ]
        if not _callable(settings.url):
            found.append(("url", "Write the whole address to call, beginning with https:// or http://."))
        return found


def _callable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "{" not in parts.netloc
    except ValueError:
        return False


def _answer(scene: Scene) -> Mapping[str, Any] | None:
    """Return what was answered as later nodes know it: status and body."""
    answer = scene.answer
    return {"status": answer.get("status"), "body": answer.get("body")} if isinstance(answer, dict) else None


def _saw(scene: Scene) -> dict[str, Any]:
    answer = scene.answer
    status = {"status": answer.get("status")} if isinstance(answer, dict) else {}
    return {"message": scene.message, **status}


class ExportSettings(StepSettings):
    """Which destination."""

    destination: str = setting("", "Destination", "destination", max_length=63)


class ExportNode(Node[ExportSettings]):
    """Tell a destination of the contact."""

    kind = "export"
    group = "action"
    label = "Export"
    icon = "export"
    description = "Sends the contact to a destination, with that destination's log and retries."
    Settings = ExportSettings
    example = {"destination": "crm"}

    @classmethod
    def decide(cls, settings: ExportSettings, scene: Scene) -> Decision:
        """Queue it and go on."""
        return Go(effects=(Export(settings.destination),))

    @classmethod
    def words(cls, settings: ExportSettings) -> str:
        """Say where to."""
        return f"Export to “{settings.destination or '…'}”"

    @classmethod
    def faults(cls, settings: ExportSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find a missing destination, and one that is fetched rather than called."""
        if not settings.destination:
            return [("destination", "Choose the destination.")]
        kind = near.destinations.get(settings.destination)
        if kind is None:
            return [("destination", f"There is no destination “{settings.destination}”; choose another.")]
        if kind != "webhook":
            return [("destination", f"“{settings.destination}” is a CSV that is fetched; choose one that is called.")]
        return []

    @classmethod
    def uses(cls, settings: ExportSettings) -> list[str]:
        """Name the destination."""
        return [f"destination:{settings.destination}"] if settings.destination else []


def _addresses(value: str) -> str:
    """Return addresses with commas between; raise ValueError with a sentence."""
    found = [one.strip() for one in re.split(r"[,;\s]+", value) if one.strip()]
    if wrong := next((one for one in found if not ADDRESS.match(one)), None):
        raise ValueError(f"“{wrong[:80]}” is no email address; write addresses with commas between.")
    if len(found) > MOST_ADDRESSES:
        raise ValueError(f"Write at most {MOST_ADDRESSES} addresses.")
    return ", ".join(dict.fromkeys(found))


class NotifyStaffSettings(StepSettings):
    """Whom, and what to tell them."""

    users: list[int] = setting(list, "Staff", "staff", max_length=50)
    addresses: Annotated[str, AfterValidator(_addresses)] = setting(
        "", "Other addresses", "text", "With commas between.", max_length=2000
    )
    subject: OneLine = setting("", "Subject", "text", "Merge tags are filled.", max_length=300)
    body: str = setting(
        "", "Message", "area", "Merge tags are filled; a link to the contact is added.", max_length=20_000
    )


class NotifyStaff(Node[NotifyStaffSettings]):
    """Tell one's own people about the contact."""

    kind = "notify_staff"
    group = "action"
    label = "Notify staff"
    icon = "notify"
    description = "Emails people of yours, with a link to the contact."
    Settings = NotifyStaffSettings
    example = {"addresses": "sales@example.com", "subject": "{{ contact.firstName }} asks for a call"}

    @classmethod
    def decide(cls, settings: NotifyStaffSettings, scene: Scene) -> Decision:
        """Queue it and go on."""
        content = {
            "users": settings.users,
            "to": [one for one in settings.addresses.split(", ") if one],
            "subject": settings.subject,
            "body": settings.body,
        }
        return Go(effects=(Say(channel="staff", content=content, transactional=True),))

    @classmethod
    def words(cls, settings: NotifyStaffSettings) -> str:
        """Say what they are told."""
        return f"Notify staff: {settings.subject}" if settings.subject else "Notify staff …"

    @classmethod
    def faults(cls, settings: NotifyStaffSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find nobody to tell, somebody who is gone, and no words."""
        found = []
        if not settings.users and not settings.addresses:
            found.append(("users", "Choose somebody to tell, or write an address."))
        elif any(one not in near.staff for one in settings.users):
            found.append(("users", "Somebody chosen here has left or has no email address; choose again."))
        if not settings.subject:
            found.append(("subject", "Write a subject."))
        return found
