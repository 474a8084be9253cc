"""Saying something to the contact: by email, SMS, WhatsApp, push, or on the site."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator

from flows.nodes.base import Decision, Fail, Go, Node, Scene, Stay, StepSettings, Surroundings, setting
from flows.nodes.effects import Say

ADDRESS = re.compile(r"^[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\"]+$")
SETTLED_WELL = frozenset({"sent", "delivered"})
SETTLED_BADLY = frozenset({"failed", "refused", "unknown", "bounced", "complained"})
LOST = frozenset({"failed", "unknown", "bounced"})  # a refusal is the contact's wish or the house's rule, no failure


def address(value: str) -> str:
    """Return one email address, or nothing; raise ValueError with a sentence."""
    if value and not ADDRESS.match(value):
        raise ValueError("Write one email address, such as hello@example.com.")
    return value


def one_line(value: str) -> str:
    """Return text of one line; raise ValueError with a sentence."""
    if "\n" in value or "\r" in value:
        raise ValueError("Write it on one line.")
    return value


OneLine = Annotated[str, AfterValidator(one_line)]


class MessageSettings(StepSettings):
    """What every message has: a template, or own words; a label; a topic."""

    campaign: OneLine = setting("", "Campaign", "text", "A label for reports and utm parameters.", max_length=120)
    topic: str = setting("", "Topic", "topic", "What own words are about; a template names its own.", max_length=63)
    transactional: bool = setting(False, "Transactional", "switch", "Own words only: skips consent, never suppression.")


class MessageNode(Node[Any]):
    """Queue one message and go on; with a failure policy, go on when it has settled."""

    group = "action"
    speaks = True
    awaits_message = True
    channel: ClassVar[str]
    own: ClassVar[tuple[str, ...]]  # the settings that are its words
    needs: ClassVar[Mapping[str, str]]  # of these, which must be there, and the sentence when one is not

    @classmethod
    def decide(cls, settings: Any, scene: Scene) -> Decision:
        """Queue it and go on, or wait for what becomes of it where the failure policy asks for that."""
        if not settings.on_failure:
            return Go(effects=(cls.say(settings),))
        if scene.waiting and scene.message in SETTLED_WELL | SETTLED_BADLY:
            failed = scene.message in LOST
            return Fail(f"The message is {scene.message}.") if failed else Go(saw={"message": scene.message})
        fact = f"message:e:{scene.enrollment_id}:{scene.visit}"
        call = () if scene.waiting else (cls.say(settings),)
        return Stay(wake_on=fact, parked="Waits until the message has gone", effects=call)

    @classmethod
    def awaits(cls, settings: Any) -> bool:
        """Wait only where the failure policy asks for it: whoever waits for messages hears of every one."""
        return bool(settings.on_failure)

    @classmethod
    def say(cls, settings: Any) -> Say:
        """Return the message."""
        return Say(
            channel=cls.channel,
            content={name: value for name in (*cls.own, "campaign") if (value := getattr(settings, name))},
            template=settings.template,
            sender=getattr(settings, "sender", ""),
            transactional=settings.transactional,
            topic=settings.topic,
        )

    @classmethod
    def words(cls, settings: Any) -> str:
        """Say which message."""
        said = cls.label.removeprefix("Send ").removeprefix("Show ")
        said = said[:1].upper() + said[1:]
        if settings.template:
            return f"{said} “{settings.template}”"
        own = next((str(getattr(settings, name)) for name in cls.needs if getattr(settings, name)), "")
        return f"{said}: {own[:60]}" if own else f"{said} …"

    @classmethod
    def faults(cls, settings: Any, near: Surroundings) -> list[tuple[str, str]]:
        """Find missing words, and templates and topics that cannot be used."""
        return cls._template_faults(settings, near) if settings.template else cls._own_faults(settings, near)

    @classmethod
    def _template_faults(cls, settings: Any, near: Surroundings) -> list[tuple[str, str]]:
        template = near.templates.get(settings.template)
        if template is None:
            return [("template", f"There is no template “{settings.template}”; choose another.")]
        if template.channel != cls.channel:
            return [("template", f"“{settings.template}” is a template for {template.channel}, not for {cls.channel}.")]
        if settings.body:
            return [("body", "Choose a template or write a body of your own, not both.")]
        if not template.published:
            return [("template", f"Publish the template “{settings.template}” first.")]
        return []

    @classmethod
    def _own_faults(cls, settings: Any, near: Surroundings) -> list[tuple[str, str]]:
        if not any(getattr(settings, name) for name in cls.needs):
            return [("template", f"Choose a template, or write {' and '.join(f'a {name}' for name in cls.needs)}.")]
        found = [(name, sentence) for name, sentence in cls.needs.items() if not getattr(settings, name)]
        if settings.topic and settings.topic not in near.topics:
            found.append(("topic", f"There is no topic “{settings.topic}”."))
        return found

    @classmethod
    def uses(cls, settings: Any) -> list[str]:
        """Name the template and the topic."""
        named = [("template", settings.template), ("topic", settings.topic)]
        return [f"{kind}:{slug}" for kind, slug in named if slug]


class SendEmailSettings(MessageSettings):
    """A template, or own words; what is written here goes over the template's."""

    template: str = setting(
        "", "Template", "template", "A published email template; or write your own below.", max_length=63
    )
    subject: OneLine = setting("", "Subject", "text", "Over the template's own.", max_length=998)
    preheader: OneLine = setting("", "Preheader", "text", max_length=500)
    body: str = setting("", "Body", "area", "HTML with merge tags; instead of a template.", max_length=262_144)
    sender: str = setting("", "Sender", "sender", "Empty: the default sender.", max_length=63)
    reply_to: Annotated[str, AfterValidator(address)] = setting("", "Reply to", "text", max_length=254)


class SendEmail(MessageNode):
    """Send an email."""

    kind = "send_email"
    label = "Send email"
    icon = "mail"
    description = "Sends an email by a template or with your own words."
    Settings = SendEmailSettings
    example = {"subject": "Welcome", "body": "<p>Hello {{ contact.firstName }}</p>"}
    channel = "email"
    own = ("subject", "preheader", "body", "reply_to")
    needs = {"subject": "Write a subject.", "body": "Write a body, or choose a template."}

    @classmethod
    def faults(cls, settings: SendEmailSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find missing words, and templates, senders and topics that cannot be used."""
        found = super().faults(settings, near)
        if settings.sender and settings.sender not in near.senders:
            found.append(("sender", f"There is no email sender “{settings.sender}”; choose another."))
        return found

    @classmethod
    def uses(cls, settings: SendEmailSettings) -> list[str]:
        """Name the template, the sender and the topic."""
        return [*super().uses(settings), *([f"sender:{settings.sender}"] if settings.sender else [])]


class TextSettings(MessageSettings):
    """A template of the channel, or own text."""

    body: str = setting("", "Text", "area", "Merge tags are filled; instead of a template.", max_length=4096)


def _template(channel: str) -> Any:
    return setting("", "Template", "template", "A published template; or write below.", max_length=63, channel=channel)


class SendSmsSettings(TextSettings):
    """A template or own text, from whom, and how to opt out."""

    template: str = _template("sms")
    sender_name: OneLine = setting("", "Sender", "text", "A name or number; empty: the workspace.", max_length=40)
    opt_out: OneLine = setting(
        "",
        "Opt-out line",
        "text",
        "Ends marketing texts; empty: “Opt out:” and a link. Merge tag: {{ unsubscribe_url }}.",
        max_length=160,
    )


class _TextNode(MessageNode):
    own: ClassVar[tuple[str, ...]] = ("body",)
    needs = {"body": "Write the text, or choose a template."}

    @classmethod
    def _own_faults(cls, settings: Any, near: Surroundings) -> list[tuple[str, str]]:
        found = super()._own_faults(settings, near)
        return [("template", "Choose a template, or write the text.")] if found and found[0][0] == "template" else found


class SendSms(_TextNode):
    """Send an SMS."""

    kind = "send_sms"
    label = "Send SMS"
    icon = "sms"
    description = "Sends a text message, with a line that lets people opt out."
    Settings = SendSmsSettings
    example = {"body": "Hello {{ contact.firstName }}, your order is on its way."}
    channel = "sms"
    own = ("body", "sender_name", "opt_out")

    @classmethod
    def faults(cls, settings: SendSmsSettings, near: Surroundings) -> list[tuple[str, str]]:
        """Find also an opt-out line that leads nowhere."""
        found = super().faults(settings, near)
        if settings.opt_out and "unsubscribe_url" not in settings.opt_out:
            found.append(("opt_out", "Let the line hold {{ unsubscribe_url }}, or people cannot opt out by it."))
        return found


class SendWhatsappSettings(TextSettings):
    """A template or own text, and from whom."""

    template: str = _template("whatsapp")
    sender_name: OneLine = setting("", "Sender", "text", "A number; empty: the workspace.", max_length=40)


class SendWhatsapp(_TextNode):
    """Send a WhatsApp message."""

    kind = "send_whatsapp"
    label = "Send WhatsApp"
    icon = "whatsapp"
    description = "Sends a WhatsApp message by a template or with your own words."
    Settings = SendWhatsappSettings
    example = {"body": "Hello {{ contact.firstName }}"}
    channel = "whatsapp"
    own = ("body", "sender_name")


class SendPushSettings(TextSettings):
    """A template or a title and a text, and what opens."""

    template: str = _template("push")
    subject: OneLine = setting("", "Title", "text", max_length=120)
    link: OneLine = setting("", "Opens", "text", "The address that a tap opens.", max_length=2000)


class SendPush(_TextNode):
    """Send a push message to the contact's devices."""

    kind = "send_push"
    label = "Send push message"
    icon = "push"
    description = "Sends a message to the devices of the contact."
    Settings = SendPushSettings
    example = {"subject": "Back in stock", "body": "It is here again, {{ contact.firstName }}."}
    channel = "push"
    own = ("subject", "body", "link")


class SendOnsiteSettings(TextSettings):
    """A template or a title and a text, and where it leads."""

    template: str = _template("onsite")
    subject: OneLine = setting("", "Title", "text", max_length=120)
    link: OneLine = setting("", "Leads to", "text", "The address behind it.", max_length=2000)


class SendOnsite(_TextNode):
    """Show a message on the site."""

    kind = "send_onsite"
    label = "Show on-site message"
    icon = "onsite"
    description = "Shows a message when the contact is on the site next; no consent is needed there."
    Settings = SendOnsiteSettings
    example = {"subject": "Welcome back", "body": "Your basket is still here."}
    channel = "onsite"
    own = ("subject", "body", "link")
