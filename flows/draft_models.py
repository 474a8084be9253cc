"""What the draft of a flow remembers: what each person did to it, so that it can be taken back."""

from django.conf import settings
from django.db import models


class Edit(models.Model):
    """One change of a draft by a person: each node and edge it touched, as it was before and after."""

    flow = models.ForeignKey("flows.Flow", on_delete=models.CASCADE, db_index=False, related_name="edits")
    number = models.PositiveIntegerField(help_text="The revision of the draft that it made.")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="+")
    words = models.CharField(max_length=200)
    parts = models.JSONField(help_text="nodes by key and edges by source and port: what stood there before and after.")
    undone = models.BooleanField(default=False, help_text="Taken back; can be done again.")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flow", "number"], name="one_edit_per_revision")]

    def __str__(self) -> str:
        return f"{self.flow_id} {self.number}: {self.words}"
