"""What happens next: the draft in rows, the published version in one document, and everyone who is on the way."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from contacts.models import Contact
from flows.draft_models import Edit  # noqa: F401 - as below
from flows.library_models import OwnTemplate  # noqa: F401 - as below
from flows.rule_models import InHand, Promotion, Suspect, Trial, Turn  # noqa: F401 - as below
from flows.trigger_models import Hook, HookSample, Mark  # noqa: F401 - tables of their own that Django finds here
from segmentation.models import SegmentRule

STAFF = settings.AUTH_USER_MODEL
STANDING_STILL = ("held:", "quarantined:", "blocked:", "tries again:")  # how `parked` begins where a step went wrong


class Flow(models.Model):
    """What should happen to contacts who start: a draft always, a published version when it runs."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        RUNNING = "running"
        PAUSED = "paused"
        DRAINING = "draining"
        ENDED = "ended"

    class Pause(models.TextChoices):
        HOLD_CLOCK = "hold_clock", "Hold the clock: waits go on where they stood"
        HOLD_DUE = "hold_due", "Let waits run and hold what falls due"

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=63, unique=True)
    description = models.TextField(blank=True)
    labels = models.JSONField(default=list, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT)
    settings = models.JSONField(default=dict, blank=True, help_text="Activation settings of the draft.")
    revision = models.PositiveIntegerField(default=0, help_text="Counts changes of the draft.")
    version = models.ForeignKey("Version", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    pause = models.CharField(max_length=10, choices=Pause, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    activated_at = models.DateTimeField(null=True, blank=True, help_text="Facts before this instant start nobody.")
    resumed_at = models.DateTimeField(null=True, blank=True, help_text="Since when it runs without a pause.")
    archived_at = models.DateTimeField(null=True, blank=True)
    owner = models.ForeignKey(STAFF, on_delete=models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="draft") | models.Q(version__isnull=False),
                name="a_flow_that_runs_has_a_version",
            ),
        ]
        permissions = [("run_flow", "Can publish, activate, pause, resume and drain flows")]

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        """Return the id other programs know: flo_4."""
        return f"flo_{self.pk}"


class Node(models.Model):
    """One node of a flow's draft; its key stays the same across versions."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="nodes")
    key = models.CharField(max_length=63)
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=200, blank=True)
    note = models.TextField(blank=True)
    settings = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flow", "key"], name="one_node_per_key")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Edge(models.Model):
    """From a port of one node of the draft to another node; each port has one edge at most."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="edges")
    source = models.CharField(max_length=63)
    port = models.CharField(max_length=63, default="next")
    target = models.CharField(max_length=63)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flow", "source", "port"], name="one_edge_per_port")]

    def __str__(self) -> str:
        return f"{self.source}:{self.port} → {self.target}"


class Version(models.Model):
    """A published flow: graph, settings and pinned template versions; never changes."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    graph = models.JSONField(help_text="nodes, edges, and pinned: template slug → template version id")
    settings = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    published_by = models.ForeignKey(STAFF, on_delete=models.SET_NULL, null=True, blank=True)
    published_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flow", "number"], name="one_version_per_number")]

    def __str__(self) -> str:
        return f"version {self.number}"


class Watch(models.Model):
    """A rule that a version asks: its trigger filter, exit, goal, restart, or one of a node's (split, wait-until)."""

    class Purpose(models.TextChoices):
        FILTER = "filter"
        EXIT = "exit"
        GOAL = "goal"
        RESTART = "restart"
        ASK = "ask"

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="watches")
    node = models.CharField(max_length=63, blank=True, default="")
    name = models.CharField(
        max_length=63, blank=True, default="", help_text="Which question of the node: its branch's port."
    )
    purpose = models.CharField(max_length=8, choices=Purpose)
    rule = models.ForeignKey(SegmentRule, on_delete=models.PROTECT, related_name="watches")

    class Meta:
        verbose_name_plural = "watches"
        constraints = [models.UniqueConstraint(fields=["version", "node", "name", "purpose"], name="one_watch")]

    def __str__(self) -> str:
        return f"{self.version_id} {self.purpose} {self.rule_id}"


class Entry(models.Model):
    """The decision about one reason to start: once per flow, contact and source, with its outcome."""

    class Outcome(models.TextChoices):
        ENROLLED = "enrolled"
        REFUSED = "refused"

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, db_index=False, related_name="entries")
    contact = models.ForeignKey(
        Contact, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="entries"
    )
    source_kind = models.CharField(max_length=16, help_text="transition, event, activation, gap, manual, api, restart")
    source_id = models.CharField(max_length=64)
    version = models.ForeignKey(Version, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    entry_key = models.CharField(max_length=200, blank=True, default="", db_default="")
    outcome = models.CharField(max_length=8, choices=Outcome)
    reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(fields=["flow", "contact", "source_kind", "source_id"], name="one_entry_per_source")
        ]
        indexes = [
            models.Index(fields=["contact", "-id"], name="entry_contact"),
            models.Index(fields=["flow", "at"], name="entry_ceiling", condition=models.Q(reason="ceiling")),
        ]

    def __str__(self) -> str:
        return f"entry {self.pk} ({self.outcome})"


class Enrollment(models.Model):
    """A contact on the way through a flow's version."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        COMPLETED = "completed"
        EXITED = "exited"
        FAILED = "failed"
        RESTARTED = "restarted"

    class Clock(models.TextChoices):
        NONE = "none"
        ELAPSED = "elapsed"
        WALL = "wall"

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, db_index=False, related_name="enrollments")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, db_index=False, related_name="enrollments")
    contact = models.ForeignKey(
        Contact, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="enrollments"
    )
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, null=True, db_index=False, related_name="enrollments")
    entry_key = models.CharField(max_length=200, blank=True, default="", db_default="")
    status = models.CharField(max_length=9, choices=Status, default=Status.ACTIVE)
    node = models.CharField(max_length=63)
    visit = models.IntegerField(default=1, help_text="The number of the step it is about to take.")
    lane = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    clock = models.CharField(max_length=8, choices=Clock, default=Clock.NONE)
    waiting = models.BooleanField(default=False, help_text="Has arrived at its node and waits there.")
    parked = models.CharField(max_length=200, blank=True, default="", db_default="", help_text="Why nothing is due.")
    wake_on = models.CharField(
        max_length=260, blank=True, default="", db_default="", help_text="The fact that wakes it."
    )
    until_at = models.DateTimeField(
        null=True, help_text="What it waits for at the latest; empty: to be reckoned anew, or fixed by what is due."
    )
    restart_armed = models.BooleanField(default=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    context = models.JSONField(default=dict, help_text="trigger: what started it; answers: of earlier nodes.")
    error = models.TextField(blank=True, default="", db_default="")
    reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    entered_at = models.DateTimeField()
    entered_on = models.DateField(help_text="The partition its steps stand in.")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["flow", "contact", "entry_key"],
                name="one_active_enrollment",
                condition=models.Q(status="active"),
            ),
            models.CheckConstraint(
                condition=~models.Q(status="active") | models.Q(due_at__isnull=False) | ~models.Q(parked=""),
                name="active_is_due_or_parked",
            ),
            models.CheckConstraint(
                condition=models.Q(status="active") | models.Q(due_at__isnull=True, ended_at__isnull=False),
                name="ended_is_not_due",
            ),
        ]
        indexes = [
            models.Index(fields=["flow", "lane", "due_at"], name="enrollment_due", condition=models.Q(status="active")),
            models.Index(fields=["contact", "flow"], name="enrollment_contact"),
            models.Index(fields=["flow", "node", "id"], name="enrollment_node", condition=models.Q(status="active")),
            models.Index(fields=["flow", "status", "-id"], name="enrollment_status"),
            models.Index(
                fields=["wake_on"], name="enrollment_wake", condition=models.Q(status="active") & ~models.Q(wake_on="")
            ),
            models.Index(
                fields=["-id"],
                name="enrollment_still",
                condition=models.Q(status="failed")
                | models.Q(status="active")
                & models.Q(*[("parked__startswith", one) for one in STANDING_STILL], _connector=models.Q.OR),
            ),
        ]

    def __str__(self) -> str:
        return f"enrollment {self.pk}"

    @property
    def ref(self) -> str:
        """Return the id other programs know: enr_12."""
        return f"enr_{self.pk}"


class Reentry(models.Model):
    """A contact refused only for the gap, to be asked again when it ends."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    entry = models.OneToOneField(Entry, on_delete=models.CASCADE, related_name="reentry")
    source_kind = models.CharField(max_length=16)
    entry_key = models.CharField(max_length=200, blank=True, default="", db_default="")
    context = models.JSONField(default=dict)
    due_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "reentries"
        indexes = [models.Index(fields=["flow", "due_at"], name="reentry_due")]

    def __str__(self) -> str:
        return f"{self.contact_id} again at {self.due_at}"


class Step(models.Model):
    """One node passed by one enrollment, with what the decision saw.

    In SQL the key is (enrollment, visit, entered_on) and the table is partitioned by month of entered_on.
    """

    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="steps"
    )
    visit = models.IntegerField()
    entered_on = models.DateField()
    flow = models.ForeignKey(Flow, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    version = models.ForeignKey(Version, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    node = models.CharField(max_length=63)
    kind = models.CharField(max_length=40)
    port = models.CharField(max_length=63)
    next = models.CharField(max_length=63, blank=True, help_text="Empty when the way ended here.")
    saw = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        db_table = "flows_step"

    def __str__(self) -> str:
        return f"step {self.visit} of {self.enrollment_id}"


class Conversion(models.Model):
    """A journey that reached what its flow hopes for, once: the event, its instant and its money."""

    enrollment = models.OneToOneField(Enrollment, on_delete=models.CASCADE, related_name="conversion")
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, db_index=False)
    version = models.ForeignKey(Version, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    event_id = models.BigIntegerField()
    value = models.DecimalField(max_digits=20, decimal_places=4, default=0)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["flow", "-at"], name="conversion_flow")]

    def __str__(self) -> str:
        return f"conversion of {self.enrollment_id}"


class Tally(models.Model):
    """Counts as deltas per minute: arrivals at and departures from nodes, beginnings and ends of enrollments."""

    class What(models.TextChoices):
        ENTERED = "entered"
        MOVED_IN = "moved_in"
        COMPLETED = "completed"
        EXITED = "exited"
        FAILED = "failed"
        RESTARTED = "restarted"
        MOVED_OUT = "moved_out"
        ARRIVED = "arrived"
        LEFT = "left"
        TRIED = "tried"
        WON = "won"
        CONVERTED = "converted"

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, db_index=False)
    version = models.ForeignKey(Version, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    node = models.CharField(max_length=63, blank=True, default="", db_default="")
    port = models.CharField(
        max_length=63,
        blank=True,
        default="",
        db_default="",
        help_text="On what left: by which port, or exited, failed.",
    )
    what = models.CharField(max_length=9, choices=What)
    minute = models.DateTimeField()
    count = models.BigIntegerField()
    value = models.DecimalField(
        max_digits=20, decimal_places=4, default=0, db_default=0, help_text="The money of conversions."
    )

    class Meta:
        verbose_name_plural = "tallies"
        indexes = [
            models.Index(
                fields=["flow", "what", "node", "minute"], name="flow_tally", include=["version", "port", "count"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.flow_id} {self.what} {self.count}"


class Broadcast(models.Model):
    """One message to an audience at a time; sent through the same outbox as flows."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        SCHEDULED = "scheduled"
        SENDING = "sending"
        SENT = "sent"
        CANCELLED = "cancelled"

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=63, unique=True)
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT)
    document = models.JSONField(default=dict, help_text="Template, audience, sender.")
    send_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name
