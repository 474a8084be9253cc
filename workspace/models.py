"""The house's own rows: its rules, keys, record, reviews and work in progress."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Workspace(models.Model):
    """The one workspace of this installation: its zone, money, mapping and limits."""

    name = models.CharField(max_length=120, default="My workspace")
    timezone = models.CharField(max_length=64, default="UTC")
    currency = models.CharField(max_length=3, default="USD")
    purchase = models.JSONField(
        default=dict, blank=True, help_text="Which events are purchases, refunds, views and carts."
    )
    sender_line = models.CharField(
        max_length=300, blank=True, help_text="Postal address shown at the foot of marketing email."
    )
    caps = models.JSONField(default=dict, blank=True)
    quiet_hours = models.JSONField(default=dict, blank=True)
    approvals = models.JSONField(default=dict, blank=True)
    sending_held = models.BooleanField(default=False, help_text="Nothing is sent while this is set.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "workspace"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="workspace_is_one")]

    def __str__(self) -> str:
        return self.name


class Key(models.Model):
    """A program's way in: only the digest of its secret is kept."""

    class Scope(models.TextChoices):
        INGEST = "ingest"
        READ = "read"
        MANAGE = "manage"

    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    scope = models.CharField(max_length=10, choices=Scope)
    public = models.BooleanField(
        default=False, help_text="May stand in a web page: never matches by email, never sets consent."
    )
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    successor = models.OneToOneField("self", on_delete=models.PROTECT, null=True, blank=True, related_name="rotated_of")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(public=False) | models.Q(scope="ingest"), name="only_ingest_keys_are_public"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def ref(self) -> str:
        """Return the id on the wire."""
        return f"key_{self.pk}"

    def status(self, at: datetime) -> str:
        """Say whether the key is live, rotated (live until its end), expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= at:
            return "expired"
        return "rotated" if self.successor_id else "live"


class Tick(models.Model):
    """One slot of one beat job: whoever inserts it does the work, any other beat returns."""

    job = models.CharField(max_length=40)
    slot = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "slot"], name="one_tick_per_slot")]

    def __str__(self) -> str:
        return f"{self.job} {self.slot}"


class Answer(models.Model):
    """What was answered to an Idempotency-Key, kept for 24 hours."""

    key = models.ForeignKey(Key, on_delete=models.CASCADE, null=True)
    idempotency_key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    response = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "idempotency_key"], name="one_answer_per_key", nulls_distinct=False),
        ]

    def __str__(self) -> str:
        return self.idempotency_key


class Audit(models.Model):
    """Who did what to which thing, and when, append-only; contacts are named by id, without personal values."""

    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    key = models.ForeignKey(Key, on_delete=models.PROTECT, null=True, blank=True)
    verb = models.CharField(max_length=60, help_text="entity.action, such as segment.created")
    subject = models.CharField(max_length=120, help_text="Kind and id, such as seg_7")
    detail = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "audit"
        indexes = [models.Index(fields=["subject", "-id"], name="audit_subject")]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject}"


class Review(models.Model):
    """A change that waits for another person's approval, or the wish for one in words."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        REQUESTED = "requested"
        SENT_BACK = "sent_back"
        APPROVED = "approved"
        APPLIED = "applied"
        WITHDRAWN = "withdrawn"

    kind = models.CharField(max_length=20, default="segment", help_text="What sort of thing it is about.")
    verb = models.CharField(
        max_length=20, blank=True, help_text="What is to be done; empty while there are only words."
    )
    subject = models.CharField(max_length=120, blank=True, help_text="Such as seg_7; empty for what is to be made.")
    title = models.CharField(max_length=200, blank=True, help_text="What the subject was called.")
    status = models.CharField(max_length=12, choices=Status, default=Status.REQUESTED)
    words = models.TextField(blank=True, help_text="What is wished for, and why.")
    request = models.JSONField(default=dict, blank=True, help_text="The change.")
    before = models.JSONField(default=dict, blank=True, help_text="What it would replace, as it stood at the request.")
    outcome = models.JSONField(default=dict, blank=True, help_text="What it did when it was applied.")
    fault = models.TextField(blank=True, help_text="Why it could not be applied.")
    round = models.PositiveIntegerField(default=1, help_text="Grows with every change of the request.")
    note = models.TextField(blank=True, help_text="What the reviewer said last.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="reviews_requested"
    )
    requested_key = models.ForeignKey(
        Key, on_delete=models.PROTECT, null=True, blank=True, related_name="reviews_requested"
    )
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="reviews_changed"
    )
    changed_key = models.ForeignKey(
        Key, on_delete=models.PROTECT, null=True, blank=True, related_name="reviews_changed"
    )
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="reviews_given"
    )
    reviewed_key = models.ForeignKey(Key, on_delete=models.PROTECT, null=True, blank=True, related_name="reviews_given")
    created_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(reviewed_by__isnull=True)
                | ~(models.Q(reviewed_by=models.F("requested_by")) | models.Q(reviewed_by=models.F("changed_by"))),
                name="reviewer_is_another_person",
            ),
            models.CheckConstraint(
                condition=models.Q(reviewed_key__isnull=True)
                | ~(models.Q(reviewed_key=models.F("requested_key")) | models.Q(reviewed_key=models.F("changed_key"))),
                name="reviewer_is_another_key",
            ),
            models.CheckConstraint(
                condition=~models.Q(status__in=["applied", "withdrawn"]) | models.Q(settled_at__isnull=False),
                name="a_settled_review_says_when",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="applied") | ~models.Q(verb=""), name="only_changes_apply"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], name="review_open", condition=models.Q(status__in=["requested", "sent_back"])),
            models.Index(fields=["subject", "-id"], name="review_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.title or self.subject} {self.get_status_display().lower()}".strip()

    @property
    def ref(self) -> str:
        """Return the id on the wire."""
        return f"rev_{self.pk}"


class ReviewNote(models.Model):
    """One step of a review, only ever added to: who did or said what, when, and what was asked for then."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="notes")
    step = models.CharField(max_length=12, help_text="requested, revised, sent_back, approved, applied, withdrawn, …")
    text = models.TextField(blank=True)
    request = models.JSONField(default=dict, blank=True)
    round = models.PositiveIntegerField(default=1)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    key = models.ForeignKey(Key, on_delete=models.PROTECT, null=True, blank=True)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.review_id} {self.step}"


class Notice(models.Model):
    """Something that staff should look at: once per thing while it stands, shown on Home and mailed once."""

    kind = models.CharField(max_length=40, help_text="Such as flow.ceiling.")
    subject = models.CharField(max_length=120, help_text="Kind and id, such as flo_4.")
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    url = models.CharField(max_length=200, blank=True, help_text="The page to look at.")
    right = models.CharField(max_length=100, blank=True, help_text="Whom it concerns: who has this permission.")
    count = models.PositiveIntegerField(default=1, help_text="How often it was noticed while it stood.")
    at = models.DateTimeField(db_default=Now())
    mailed_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=models.Q(settled_at=None), name="one_standing_notice"
            )
        ]
        indexes = [models.Index(fields=["id"], name="notice_unmailed", condition=models.Q(mailed_at=None))]

    def __str__(self) -> str:
        return self.title


class Job(models.Model):
    """Long work: how far it is, whether it may be stopped, what came of it."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    kind = models.CharField(max_length=40)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    request = models.JSONField(default=dict, blank=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(null=True, blank=True, help_text="When its worker last said it was alive.")
    ended_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"


class Use(models.Model):
    """One thing uses another; written in the saver's transaction, so that deletion can be refused from below."""

    user = models.CharField(max_length=120, help_text="Kind and slug of the user, such as flow:win-back")
    used = models.CharField(max_length=120, help_text="Kind and slug of the used, such as segment:vip")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "used"], name="one_use")]
        indexes = [models.Index(fields=["used"], name="use_used")]

    def __str__(self) -> str:
        return f"{self.user} uses {self.used}"
