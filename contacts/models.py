"""Who they are and what they did: the tables that every floor above reads."""

import hashlib
from typing import Any

from django.db import models
from django.db.models.functions import Lower, Now

from workspace.models import Job


def name_id(name: str) -> int:
    """Return the id of an event name: 63 bits of its hash, so that nobody needs a query to know it."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) >> 1


class Contact(models.Model):
    """A person somebody told us about; their own attributes stand in `attributes`, keyed by criteria path."""

    user_id = models.TextField(null=True, blank=True, help_text="Shown copy of the identity of kind user.")
    email = models.TextField(blank=True, default="", db_default="")
    phone = models.TextField(blank=True, default="", db_default="")
    first_name = models.TextField(blank=True, default="", db_default="")
    last_name = models.TextField(blank=True, default="", db_default="")
    country = models.TextField(blank=True, default="", db_default="")
    city = models.TextField(blank=True, default="", db_default="")
    language = models.TextField(blank=True, default="", db_default="")
    timezone = models.TextField(blank=True, default="", db_default="")
    attributes = models.JSONField(default=dict, blank=True, db_default=models.Value({}, models.JSONField()))
    attributes_at = models.JSONField(
        default=dict,
        blank=True,
        db_default=models.Value({}, models.JSONField()),
        help_text="When each attribute was last said.",
    )
    created_at = models.DateTimeField(db_default=Now())
    merged_into = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged")
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(Lower("email"), "id", name="contact_email", condition=~models.Q(email="")),
            models.Index(fields=["phone", "id"], name="contact_phone", condition=~models.Q(phone="")),
            models.Index(Lower("first_name"), name="contact_first_name", condition=~models.Q(first_name="")),
            models.Index(Lower("last_name"), name="contact_last_name", condition=~models.Q(last_name="")),
            models.Index(fields=["created_at"], name="contact_created"),
            models.Index(fields=["country"], name="contact_country", condition=~models.Q(country="")),
        ]

    def __str__(self) -> str:
        return self.display

    @property
    def display(self) -> str:
        """Name the contact for people: full name, else email, user id or number."""
        full = f"{self.first_name} {self.last_name}".strip()
        return full or self.email or self.user_id or f"Contact {self.pk}"

    @property
    def ref(self) -> str:
        """Return the id other programs know: con_42."""
        return f"con_{self.pk}"

    @property
    def alive(self) -> bool:
        """Tell whether this row still stands for a person of its own."""
        return self.erased_at is None and self.merged_into_id is None


class Identity(models.Model):
    """A user id or anonymous id that names one contact."""

    class Kind(models.TextChoices):
        USER = "user"
        ANONYMOUS = "anonymous"

    kind = models.CharField(max_length=10, choices=Kind)
    value = models.TextField()
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="identities")

    class Meta:
        verbose_name_plural = "identities"
        constraints = [models.UniqueConstraint(fields=["kind", "value"], name="one_contact_per_identity")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


class Address(models.Model):
    """Where a contact can be reached on a channel; an address may be shared."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="addresses")
    channel = models.CharField(max_length=12)
    value = models.TextField(help_text="Normalised: email in lower case, phone as E.164.")
    digest = models.CharField(max_length=64, help_text="Salted digest, as in suppressions.")

    class Meta:
        verbose_name_plural = "addresses"
        constraints = [models.UniqueConstraint(fields=["contact", "channel", "value"], name="one_address")]
        indexes = [models.Index(fields=["channel", "value", "contact"], name="address_value")]

    def __str__(self) -> str:
        return f"{self.channel}:{self.value}"


class Activity(models.Model):
    """When a contact was last heard of: a narrow hot row of its own."""

    contact = models.OneToOneField(Contact, on_delete=models.CASCADE, primary_key=True, related_name="activity")
    last_seen_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "activity"
        indexes = [models.Index(fields=["last_seen_at"], name="activity_seen")]

    def __str__(self) -> str:
        return f"{self.contact_id} seen {self.last_seen_at}"


class AttributeType(models.TextChoices):
    """The declared types; comparison follows these, never what JSON happened to bring."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    LIST = "list"


class Attribute(models.Model):
    """An attribute of contacts by its path below customProperties, its type declared by a person or learned."""

    name = models.CharField(max_length=128, unique=True)
    label = models.CharField(max_length=128, blank=True)
    type = models.CharField(max_length=10, choices=AttributeType, default=AttributeType.TEXT)
    declared = models.BooleanField(
        default=False, help_text="A person said so; otherwise it was learned from what arrived."
    )
    personal = models.BooleanField(default=False, help_text="A personal datum, to be erased with the contact.")
    hidden = models.BooleanField(default=False)
    joined_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="aliases",
        help_text="What arrives by this name is stored as that attribute.",
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(joined_into__isnull=True) | ~models.Q(joined_into=models.F("id")),
                name="joined_into_another",
            ),
        ]

    def __str__(self) -> str:
        return self.label or self.name


class Converted(models.Model):
    """What a contact's value was before a change of type under way converted it, so that the change can be taken back."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    value = models.JSONField()

    class Meta:
        verbose_name_plural = "converted"
        constraints = [models.UniqueConstraint(fields=["job", "contact"], name="converted_once")]

    def __str__(self) -> str:
        return f"{self.contact_id} before job {self.job_id}"


class Moment(models.Model):
    """A date attribute of a contact made sortable, so that the clock pass finds it by index."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="moments")
    attribute = models.CharField(max_length=128)
    instant = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contact", "attribute"], name="one_moment")]
        indexes = [models.Index(fields=["attribute", "instant"], name="moment_instant")]

    def __str__(self) -> str:
        return f"{self.attribute} {self.instant}"


class EventName(models.Model):
    """A kind of event by its name, with what was learned of its properties (name → type); its id is `name_id(name)`."""

    id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=200, unique=True)
    value_property = models.CharField(
        max_length=128, blank=True, help_text="The numeric property kept in the value column."
    )
    chosen = models.BooleanField(
        default=False, db_default=False, help_text="A person chose the value property, or that there is none."
    )
    promoting = models.CharField(
        max_length=128,
        blank=True,
        default="",
        db_default="",
        help_text="The property whose numbers are being put into the value column of events stored already.",
    )
    properties = models.JSONField(default=dict, blank=True)
    hidden = models.BooleanField(default=False)
    blocked = models.BooleanField(default=False, help_text="New events of this name are not stored.")
    first_seen_at = models.DateTimeField(db_default=Now())
    last_seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(promoting="") | models.Q(value_property="", chosen=True),
                name="no_value_while_promoting",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Event(models.Model):
    """Something a contact did; what counts is `at`, the earlier of when it happened and when it arrived.

    In SQL the key is (id, at) and the table is partitioned by month of `at`; rows are never changed.
    """

    contact = models.ForeignKey(
        Contact, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="events"
    )
    name = models.ForeignKey(EventName, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    at = models.DateTimeField()
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    source = models.CharField(max_length=40)
    message_id = models.TextField()
    value = models.DecimalField(max_digits=30, decimal_places=10, null=True)
    properties = models.JSONField(default=dict)

    class Meta:
        db_table = "contacts_event"

    def __str__(self) -> str:
        return f"event {self.pk}"


class Receipt(models.Model):
    """A message id that was accepted from a source: once within 90 days."""

    source = models.CharField(max_length=40)
    message_id = models.TextField()
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "message_id"], name="accepted_once")]
        indexes = [models.Index(fields=["received_at"], name="receipt_received")]

    def __str__(self) -> str:
        return f"{self.source} {self.message_id}"


class Read(models.Model):
    """A fact ("event:Order Completed", "attribute:plan", "segment:vip", "list:staff", "contact") that somebody reads.

    Stage 1 readers are segments (through their rules), stage 2 readers are flows. Only facts that are read make Changes.
    """

    fact = models.CharField(max_length=260)
    stage = models.PositiveSmallIntegerField()
    reader = models.CharField(max_length=80, help_text="Kind and id: rule:12, version:4")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["fact", "stage", "reader"], name="one_read")]
        indexes = [models.Index(fields=["reader"], name="read_reader")]

    def __str__(self) -> str:
        return f"{self.reader} reads {self.fact}"


class Change(models.Model):
    """A fact of a contact that changed, waiting to be looked at: first by segments (stage 1), then by flows (stage 2)."""

    # Whoever writes a Change holds its contact; checking that again for each row costs as much as writing it.
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    fact = models.CharField(max_length=260)
    cause = models.CharField(max_length=20, default="data")
    ref = models.BigIntegerField(null=True, help_text="The event or transition behind it.")
    at = models.DateTimeField(help_text="The instant of the fact.")
    fires = models.BooleanField(default=True, help_text="Whether it may fire flows.")
    lane = models.SmallIntegerField(default=0, help_text="0 fresh, 5 imports and backlogs.")
    stage = models.PositiveSmallIntegerField(default=1)
    detail = models.JSONField(null=True, help_text="Of an attribute: what it was and what it became.")

    class Meta:
        indexes = [
            models.Index(fields=["stage", "lane", "id"], name="change_queue"),
            models.Index(fields=["contact", "stage"], name="change_contact"),
        ]

    def __str__(self) -> str:
        return f"{self.fact} of {self.contact_id}"


class List(models.Model):
    """A list of contacts kept by hand."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=63, unique=True)
    color = models.CharField(max_length=20, blank=True)
    description = models.TextField(blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        """Return the id other programs know: lst_3."""
        return f"lst_{self.pk}"


class ListMember(models.Model):
    """A contact on a list."""

    list = models.ForeignKey(List, on_delete=models.CASCADE, related_name="members")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="list_members")
    added_at = models.DateTimeField(db_default=Now())
    origin = models.CharField(
        max_length=80,
        blank=True,
        default="",
        db_default="",
        help_text="By whom or what: person:3, key:7, flow:win-back, import:12.",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["list", "contact"], name="once_on_a_list")]

    def __str__(self) -> str:
        return f"{self.contact_id} on {self.list_id}"


class Topic(models.Model):
    """What marketing may be about; consent is given per channel and topic."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=63, unique=True)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        """Return the id on the wire."""
        return f"top_{self.pk}"


class ConsentStatus(models.TextChoices):
    """What a contact said about being told things."""

    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"


class Consent(models.Model):
    """Evidence, append-only: what was said, where and when; an empty topic means the whole channel."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="consents")
    channel = models.CharField(max_length=12)
    topic = models.SlugField(max_length=63, blank=True, default="")
    status = models.CharField(max_length=12, choices=ConsentStatus)
    source = models.CharField(max_length=60)
    at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["contact", "channel", "topic", "-at"], name="consent_newest")]

    def __str__(self) -> str:
        return f"{self.contact_id} {self.status} {self.channel}/{self.topic}"


class ConsentNow(models.Model):
    """The newest consent of a contact per channel and topic."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, db_index=False, related_name="consents_now")
    channel = models.CharField(max_length=12)
    topic = models.SlugField(max_length=63, blank=True, default="")
    status = models.CharField(max_length=12, choices=ConsentStatus)
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "consents now"
        constraints = [models.UniqueConstraint(fields=["contact", "channel", "topic"], name="one_consent_now")]

    def __str__(self) -> str:
        return f"{self.contact_id} {self.status} {self.channel}/{self.topic}"


class Suppression(models.Model):
    """An address that must not be written to on a channel; only its salted digest is kept, and it outlives erasure."""

    class Reason(models.TextChoices):
        HARD_BOUNCE = "hard_bounce"
        COMPLAINT = "complaint"
        MANUAL = "manual"
        IMPORT = "import"

    channel = models.CharField(max_length=12)
    digest = models.CharField(max_length=64)
    reason = models.CharField(max_length=12, choices=Reason)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "digest"], name="suppressed_once")]

    def __str__(self) -> str:
        return f"{self.channel} {self.reason}"


def attribute_of(contact: Contact, path: str) -> Any:
    """Return the value at a path ("plan", "group.name") of a contact's own attributes, or None."""
    value: Any = contact.attributes
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value
