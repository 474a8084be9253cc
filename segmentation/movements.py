"""Entries and exits as a file: each in one file a round, none lost though ids commit out of order, however often it is written.

A file takes up what no file before it told, by the same lines as the calls of a webhook.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Min

from segmentation import gathering
from segmentation.delivering import Claimed, Stopped, held_by
from segmentation.models import Delivery, Destination, Line, Transition

TAKEN = 20_000  # transitions taken up in one transaction
CHUNK = 2000
Move = tuple[int, int, str, Any, int, str, bool]
COLUMNS = ("id", "contact_id", "kind", "at", "seq", "cause", "fires")

# By the key of lines, which begins with the destination: a page costs what it holds, whatever the file has already.
PAGE = """
SELECT l.transition_id FROM segmentation_line l
WHERE l.destination_id = %s AND l.transition_id > %s AND l.round = %s AND l.delivery_id = %s
ORDER BY l.transition_id LIMIT %s
"""


def take_up(claimed: Claimed, delivery: Delivery) -> int:
    """Give a file all that no file before it told, unless it was handed over already; return how many moves it has."""
    while delivery.expires_at is None and _take_some(claimed, delivery, gathering.see_head()) == TAKEN:
        pass
    return Line.objects.filter(delivery=delivery).count()


@transaction.atomic
def _take_some(claimed: Claimed, delivery: Delivery, head: gathering.Head) -> int:
    held = held_by(claimed)
    if held is None:
        raise Stopped
    if held.round != delivery.round:
        return 0
    dropped = held.deliveries.filter(kind=Delivery.Kind.MOVES, status=Delivery.Status.CANCELLED, round=held.round)
    Line.objects.filter(delivery__in=dropped).update(delivery=delivery)  # what a cancelled file was to tell
    return gathering.take_into(held, delivery, head, TAKEN)


def pages(destination: Destination, delivery: Delivery) -> Iterator[list[Move]]:
    """Yield the moves of a file in the order of their ids, a page at a time."""
    first = Line.objects.filter(delivery=delivery).aggregate(first=Min("transition"))["first"]
    last = (first or 0) - 1
    while ids := _page(destination, delivery, last):
        found = Transition.objects.filter(pk__in=ids).order_by("pk").values_list(*COLUMNS)
        yield list(found)
        last = ids[-1]


def _page(destination: Destination, delivery: Delivery, last: int) -> Sequence[int]:
    with connection.cursor() as cursor:
        cursor.execute(PAGE, [destination.pk, last, delivery.round, delivery.pk, CHUNK])
        return [row[0] for row in cursor.fetchall()]
