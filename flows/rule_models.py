"""What rules remember beside the enrollment: turns at a limit, trials of a test, promotions, and batches in hand."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from contacts.models import Contact


class Turn(models.Model):
    """One contact's turn at a node that lets only so many through: waiting in the order of ids until it has passed.

    `most` and `seconds` are the limit by which it passed, so that the past can be checked.
    """

    flow = models.ForeignKey("flows.Flow", on_delete=models.CASCADE, db_index=False, related_name="+")
    node = models.CharField(max_length=63)
    enrollment = models.ForeignKey("flows.Enrollment", on_delete=models.CASCADE, db_index=False, related_name="+")
    visit = models.IntegerField()
    most = models.PositiveIntegerField()
    seconds = models.BigIntegerField()
    passed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["enrollment", "visit"], name="one_turn_per_visit"),
            models.CheckConstraint(condition=models.Q(most__gt=0, seconds__gt=0), name="a_turn_has_a_limit"),
        ]
        indexes = [
            models.Index(fields=["flow", "node", "id"], name="turn_queue", condition=models.Q(passed_at__isnull=True)),
            models.Index(
                fields=["flow", "node", "passed_at"], name="turn_passed", condition=models.Q(passed_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"turn {self.pk} at {self.node}"


class Trial(models.Model):
    """One contact's part in an A/B test: the branch it took first, and when it did what the test counts."""

    flow = models.ForeignKey("flows.Flow", on_delete=models.CASCADE, db_index=False, related_name="+")
    node = models.CharField(max_length=63)
    contact = models.ForeignKey(
        Contact, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    version_id = models.BigIntegerField(help_text="The version whose tally counts it.")
    port = models.CharField(max_length=63)
    at = models.DateTimeField()
    until = models.DateTimeField(help_text="What happens later does not count.")
    won_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["flow", "node", "contact"], name="one_trial_per_contact"),
            models.CheckConstraint(
                condition=models.Q(won_at__isnull=True)
                | models.Q(won_at__gte=models.F("at"), won_at__lte=models.F("until")),
                name="won_in_time",
            ),
        ]
        indexes = [models.Index(fields=["contact"], name="trial_open", condition=models.Q(won_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.contact_id} tries {self.port}"


class Promotion(models.Model):
    """The branch of an A/B test that takes all new arrivals, who chose it, and what was known then."""

    class How(models.TextChoices):
        HAND = "hand", "By hand"
        ITSELF = "itself", "By itself"

    flow = models.ForeignKey("flows.Flow", on_delete=models.CASCADE, db_index=False, related_name="+")
    node = models.CharField(max_length=63)
    port = models.CharField(max_length=63)
    how = models.CharField(max_length=6, choices=How)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    figures = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flow", "node"], name="one_promotion_per_test")]

    def __str__(self) -> str:
        return f"{self.port} of {self.node}"


class InHand(models.Model):
    """A batch that a worker has begun; one that stays behind tells that the worker died over it."""

    at = models.DateTimeField()
    backend = models.IntegerField(help_text="The process id of the worker's connection in the database.")
    enrollments = ArrayField(models.BigIntegerField())

    class Meta:
        verbose_name = "batch in hand"
        verbose_name_plural = "batches in hand"
        indexes = [models.Index(fields=["at"], name="in_hand_at")]

    def __str__(self) -> str:
        return f"{len(self.enrollments)} since {self.at}"


class Suspect(models.Model):
    """An enrollment over which workers died at one visit: tried with few others, then alone, then set aside.

    Workers die for many reasons: only a death over this one alone counts towards setting it aside.
    """

    enrollment = models.OneToOneField("flows.Enrollment", on_delete=models.CASCADE, primary_key=True, related_name="+")
    visit = models.IntegerField()
    crashes = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(crashes__gt=0), name="a_suspect_crashed")]

    def __str__(self) -> str:
        return f"enrollment {self.enrollment_id}: {self.crashes}"
