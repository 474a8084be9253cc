"""What a destination is told: composed when it is called, of contacts as they are then, so that nothing personal is kept."""

import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from contacts.documents import documents_of
from contacts.models import Contact
from segmentation.models import Delivery, Destination, Handed, Membership, Transition

Document = dict[str, Any]


def body_of(delivery: Delivery, destination: Destination) -> str:
    """Return the body of a call as JSON."""
    data = {
        Delivery.Kind.CHANGED: changed,
        Delivery.Kind.STATE: state,
        Delivery.Kind.TEST: test,
        Delivery.Kind.CONTACTS: handed,
    }[Delivery.Kind(delivery.kind)](delivery, destination)
    about_whom = "flow" if delivery.kind == Delivery.Kind.CONTACTS else "segment"
    said = {"type": f"{about_whom}.{delivery.kind}", "timestamp": instant(delivery.created_at), "data": data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def about(delivery: Delivery, destination: Destination) -> Document:
    """Name the segment, the destination and the round."""
    segment = destination.segment
    return {
        "segment": {"id": segment.ref, "slug": segment.slug, "name": segment.name},
        "destination": {"id": destination.ref, "slug": destination.slug},
        "round": delivery.round,
    }


def changed(delivery: Delivery, destination: Destination) -> Document:
    """Tell who came and who went, each in the order in which it happened."""
    moves = list(Transition.objects.filter(pk__in=delivery.lines.values("transition")).order_by("pk"))
    people = people_of({move.contact_id for move in moves})
    told: dict[str, list[Document]] = {"entered": [], "exited": []}
    for move in moves:
        told[move.kind].append(
            {
                "contact": people[move.contact_id],
                "at": instant(move.at),
                "seq": move.seq,
                "cause": move.cause,
                "quiet": not move.fires,
            }
        )
    return {**about(delivery, destination), **told}


def state(delivery: Delivery, destination: Destination) -> Document:
    """Tell one page of who is in now."""
    found = Membership.objects.filter(
        segment=destination.segment_id,
        contact__gte=delivery.first_contact or 0,
        contact__lte=delivery.last_contact or 0,
    )
    rows = list(found.order_by("contact_id").values_list("contact_id", "since", "seq"))
    people = people_of([pk for pk, _, _ in rows])
    members = [{"contact": people[pk], "since": instant(since), "seq": seq} for pk, since, seq in rows]
    pages = {"page": delivery.page, "pages": delivery.pages}
    return {**about(delivery, destination), **pages, "members": members}


def handed(delivery: Delivery, destination: Destination) -> Document:
    """Tell whom flows handed over, in that order, each with the flow, the node and the event that began the journey."""
    rows = list(Handed.objects.filter(delivery=delivery).order_by("pk"))
    people = people_of({one.contact_id for one in rows})
    told = [
        {
            "contact": people[one.contact_id],
            "at": instant(one.at),
            "key": one.key,
            "flow": one.flow,
            "node": one.node,
            "event": one.event,
        }
        for one in rows
    ]
    return {"destination": {"id": destination.ref, "slug": destination.slug}, "contacts": told}


def test(delivery: Delivery, destination: Destination) -> Document:
    """Tell nothing but that the call arrives."""
    return {**about(delivery, destination), "message": "This is a test. Nothing has changed."}


def people_of(ids: Collection[int]) -> dict[int, Document]:
    """Return the document of each contact; of one that was merged or erased only where it is now."""
    found = Contact.objects.in_bulk(list(ids))
    alive = [one for one in found.values() if one.alive]
    told = dict(zip((one.pk for one in alive), documents_of(alive), strict=True))
    return {pk: told.get(pk) or _gone(pk, found.get(pk)) for pk in ids}


def _gone(pk: int, contact: Contact | None) -> Document:
    if contact is not None and contact.erased_at is None:
        return {"id": f"con_{pk}", "mergedInto": f"con_{contact.merged_into_id}"}
    return {"id": f"con_{pk}", "erased": True}


def instant(at: datetime) -> str:
    """Return an instant as it goes over the wire."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
