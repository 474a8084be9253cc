"""The beat table: what stands in the settings fills it once, and what people retimed in the admin stays."""

from typing import Any

from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler


class KeptSchedule(DatabaseScheduler):  # type: ignore[misc] # django-celery-beat ships no types
    """Adds the entries that are missing and leaves the others as people made them."""

    def update_from_dict(self, mapping: dict[str, Any]) -> None:
        """Fill the table with what it does not have yet."""
        known = set(PeriodicTask.objects.filter(name__in=mapping).values_list("name", flat=True))
        super().update_from_dict({name: entry for name, entry in mapping.items() if name not in known})
