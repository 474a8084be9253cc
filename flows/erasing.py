"""What flows know of a contact who is to be erased: their journeys end, and what these remembered goes."""

from collections.abc import Sequence

from flows import hooks, ledger
from flows.departing import ERASED
from flows.ledger import Counts, Ending
from flows.models import Enrollment, Entry, Reentry
from workspace import clock


def erase(contact_ids: Sequence[int]) -> dict[str, int]:
    """End the journeys of these contacts, whom the caller holds, and forget what started them."""
    at, counts = clock.now(), Counts()
    mine = Enrollment.objects.filter(contact__in=contact_ids)
    active = mine.filter(status=Enrollment.Status.ACTIVE).order_by("id").select_for_update(no_key=True)
    ledger.end([Ending(pk, "exited", ERASED) for pk in active.values_list("pk", flat=True)], at, counts)
    counts.write(at)
    Reentry.objects.filter(contact__in=contact_ids).delete()
    hooks.forget(list(contact_ids))
    Entry.objects.filter(contact__in=contact_ids).exclude(entry_key="").update(entry_key="")
    return {"enrollment": mine.update(context={}, error="", entry_key="")}
