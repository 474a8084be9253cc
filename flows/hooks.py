"""A flow's own secret address: what it is, who knows it, and hearing what comes there.

No secret is stored. An address is a flow's number, a turn and their signature by the house's own key, so that a copy of the
base tells none; rotating takes the next turn, and the one before is heard for as long as was said.
"""

import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from contacts.ingest import Source, Taken, store
from contacts.properties import CUSTOM
from contacts.spec import read_item
from flows.models import Flow
from flows.places import value_at
from flows.plans import plans_of
from flows.starting import source_of
from flows.trigger_models import Hook, HookSample
from workspace import clock
from workspace.audit import Actor, record
from workspace.problems import Refused, refuse

KIND = "webhook_received"
LIMIT = 500 * 1024
MOST_PROPERTIES = 32 * 1024
KEPT, KEPT_BYTES, KEPT_FOR = 10, 32 * 1024, timedelta(days=30)
LONGEST_OVERLAP = 24 * 30
DELIVERY_HEADERS = (
    "webhook-id", "svix-id", "idempotency-key", "x-github-delivery", "x-shopify-webhook-id", "x-wc-webhook-delivery-id",
    "x-delivery-id", "x-event-id", "x-request-id",
)  # fmt: skip
Outcome = HookSample.Outcome


def address_of(flow: Flow) -> str:
    """Return the address as it is now."""
    return f"{settings.SITE_URL}/v1/hooks/{_token(flow.pk, _turn(flow), settings.SECRET_KEY)}/"


def _turn(flow: Flow) -> int:
    return Hook.objects.filter(flow=flow).values_list("turn", flat=True).first() or 1


def _token(flow_id: int, turn: int, key: str) -> str:
    digest = salted_hmac("tributary.flows.hook", f"{flow_id}.{turn}", secret=key, algorithm="sha256").digest()
    return f"{flow_id}.{turn}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def named(token: str) -> tuple[int, int] | None:
    """Return the flow's number and the turn that an address names, or None when the house did not sign it; reads nothing."""
    number, _, rest = token.partition(".")
    turn = rest.partition(".")[0]
    if not all(one.isascii() and one.isdigit() and len(one) <= 15 for one in (number, turn)):
        return None
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    known = [constant_time_compare(token, _token(int(number), int(turn), key)) for key in keys]
    return (int(number), int(turn)) if any(known) else None


def find(token: str, at: datetime) -> Flow | None:
    """Return the flow of an address that holds, or None; the signature is compared before anything is looked up."""
    address = named(token)
    if address is None:
        return None
    flow = Flow.objects.select_related("version", "hook").filter(pk=address[0], archived_at=None).first()
    return flow if flow is not None and _holds(flow, address[1], at) and listens(flow) else None


def _holds(flow: Flow, turn: int, at: datetime) -> bool:
    hook = getattr(flow, "hook", None)
    if turn == (hook.turn if hook else 1):
        return True
    return bool(hook and turn == hook.turn - 1 and hook.former_until and at < hook.former_until)


def listens(flow: Flow) -> bool:
    """Tell whether a webhook is the trigger of the draft or of what runs."""
    running = flow.version.graph["nodes"] if flow.version else []
    return any(one["kind"] == KIND for one in running) or flow.nodes.filter(kind=KIND).exists()


@transaction.atomic
def rotate(flow: Flow, *, actor: Actor, overlap_hours: int = 24) -> Hook:
    """Give the flow another address; the one before is heard for so many hours more."""
    if not 0 <= overlap_hours <= LONGEST_OVERLAP:
        raise refuse("overlap_hours", f"The address before is heard for 0 to {LONGEST_OVERLAP} hours more.")
    Hook.objects.get_or_create(flow=flow)
    hook = Hook.objects.select_for_update().get(flow=flow)
    at = clock.now()
    hook.turn, hook.rotated_at, hook.former_until = hook.turn + 1, at, at + timedelta(hours=overlap_hours)
    hook.save()
    record(actor, "flow.hook_rotated", flow.ref, overlap_hours=overlap_hours)
    return hook


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a body."""

    outcome: str
    contact_id: int | None = None


def hear(flow: Flow, body: Any, size: int, headers: Mapping[str, str]) -> Heard:
    """Take in what came to a flow's address, by the same door as all facts; raise Refused for what nobody can be found in."""
    at = clock.now()
    mapping = _mapping(flow)
    if mapping is None:
        _keep(flow, at, Outcome.KEPT, size, body)
        return Heard(Outcome.KEPT)
    try:
        heard = _store(flow, mapping, body, headers, at)
    except Refused as error:
        said = error.faults[0].message if error.faults else error.detail
        _keep(flow, at, Outcome.REFUSED, size, body, fault=said)
        raise
    if heard.outcome != Outcome.REPEATED:
        _keep(flow, at, heard.outcome, size, body, contact_id=heard.contact_id)
    return heard


def refused(flow: Flow, size: int, why: str) -> None:
    """Note a body that could not even be read."""
    _keep(flow, clock.now(), Outcome.REFUSED, size, None, fault=why)


def _mapping(flow: Flow) -> Any:
    """Return the settings of the trigger that runs; None while nothing does."""
    if flow.version_id is None or flow.status not in ("running", "paused", "draining"):
        return None
    trigger = plans_of([flow.version_id])[flow.version_id].trigger
    return trigger.settings if trigger.kind == KIND else None


def _store(flow: Flow, mapping: Any, body: Any, headers: Mapping[str, str], at: datetime) -> Heard:
    source = Source(source_of(flow.pk), seen=False)
    item = read_item(_identify(mapping, body, headers), index=0, source=source)
    item.arrive(at)
    item.kind, item.event, item.properties = "track", mapping.event_name, _properties(mapping, body)
    taken = Taken([None], [None])
    store([item], taken, source=source, received_at=at)
    if fault := taken.faults[0]:
        raise Refused(fault.message, [fault])
    return Heard(Outcome.TAKEN if taken.contact_ids[0] else Outcome.REPEATED, taken.contact_ids[0])


def _identify(mapping: Any, body: Any, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return who it is about and what is told of them, as an item of the Segment spec."""
    traits = {name.removeprefix(CUSTOM): value_at(body, place) for name, place in mapping.attributes.items()}
    for name in ("email", "phone"):
        value = value_at(body, getattr(mapping, name)) if getattr(mapping, name) else None
        if value not in (None, ""):
            traits[name] = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    user_id = value_at(body, mapping.user_id) if mapping.user_id else None
    traits = {name: value for name, value in traits.items() if value is not None}
    if user_id in (None, "") and not (traits.get("email") or traits.get("phone")):
        raise refuse("", "The body names nobody: no user id, email or phone stands where the trigger looks for it.")
    delivery = value_at(body, mapping.delivery_id) if mapping.delivery_id else _delivery(headers)
    return {"type": "identify", "userId": user_id, "traits": traits, "messageId": _id_of(delivery)}


def _delivery(headers: Mapping[str, str]) -> str:
    lower = {name.lower(): value for name, value in headers.items()}
    return next((lower[name] for name in DELIVERY_HEADERS if lower.get(name)), "")


def _id_of(delivery: Any) -> str:
    """Return the id by which a delivery is taken once; one without any is taken each time."""
    if isinstance(delivery, str | int) and not isinstance(delivery, bool) and str(delivery).strip():
        return str(delivery).strip()[:255]
    return uuid.uuid4().hex


def _properties(mapping: Any, body: Any) -> dict[str, Any]:
    if mapping.properties:
        found = {name: value_at(body, place) for name, place in mapping.properties.items()}
        said = {name: value for name, value in found.items() if value is not None}
    else:
        said = body if isinstance(body, dict) else {}
    if len(json.dumps(said, ensure_ascii=False)) > MOST_PROPERTIES:
        raise refuse(
            "", f"The properties are longer than {MOST_PROPERTIES:,} characters; map those that you need.", 413
        )
    return said


_CAP = """
DELETE FROM flows_hooksample WHERE hook_id = %(hook)s AND (received_at < %(oldest)s OR id < (
    SELECT min(id) FROM (SELECT id FROM flows_hooksample WHERE hook_id = %(hook)s ORDER BY id DESC LIMIT %(kept)s) k))
"""


def _keep(
    flow: Flow, at: datetime, outcome: str, size: int, body: Any, *, fault: str = "", contact_id: int | None = None
) -> None:
    """Keep a sample of what came, the last few of a flow."""
    hook = Hook.objects.get_or_create(flow=flow)[0]
    HookSample.objects.create(
        hook=hook,
        contact_id=contact_id,
        body=body if size <= KEPT_BYTES else None,
        size=size,
        outcome=outcome,
        fault=fault[:300],
        received_at=at,
    )
    with connection.cursor() as cursor:
        cursor.execute(_CAP, {"hook": hook.pk, "oldest": at - KEPT_FOR, "kept": KEPT})


_FORGET = """
DELETE FROM flows_hooksample s USING contacts_contact c WHERE c.id = ANY(%s) AND (
    s.contact_id = c.id
    OR (c.user_id <> '' AND strpos(s.body::text, c.user_id) > 0)
    OR (c.email <> '' AND strpos(lower(s.body::text), lower(c.email)) > 0)
    OR (c.phone <> '' AND strpos(s.body::text, ltrim(c.phone, '+')) > 0))
"""


def forget(contact_ids: list[int]) -> int:
    """Delete the samples that speak of contacts who are erased, and those in which their addresses stand."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [contact_ids])
        return int(cursor.rowcount)
