"""What a website may know of somebody right now: segments, running flows, where they stand, and the words to show by."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings as house
from django.core import signing

from contacts.models import Contact, Identity
from flows.models import Enrollment
from flows.plans import plans_of
from flows.rows import select

SALT = "tributary.state.1"
LONGEST = timedelta(days=7)


def token_for(user_id: str, until: datetime) -> str:
    """Return a token with which a web page may read one person's state until an instant."""
    return signing.dumps({"u": user_id, "x": int(until.timestamp())}, salt=SALT)


def is_good(token: str, user_id: str, at: datetime) -> bool:
    """Tell whether a token was made by us for this person and is still good."""
    try:
        said = signing.loads(token, salt=SALT, fallback_keys=house.SECRET_KEY_FALLBACKS)
    except signing.BadSignature:
        return False
    return isinstance(said, dict) and said.get("u") == user_id and int(said.get("x", 0)) > at.timestamp()


def find(user_id: str) -> Contact | None:
    """Return the contact of a user id; one that was merged answers as its winner."""
    named = Identity.objects.filter(kind=Identity.Kind.USER, value=user_id.replace("\x00", ""))
    found = named.select_related("contact__merged_into").first()
    return (found.contact.merged_into or found.contact) if found else None


_SEGMENTS = """
SELECT s.slug FROM segmentation_membership m JOIN segmentation_segment s ON s.id = m.segment_id
WHERE m.contact_id = %s AND s.archived_at IS NULL ORDER BY s.slug
"""


def state_of(contact: Contact) -> dict[str, Any]:
    """Return the segments and running flows of a contact, with the personalisation keys of where they stand."""
    rows = list(
        Enrollment.objects.filter(contact=contact, status=Enrollment.Status.ACTIVE)
        .order_by("id")
        .values_list("flow__slug", "version_id", "node", "entry_key", "waiting", "entered_at", "due_at")
    )
    plans = plans_of({row[1] for row in rows})
    flows = [
        {
            "flow": slug,
            "node": node,
            "personalisation_key": _key(plans[version].nodes[node].settings),
            "entry_key": entry_key,
            "waiting": waiting,
            "entered_at": entered_at,
            "due_at": due_at,
        }
        for slug, version, node, entry_key, waiting, entered_at, due_at in rows
    ]
    return {
        "user_id": contact.user_id,
        "segments": [slug for (slug,) in select(_SEGMENTS, [contact.pk])],
        "flows": flows,
        "personalisation_keys": sorted({one["personalisation_key"] for one in flows} - {""}),
    }


def _key(settings: Any) -> str:
    return str(getattr(settings, "personalisation_key", ""))
