"""Templates of flows that the house made of flows of its own."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class OwnTemplate(models.Model):
    """A flow kept as a template, with copies of the segments and messages that it needs; never changes."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=63, unique=True)
    about = models.TextField(blank=True)
    document = models.JSONField(help_text="draft, settings, segments, messages, lists")
    flow = models.ForeignKey(
        "flows.Flow",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="What it was made of.",
    )
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["name"], name="own_template_name")]

    def __str__(self) -> str:
        return self.name
