"""What is done for a contact on the way."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from contacts.services import faults_of
from flows.nodes.base import Decision, Go, Node, NodeSettings, Port, Scene, Stay, Surroundings, setting
from flows.nodes.effects import ChangeList, ChangeSegment, Say, UpdateContact

ADDRESS = re.compile(r"^[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\"]+$")
HEADER = re.compile(r"^[A-Za-z0-9-]{1,64}$")
SETTLED_WELL = frozenset({"sent", "delivered"})
SETTLED_BADLY = frozenset({"failed", "refused", "unknown", "bounced", "complained"})


def _address(value: str) -> str:
    if value and not ADDRESS.match(value):
        raise ValueError("Write one email address, such as hello@example.com.")
    return value


def _one_line(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise ValueError("Write it on one line.")
    return value


OneLine = Annotated[str, AfterValidator(_one_line)]


class SendEmailSettings(NodeSettings):
    """A template, or own words."""

    template: str = setting(
        "", "Template", "template", "A published email template; or write your own below.", max_length=63
    )
    subject: OneLine = setting("", "Subject", "text", "Over the template's own.", max_length=998)
    preheader: OneLine = setting("", "Preheader", "text", max_length=500)
    body: str = setting("", "Body", "area", "HTML with merge tags; instead of a template.", max_length=262_144)
    sender: str = setting("", "Sender", "sender", "Empty: the default sender.", max_length=63)
    reply_to: Annotated[str, AfterValidator(_address)] = setting("", "Reply to", "text", max_length=254)
    campaign: OneLine = setting("", "Campaign", "text", "A label for reports and utm parameters.", max_length=120)
    topic: str = setting("", "Topic", "topic", "What own words are about; a template names its own.", max_length=63)
    transactional: bool = setting(False, "Transactional", "switch", "Own words only: skips consent, never suppression.")


class SendEmail(Node[SendEmailSettings]):
    """Send an email."""

    kind = "send_email"
    group = "action"
    label = "Send email"
    icon = "mail"
    description = "Sends an email by a template or with your own words."
    Settings = SendEmailSettings
    example = {"subject": "Welcome", "body": "<p>Hello {{ contact.firstName }}</p>"}
    speaks = True

    @classmethod
    def decide(cls, settings: SendEmailSettings, scene: Scene) -> Decision:
        """Queue it and go on."""
        own = ("subject", "preheader", "body", "reply_to", "campaign")
        content = {name: value for name in own if (value := getattr(settings, name))}
        return Go(
            effects=(
                Say(
                    channel="email",
                    content=content,
                    template=settings.template,
                    sender=settings.sender,
                    transactional=settings.transactional,
                    topic=settings.topic,
                ),
            )
        )

    @classmethod
    def words(cls, settings: SendEmailSettings) -> str:
        """Say which mail."""
        if settings.template:
            return f"Email “{settings.template}”"
        return f"Email: {settings.subject}" if settings.subject else "Email …"

    @classmethod
    def faults(cls, settings: SendEmailSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find missing words, and templates, senders and topics that cannot be used."""
        found = _template_faults(settings, near) if settings.template else _own_faults(settings, near)
        if settings.sender and settings.sender not in near.senders:
            found.append(("sender", f"There is no email sender “{settings.sender}”; choose another."))
        return found

    @classmethod
    def uses(cls, settings: SendEmailSettings) -> list[str]:
        """Name the template and the sender."""
        named = [("template", settings.template), ("sender", settings.sender), ("topic", settings.topic)]
        return [f"{kind}:{slug}" for kind, slug in named if slug]


def _template_faults(settings: SendEmailSettings, near: Surroundings) -> list[tuple[str, str]]:
    template = near.templates.get(settings.template)
    if template is None:
        return [("template", f"There is no template “{settings.template}”; choose another.")]
    if template.channel != "email":
        return [("template", f"“{settings.template}” is a template for {template.channel}, not for email.")]
    if settings.body:
        return [("body", "Choose a template or write a body of your own, not both.")]
    if not template.published:
        return [("template", f"Publish the template “{settings.template}” first.")]
    return []


def _own_faults(settings: SendEmailSettings, near: Surroundings) -> list[tuple[str, str]]:
    if not settings.subject and not settings.body:
        return [("template", "Choose a template, or write a subject and a body.")]
    found = []
    if not settings.subject:
        found.append(("subject", "Write a subject."))
    if not settings.body:
        found.append(("body", "Write a body, or choose a template."))
    if settings.topic and settings.topic not in near.topics:
        found.append(("topic", f"There is no topic “{settings.topic}”."))
    return found


class AttributeChange(NodeSettings):
    """One change of one attribute: set, clear, increment or append."""

    attribute: str = Field(min_length=1, max_length=200, title="Attribute")
    set: Any = None
    clear: bool = False
    increment: float | int | None = None
    append: Any = None

    @model_validator(mode="after")
    def _one_verb(self) -> "AttributeChange":
        given = self.model_fields_set - {"attribute"}
        if len(given) != 1 or ("clear" in given and not self.clear):
            raise ValueError("Give exactly one of set, clear, increment and append.")
        return self


class UpdateContactSettings(NodeSettings):
    """The changes, in order."""

    changes: list[AttributeChange] = setting(list, "Changes", "changes", max_length=50)


class UpdateContactNode(Node[UpdateContactSettings]):
    """Change attributes of the contact."""

    kind = "update_contact"
    group = "action"
    label = "Update contact"
    icon = "edit"
    description = "Sets, clears, increments or appends to attributes."
    Settings = UpdateContactSettings
    example = {"changes": [{"attribute": "customProperties.plan", "set": "pro"}]}

    @classmethod
    def decide(cls, settings: UpdateContactSettings, scene: Scene) -> Decision:
        """Change them and go on."""
        changes = tuple(one.model_dump(exclude_unset=True) for one in settings.changes)
        return Go(effects=(UpdateContact(changes),))

    @classmethod
    def words(cls, settings: UpdateContactSettings) -> str:
        """Say what changes."""
        return "; ".join(_change_words(one) for one in settings.changes[:3]) or "Update contact …"

    @classmethod
    def faults(cls, settings: UpdateContactSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find an empty list and attributes that nobody may write."""
        if not settings.changes:
            return [("changes", "Add at least one change.")]
        written = [one.model_dump(exclude_unset=True) for one in settings.changes]
        return _nothing_written(settings.changes) or [(fault.path, fault.message) for fault in faults_of(written)]


def _nothing_written(changes: Sequence[AttributeChange]) -> list[tuple[str, str]]:
    return [
        (f"changes[{at}].{verb}", f"Say what {_name_of(one)} becomes, or choose Clear to take its value away.")
        for at, one in enumerate(changes)
        for verb in ("set", "append")
        if verb in one.model_fields_set and getattr(one, verb) == ""
    ]


def _name_of(change: AttributeChange) -> str:
    return change.attribute.removeprefix("customProperties.")


def _change_words(change: AttributeChange) -> str:
    name = _name_of(change)
    verb = next(iter(change.model_fields_set - {"attribute"}))
    said = {"set": "Set", "clear": "Clear", "increment": "Increase", "append": "Append to"}[verb]
    value = getattr(change, verb)
    return f"{said} {name}" if verb == "clear" else f"{said} {name} …" if value == "" else f"{said} {name}: {value}"


class ListSettings(NodeSettings):
    """Which list."""

    list: str = setting("", "List", "list", max_length=63)


class _ListNode(Node[ListSettings]):
    group = "action"
    Settings = ListSettings
    example = {"list": "newsletter"}
    add: bool

    @classmethod
    def decide(cls, settings: ListSettings, scene: Scene) -> Decision:
        return Go(effects=(ChangeList(settings.list, cls.add),))

    @classmethod
    def words(cls, settings: ListSettings) -> str:
        return f"{cls.label} “{settings.list or '…'}”"

    @classmethod
    def faults(cls, settings: ListSettings, near: Surroundings) -> list[tuple[str, str]]:
        if not settings.list:
            return [("list", "Choose the list.")]
        return [] if settings.list in near.lists else [("list", f"There is no list “{settings.list}”; choose another.")]

    @classmethod
    def uses(cls, settings: ListSettings) -> list[str]:
        return [f"list:{settings.list}"] if settings.list else []


class AddToList(_ListNode):
    """Put the contact on a list."""

    kind = "add_to_list"
    label = "Add to list"
    icon = "list-add"
    description = "Puts the contact on a list."
    add = True


class RemoveFromList(_ListNode):
    """Take the contact off a list."""

    kind = "remove_from_list"
    label = "Remove from list"
    icon = "list-remove"
    description = "Takes the contact off a list."
    add = False


class SegmentSettings(NodeSettings):
    """Which static segment."""

    segment: str = setting("", "Segment", "static_segment", max_length=63)


class _SegmentNode(Node[SegmentSettings]):
    group = "action"
    Settings = SegmentSettings
    example = {"segment": "vip"}
    add: bool

    @classmethod
    def decide(cls, settings: SegmentSettings, scene: Scene) -> Decision:
        return Go(effects=(ChangeSegment(settings.segment, cls.add),))

    @classmethod
    def words(cls, settings: SegmentSettings) -> str:
        return f"{cls.label} “{settings.segment or '…'}”"

    @classmethod
    def faults(cls, settings: SegmentSettings, near: Surroundings) -> list[tuple[str, str]]:
        if not settings.segment:
            return [("segment", "Choose the segment.")]
        kind = near.segments.get(settings.segment)
        if kind is None:
            return [("segment", f"There is no segment “{settings.segment}”; choose another.")]
        if kind != "static":
            return [
                ("segment", f"“{settings.segment}” is dynamic: its criteria alone say who is in. Choose a static one.")
            ]
        return []

    @classmethod
    def uses(cls, settings: SegmentSettings) -> list[str]:
        return [f"segment:{settings.segment}"] if settings.segment else []


class AddToSegment(_SegmentNode):
    """Put the contact into a static segment."""

    kind = "add_to_segment"
    label = "Add to segment"
    icon = "segment-add"
    description = "Puts the contact into a static segment."
    add = True


class RemoveFromSegment(_SegmentNode):
    """Take the contact out of a static segment."""

    kind = "remove_from_segment"
    label = "Remove from segment"
    icon = "segment-remove"
    description = "Takes the contact out of a static segment."
    add = False


class WebhookSettings(NodeSettings):
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
    description = "Calls another program over HTTP and goes on by its answer."
    Settings = WebhookSettings
    example = {"url": "https://example.com/hook", "method": "POST"}
    speaks = True
    awaits_message = True

    @classmethod
    def ports(cls, settings: WebhookSettings) -> Sequence[Port]:
        """Tell an answer from a failure."""
        return (Port("next", "Answered"), Port("failed", "Failed"))

    @classmethod
    def decide(cls, settings: WebhookSettings, scene: Scene) -> Decision:
        """Call once, wait until it has settled, go on by what became of it."""
        if scene.waiting and scene.message in SETTLED_WELL:
            return Go("next", saw={"message": scene.message})
        if scene.waiting and scene.message in SETTLED_BADLY:
            return Go("failed", saw={"message": scene.message})
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
