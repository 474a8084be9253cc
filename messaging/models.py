"""What is said, by which road, and whether it may be."""

import uuid

from django.db import models
from django.db.models.functions import Now

from contacts.models import Contact, Topic


class Channel(models.TextChoices):
    """The roads to a contact or to another program."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    SMS = "sms", "SMS"
    WHATSAPP = "whatsapp", "WhatsApp"
    PUSH = "push", "Push"
    ONSITE = "onsite", "On-site"
    STAFF = "staff", "Staff"


TEXTS: tuple[str, ...] = (Channel.SMS, Channel.WHATSAPP, Channel.PUSH, Channel.ONSITE)  # nothing but text, no markup


class Template(models.Model):
    """What a message says, being written; a publication freezes it as a TemplateVersion."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=63, unique=True)
    channel = models.CharField(max_length=12, choices=Channel, default=Channel.EMAIL)
    subject = models.TextField(blank=True)
    preheader = models.TextField(blank=True)
    body = models.TextField(blank=True)
    transactional = models.BooleanField(default=False, help_text="Skips consent and caps, never suppression.")
    topic = models.ForeignKey(Topic, on_delete=models.PROTECT, null=True, blank=True)
    version = models.ForeignKey("TemplateVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        """Return the id other programs know: tpl_5."""
        return f"tpl_{self.pk}"


class TemplateVersion(models.Model):
    """A published template: never changes again."""

    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    subject = models.TextField(blank=True)
    preheader = models.TextField(blank=True)
    body = models.TextField(blank=True)
    transactional = models.BooleanField(default=False)
    topic = models.SlugField(max_length=63, blank=True, default="")
    digest = models.CharField(max_length=64)
    published_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="one_template_version")]

    def __str__(self) -> str:
        return f"{self.template_id} v{self.number}"


class Sender(models.Model):
    """In whose name a message goes."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=63, unique=True)
    channel = models.CharField(max_length=12, choices=Channel, default=Channel.EMAIL)
    address = models.CharField(max_length=254, help_text="The address it goes from.")
    display_name = models.CharField(max_length=120, blank=True)
    reply_to = models.CharField(max_length=254, blank=True)
    is_default = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel"], name="one_default_sender", condition=models.Q(is_default=True)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        """Return the id on the wire."""
        return f"snd_{self.pk}"


class Stream(models.Model):
    """Where messages come from, and whether they may go now; flows writes it, messaging reads it."""

    class State(models.TextChoices):
        OPEN = "open"
        HELD = "held"
        CLOSED = "closed"

    kind = models.CharField(max_length=12)
    slug = models.SlugField(max_length=63)
    state = models.CharField(max_length=6, choices=State, default=State.OPEN)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "slug"], name="one_stream")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.slug}"


class Message(models.Model):
    """One thing to be said to one contact, once: the key is unique.

    `queued` → `sending` (claimed: token and lease) → `calling` (the gates held) → `sent`, `failed`, `unknown`;
    `held` waits for a person; `refused` names the gate.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        HELD = "held"
        SENDING = "sending"
        CALLING = "calling"
        SENT = "sent"
        DELIVERED = "delivered"
        BOUNCED = "bounced"
        COMPLAINED = "complained"
        REFUSED = "refused"
        FAILED = "failed"
        UNKNOWN = "unknown"

    class Class(models.TextChoices):
        MARKETING = "marketing"
        TRANSACTIONAL = "transactional"

    key = models.CharField(max_length=120, help_text="e:<enrollment>:<visit> or b:<broadcast>:<contact>")
    contact = models.ForeignKey(
        Contact, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="messages"
    )
    channel = models.CharField(max_length=12, choices=Channel)
    klass = models.CharField("class", max_length=13, choices=Class, db_column="class")
    topic = models.SlugField(max_length=63, blank=True, default="", db_default="", db_index=False)
    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, db_index=False)
    thread = models.CharField(
        max_length=60, blank=True, default="", db_default="", help_text="Messages of one thread go in order."
    )
    turn = models.IntegerField(default=0, help_text="The place in its thread.")
    template_version = models.ForeignKey(
        TemplateVersion, on_delete=models.PROTECT, null=True, blank=True, db_index=False
    )
    sender = models.ForeignKey(Sender, on_delete=models.PROTECT, null=True, blank=True, db_index=False)
    content = models.JSONField(
        default=dict, help_text="What it is about to say: own settings, and the scene's values for its tags."
    )
    address = models.TextField(blank=True, default="", db_default="")
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    gate = models.CharField(max_length=20, blank=True, default="", db_default="")
    reason = models.TextField(blank=True, default="", db_default="")
    lane = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField()
    planned_at = models.DateTimeField(help_text="When it was meant to go; how late it is counts from here.")
    late = models.CharField(max_length=24, default="always", help_text="always, hold, or send_if_under:24h")
    token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    provider_id = models.TextField(blank=True, default="", db_default="")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, help_text="What links in the message name it by.")
    created_at = models.DateTimeField(db_default=Now())
    calling_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        # A message is written four times on its way, and every index that knows it is written each time.
        indexes = [
            models.Index(
                fields=["stream", "channel", "lane", "due_at"],
                name="message_due_by_road",
                condition=models.Q(status="queued"),
            ),
            models.Index(
                fields=["lease_until"], name="message_leased", condition=models.Q(status__in=["sending", "calling"])
            ),
            models.Index(fields=["contact", "-id"], name="message_contact"),
            models.Index(fields=["stream", "status"], name="message_stream"),
            models.Index(
                fields=["template_version"],
                name="message_template",
                condition=models.Q(template_version__isnull=False),
            ),
            models.Index(fields=["sender"], name="message_sender", condition=models.Q(sender__isnull=False)),
            models.Index(
                fields=["thread", "turn"],
                name="message_thread",
                condition=~models.Q(thread="") & models.Q(status__in=["queued", "held", "sending", "calling"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["key"], name="one_message_per_key"),
            models.CheckConstraint(
                condition=~models.Q(status__in=["sending", "calling"])
                | models.Q(token__isnull=False, lease_until__isnull=False),
                name="claimed_has_a_lease",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="refused") | ~models.Q(gate=""), name="refused_names_its_gate"
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def ref(self) -> str:
        """Return the id other programs know: msg_9."""
        return f"msg_{self.pk}"


class Link(models.Model):
    """A target that stands in a message; redirects go only to these."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="links")
    token = models.UUIDField(default=uuid.uuid4, unique=True)
    url = models.TextField()

    def __str__(self) -> str:
        return str(self.token)


class CaughtMail(models.Model):
    """A mail or another message that our own catcher received in the embedded default, read at /mailbox/."""

    channel = models.CharField(max_length=12, choices=Channel, default=Channel.EMAIL, db_default=Channel.EMAIL)
    sender = models.TextField()
    recipient = models.TextField()
    subject = models.TextField(blank=True)
    message_key = models.CharField(max_length=120, blank=True)
    raw = models.BinaryField()
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["recipient", "-id"], name="caught_recipient"),
            models.Index(fields=["channel", "-id"], name="caught_channel"),
        ]
        constraints = [
            models.UniqueConstraint(  # what a provider calls an idempotency key; a mail server knows none
                fields=["channel", "message_key"],
                name="caught_once",
                condition=~models.Q(channel="email") & ~models.Q(message_key=""),
            ),
        ]

    def __str__(self) -> str:
        return self.subject
