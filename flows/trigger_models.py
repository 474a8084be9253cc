"""What triggers remember: how far the clock has come, the flow's own address, and what came there last."""

from django.db import models
from django.db.models.functions import Now

from contacts.models import Contact


class Mark(models.Model):
    """How far the clock has come for the trigger of a flow that takes in; without one the clock starts nobody there."""

    flow = models.OneToOneField("flows.Flow", on_delete=models.CASCADE, primary_key=True, related_name="mark")
    at = models.DateTimeField(help_text="All that was due until then has been looked at.")
    next_at = models.DateTimeField(null=True, blank=True, help_text="Of a schedule: its next date.")

    class Meta:
        indexes = [models.Index(fields=["at"], name="mark_at")]

    def __str__(self) -> str:
        return f"{self.flow_id} until {self.at}"


class Hook(models.Model):
    """The secret address of a flow: no secret is stored, it is derived of the house's own key and the turn."""

    flow = models.OneToOneField("flows.Flow", on_delete=models.CASCADE, related_name="hook")
    turn = models.PositiveIntegerField(default=1, help_text="Grows with each rotation; the address follows it.")
    former_until = models.DateTimeField(null=True, blank=True, help_text="How long the address before is still heard.")
    created_at = models.DateTimeField(db_default=Now())
    rotated_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"hook {self.pk} of {self.flow_id}"


class HookSample(models.Model):
    """One of the last bodies that came to an address, and what became of it."""

    class Outcome(models.TextChoices):
        TAKEN = "taken", "Taken in"
        REPEATED = "repeated", "Came before: nothing done"
        REFUSED = "refused", "Refused"
        KEPT = "kept", "Kept as a sample only: the flow does not run"

    hook = models.ForeignKey(Hook, on_delete=models.CASCADE, db_index=False, related_name="samples")
    contact = models.ForeignKey(
        Contact, on_delete=models.DO_NOTHING, db_constraint=False, null=True, blank=True, related_name="+"
    )
    body = models.JSONField(null=True, blank=True, help_text="Empty when it was too large to be kept.")
    size = models.PositiveIntegerField(help_text="Bytes.")
    outcome = models.CharField(max_length=8, choices=Outcome)
    fault = models.CharField(max_length=300, blank=True, default="", db_default="")
    received_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["hook", "-id"], name="sample_newest")]

    def __str__(self) -> str:
        return f"sample {self.pk} ({self.outcome})"
