"""Where segments are sent to: destinations, their deliveries, and which transition went out in which round."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

LIVE = ("queued", "calling")
FILES = ("csv", "moves")  # deliveries that are fetched


class Destination(models.Model):
    """Another program that hears of a segment: by signed webhook, or as CSV that somebody fetches."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook"
        CSV = "csv", "CSV"

    class What(models.TextChoices):
        BOTH = "both", "entries and exits"
        ENTRIES = "entries"
        EXITS = "exits"
        STATE = "state", "full state"  # of a CSV alone: a webhook is sent it when asked for

    class Status(models.TextChoices):
        RUNNING = "running"
        PAUSED = "paused"
        DISABLED = "disabled"

    class Schedule(models.TextChoices):
        NEVER = "", "on demand"
        DAILY = "daily", "every day"
        WEEKLY = "weekly", "every week"

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=63, unique=True)
    kind = models.CharField(max_length=8, choices=Kind)
    segment = models.ForeignKey("segmentation.Segment", on_delete=models.PROTECT, related_name="destinations")
    url = models.CharField(max_length=2048, blank=True, default="")
    seed = models.CharField(max_length=64, help_text="The secret is derived of it and of the house's key.")
    previous_seed = models.CharField(max_length=64, blank=True, default="")
    previous_until = models.DateTimeField(null=True, blank=True, help_text="Until when the former secret signs too.")
    what = models.CharField(max_length=8, choices=What, default=What.BOTH)
    batch_size = models.PositiveIntegerField(default=100)
    status = models.CharField(max_length=8, choices=Status, default=Status.RUNNING)
    reason = models.TextField(blank=True, default="", help_text="Why it is paused or disabled.")
    round = models.PositiveIntegerField(default=1, help_text="Each replay begins another.")
    cursor = models.BigIntegerField(default=0, help_text="Every transition up to this id has been taken up.")
    mark = models.BigIntegerField(null=True, blank=True, help_text="Where the cursor goes once all before it are seen.")
    mark_xid = models.BigIntegerField(null=True, blank=True, help_text="Transactions older than this may hide some.")
    since = models.DateTimeField(null=True, blank=True, help_text="A replay's first instant.")
    floor = models.BigIntegerField(default=0, help_text="Where the cursor stood when the replay began.")
    schedule = models.CharField(max_length=6, choices=Schedule, blank=True, default=Schedule.NEVER)
    schedule_at = models.TimeField(null=True, blank=True, help_text="In the workspace's time zone.")
    weekday = models.PositiveSmallIntegerField(null=True, blank=True, help_text="1 is Monday.")
    next_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(db_default=Now(), help_text="When it is looked at next.")
    slow = models.BooleanField(default=False, help_text="Its last call took long.")
    token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        permissions = [("download_destination", "Can download exported contacts")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="csv", url="") | Q(kind="webhook") & ~Q(url=""), name="webhook_has_a_url_csv_has_none"
            ),
            models.CheckConstraint(condition=Q(kind="csv") | ~Q(what="state"), name="webhook_hears_of_moves"),
            models.CheckConstraint(condition=Q(batch_size__gte=1, batch_size__lte=1000), name="batch_of_1_to_1000"),
            models.CheckConstraint(
                condition=Q(mark__isnull=True, mark_xid__isnull=True) | Q(mark__isnull=False, mark_xid__isnull=False),
                name="mark_with_its_transaction",
            ),
            models.CheckConstraint(
                condition=Q(schedule="", next_at__isnull=True)
                | Q(schedule="daily", schedule_at__isnull=False)
                | Q(schedule="weekly", schedule_at__isnull=False, weekday__gte=1, weekday__lte=7),
                name="schedule_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        """Return the id other programs know: dst_7."""
        return f"dst_{self.pk}"


class Delivery(models.Model):
    """One call, or one file: its key never changes, however often it is tried."""

    class Kind(models.TextChoices):
        CHANGED = "changed"
        STATE = "state"
        CSV = "csv", "CSV"
        MOVES = "moves", "CSV of entries and exits"
        TEST = "test"
        CONTACTS = "contacts", "contacts of a flow"

    class Status(models.TextChoices):
        QUEUED = "queued"
        CALLING = "calling"
        DELIVERED = "delivered"
        FAILED = "failed"
        CANCELLED = "cancelled"

    destination = models.ForeignKey(Destination, on_delete=models.CASCADE, related_name="deliveries")
    key = models.CharField(max_length=80, unique=True, help_text="The webhook-id.")
    kind = models.CharField(max_length=8, choices=Kind)
    round = models.PositiveIntegerField(default=1)
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    size = models.BigIntegerField(default=0, help_text="How many transitions or contacts it carries.")
    total = models.BigIntegerField(default=0, help_text="How many rows a file being written is to have.")
    page = models.PositiveIntegerField(default=0)
    pages = models.PositiveIntegerField(default=0)
    first_contact = models.BigIntegerField(null=True, blank=True)
    last_contact = models.BigIntegerField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    called_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    code = models.PositiveSmallIntegerField(null=True, blank=True, help_text="What the last call answered.")
    error = models.TextField(blank=True, default="")
    ms = models.PositiveIntegerField(null=True, blank=True)
    file = models.CharField(max_length=120, blank=True, default="")
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=LIVE, settled_at__isnull=True)
                | ~Q(status__in=LIVE) & Q(settled_at__isnull=False),
                name="settled_since_an_instant",
            ),
        ]
        indexes = [
            models.Index(fields=["destination", "-id"], name="delivery_newest"),
            models.Index(fields=["destination", "id"], name="delivery_waiting", condition=Q(status__in=LIVE)),
            models.Index(fields=["destination", "id"], name="delivery_failed", condition=Q(status="failed")),
            models.Index(fields=["expires_at"], name="delivery_file", condition=~Q(file="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

    @property
    def ref(self) -> str:
        """Return the id on the wire."""
        return f"dlv_{self.pk}"

    @property
    def is_file(self) -> bool:
        """Tell whether it is fetched rather than called."""
        return self.kind in FILES


class Line(models.Model):
    """A transition that has been taken up in a round; without a delivery it was known when the destination was made."""

    destination = models.ForeignKey(Destination, on_delete=models.CASCADE, db_index=False)
    round = models.PositiveIntegerField()
    transition = models.ForeignKey(
        "segmentation.Transition", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, null=True, blank=True, related_name="lines")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["destination", "transition", "round"], name="one_line_per_round"),
        ]

    def __str__(self) -> str:
        return f"transition {self.transition_id} in round {self.round}"


class Handed(models.Model):
    """A contact whom a flow hands to a destination: the key makes it once, and one delivery carries it."""

    destination = models.ForeignKey(Destination, on_delete=models.CASCADE, db_index=False, related_name="handed")
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="handed")
    key = models.CharField(max_length=80, help_text="e:<enrollment>:<visit>")
    contact = models.ForeignKey(
        "contacts.Contact", on_delete=models.DO_NOTHING, db_constraint=False, related_name="handed"
    )
    flow = models.CharField(max_length=63)
    node = models.CharField(max_length=63)
    event = models.JSONField(default=dict, help_text="What began the journey; emptied when the contact is erased.")
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "handed over"
        constraints = [models.UniqueConstraint(fields=["key", "destination"], name="handed_once")]

    def __str__(self) -> str:
        return self.key
