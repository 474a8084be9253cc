"""Contacts whom flows hand to a destination: deliveries like any other, in its log, with its retries and its order."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from segmentation.gathering import new_key
from segmentation.models import Delivery, Destination
from workspace import doorbell
from workspace.problems import refuse

HAND = """
INSERT INTO segmentation_handed (destination_id, delivery_id, key, contact_id, flow, node, event, at)
SELECT %(destination)s, n.delivery, n.key, n.contact, n.flow, n.node, n.event, %(at)s
FROM jsonb_to_recordset(%(rows)s::jsonb)
    AS n(delivery bigint, key text, contact bigint, flow text, node text, event jsonb)
"""
KNOWN = "SELECT key FROM segmentation_handed WHERE destination_id = %s AND key = ANY(%s)"


@dataclass(frozen=True, slots=True)
class Told:
    """One contact to be handed over; the key makes it once."""

    key: str
    contact_id: int
    flow: str
    node: str
    event: dict[str, Any]


def hand_over(destination: Destination, told: Sequence[Told], *, at: datetime) -> int:
    """Queue deliveries of these contacts within the caller's transaction, and return how many contacts they carry.

    A destination that is paused or disabled keeps them until it goes on.
    """
    if destination.kind != Destination.Kind.WEBHOOK:
        raise refuse("destination", f"“{destination.name}” is a CSV that is fetched; nothing can be sent to it.", 409)
    fresh = _fresh(destination, told)
    batches = [fresh[at : at + destination.batch_size] for at in range(0, len(fresh), destination.batch_size)]
    made = Delivery.objects.bulk_create(
        [
            Delivery(
                destination=destination,
                key=new_key(),
                kind=Delivery.Kind.CONTACTS,
                round=destination.round,
                size=len(some),
            )
            for some in batches
        ]
    )
    rows = [_row(one, delivery.pk) for delivery, some in zip(made, batches, strict=True) for one in some]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(HAND, {"destination": destination.pk, "at": at, "rows": json.dumps(rows)})
        doorbell.ring_on_commit("sync")
    return len(rows)


def _fresh(destination: Destination, told: Sequence[Told]) -> list[Told]:
    """Leave out what was handed over before; whoever hands the same over holds the same contact."""
    with connection.cursor() as cursor:
        cursor.execute(KNOWN, [destination.pk, [one.key for one in told]])
        known = {row[0] for row in cursor.fetchall()}
    return [one for one in told if one.key not in known]


def _row(one: Told, delivery_id: int) -> dict[str, Any]:
    return {
        "delivery": delivery_id,
        "key": one.key,
        "contact": one.contact_id,
        "flow": one.flow,
        "node": one.node,
        "event": one.event,
    }
