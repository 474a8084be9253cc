"""Who is in, who came, who went."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from contacts.models import Contact
from segmentation.destination_models import Delivery, Destination, Handed, Line


class SegmentRule(models.Model):
    """An immutable revision of a criteria document, found by its digest; segments, filters, splits and exits share them."""

    digest = models.CharField(max_length=64, unique=True)
    document = models.JSONField()
    reads = models.JSONField(default=list, help_text="The facts it depends on.")
    clock = models.BooleanField(default=False, help_text="Whether time alone can change its answer.")
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"rule {self.pk}"


class Segment(models.Model):
    """A group of contacts: static (by hand) or dynamic (by criteria)."""

    class Kind(models.TextChoices):
        STATIC = "static"
        DYNAMIC = "dynamic"

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=63, unique=True)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.STATIC)
    description = models.TextField(blank=True)
    color = models.CharField(max_length=20, blank=True)
    labels = models.JSONField(default=list, blank=True)
    rule = models.ForeignKey(SegmentRule, on_delete=models.PROTECT, null=True, blank=True, related_name="segments")
    depth = models.PositiveSmallIntegerField(
        default=0, help_text="How many segments stand below it; the order of evaluation."
    )
    clock_at = models.DateTimeField(null=True, blank=True, help_text="The instant its clock pass has reached.")
    evaluated_at = models.DateTimeField(null=True, blank=True)
    muted = models.BooleanField(default=False, help_text="Transitions are written, nothing fires.")
    muted_at = models.DateTimeField(null=True, blank=True, help_text="Since when nothing fires.")
    archived_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="static", rule__isnull=True) | models.Q(kind="dynamic", rule__isnull=False),
                name="dynamic_has_a_rule_static_has_none",
            ),
            models.CheckConstraint(
                condition=models.Q(muted=False, muted_at__isnull=True) | models.Q(muted=True, muted_at__isnull=False),
                name="muted_since_an_instant",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        """Return the id other programs know: seg_7."""
        return f"seg_{self.pk}"


class Membership(models.Model):
    """A contact who is in a segment now; in SQL the key is (segment, contact).

    The tally written beside memberships and transitions is what refers to the segment, once for all of them.
    """

    segment = models.ForeignKey(
        Segment, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="memberships"
    )
    contact = models.ForeignKey(
        Contact, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="memberships"
    )
    seq = models.IntegerField(help_text="The transition that entered.")
    since = models.DateTimeField()

    class Meta:
        db_table = "segmentation_membership"

    def __str__(self) -> str:
        return f"{self.contact_id} in {self.segment_id}"


class Transition(models.Model):
    """One entry or exit, append-only: per segment and contact seq is 1..n and the kinds alternate."""

    class Kind(models.TextChoices):
        ENTERED = "entered"
        EXITED = "exited"

    class Cause(models.TextChoices):
        DATA = "data"
        CLOCK = "clock"
        EDITED = "edited", "criteria edited"
        MANUAL = "manual"
        IMPORT = "import"
        FLOW = "flow"
        SEGMENT = "segment"
        MERGED = "merged"
        ERASED = "erased"
        REPAIR = "repair"

    segment = models.ForeignKey(
        Segment, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="transitions"
    )
    contact = models.ForeignKey(
        Contact, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="transitions"
    )
    seq = models.IntegerField()
    kind = models.CharField(max_length=7, choices=Kind)
    cause = models.CharField(max_length=10, choices=Cause)
    inner_cause = models.CharField(max_length=10, blank=True, default="", db_default="")
    origin = models.CharField(
        max_length=80,
        blank=True,
        default="",
        db_default="",
        help_text="By whom or what: person:3, key:7, flow:win-back, import:12.",
    )
    rule = models.ForeignKey(
        SegmentRule, on_delete=models.DO_NOTHING, null=True, blank=True, db_constraint=False, db_index=False
    )
    fires = models.BooleanField(default=True)
    at = models.DateTimeField()

    class Meta:
        # By contact first: it serves the contact's own history too, and what a look writes for a contact lies together.
        constraints = [models.UniqueConstraint(fields=["contact", "segment", "seq"], name="one_transition_per_seq")]
        indexes = [models.Index(fields=["segment", "at"], name="transition_segment_at")]

    def __str__(self) -> str:
        return f"{self.contact_id} {self.kind} {self.segment_id}"


class Evaluation(models.Model):
    """One look at a segment: why, when, by which rule, what it found; small ones are summed per minute."""

    class Status(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="evaluations")
    rule = models.ForeignKey(SegmentRule, on_delete=models.DO_NOTHING, null=True, blank=True, db_constraint=False)
    cause = models.CharField(max_length=10)
    full = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.DONE)
    at = models.DateTimeField()
    minute = models.DateTimeField(null=True, help_text="Set on sums: the minute that they sum.")
    looks = models.IntegerField(default=1, help_text="How many looks this row sums.")
    size = models.BigIntegerField(null=True)
    entered = models.BigIntegerField(default=0)
    exited = models.BigIntegerField(default=0)
    ms = models.FloatField(default=0)
    done = models.BigIntegerField(default=0, help_text="How far a running one is.")
    total = models.BigIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    fires = models.CharField(max_length=8, default="none", db_default="none", help_text="none, entries, exits or both")
    error = models.TextField(blank=True, default="", db_default="")
    origin = models.CharField(
        max_length=80, blank=True, default="", db_default="", help_text="Who asked for it, or edited the criteria."
    )
    seen_at = models.DateTimeField(null=True, help_text="When its worker last said it was alive.")
    copy_of = models.ForeignKey(
        Segment,
        on_delete=models.SET_NULL,
        null=True,
        related_name="copies",
        help_text="Whose members a static copy takes.",
    )
    copy_at = models.DateTimeField(null=True, help_text="The instant whose members a static copy takes.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["segment", "cause", "minute"],
                name="one_sum_per_minute",
                condition=models.Q(minute__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["segment", "-at"], name="evaluation_newest"),
            models.Index(fields=["segment"], name="evaluation_running", condition=models.Q(status="running")),
        ]

    def __str__(self) -> str:
        return f"evaluation {self.pk} of {self.segment_id}"


class Owed(models.Model):
    """A contact that a segment must still look at, noted when the segment was locked."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE)
    cause = models.CharField(max_length=10)
    fires = models.BooleanField(default=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "owed"
        constraints = [models.UniqueConstraint(fields=["segment", "contact"], name="owed_once")]

    def __str__(self) -> str:
        return f"{self.segment_id} owes {self.contact_id} a look"


class Tally(models.Model):
    """Who came and who went, as deltas per minute: the size of a segment is entered - exited over all of its rows."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, db_index=False)
    minute = models.DateTimeField()
    entered = models.BigIntegerField(default=0)
    exited = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "tallies"
        indexes = [models.Index(fields=["segment", "minute"], name="segment_tally", include=["entered", "exited"])]

    def __str__(self) -> str:
        return f"{self.segment_id} +{self.entered} -{self.exited}"


__all__ = [
    "Delivery",
    "Destination",
    "Evaluation",
    "Handed",
    "Line",
    "Membership",
    "Owed",
    "Segment",
    "SegmentRule",
    "Tally",
    "Transition",
]
