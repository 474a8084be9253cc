"""One transactional message, asked for by a program: a receipt, a password, a parcel on its way."""

import hashlib
import uuid
from typing import Any

from django.db import transaction

from contacts import services as people
from contacts.addresses import BadAddress, normal_email
from contacts.models import Contact
from messaging.models import Message, Template
from messaging.queueing import Draft, queue, set_stream
from workspace import audit, clock
from workspace.problems import refuse

MOST = 32  # kB of data a message may carry


@transaction.atomic
def send_transactional(*, template: str, to: str, data: dict[str, Any], actor: audit.Actor, once: str = "") -> Message:
    """Queue a published transactional template to one contact; the same `once` of a key queues one message."""
    held = Template.objects.filter(slug=template, archived_at=None).select_related("version").first()
    if held is None or held.version is None:
        raise refuse("template", f'There is no published template "{template[:63]}".')
    if not held.version.transactional:
        raise refuse("template", "This template is marketing; messages by themselves are transactional.", 409)
    key = f"t:{hashlib.sha256(f'{actor.key_id}:{actor.user_id}:{once}'.encode()).hexdigest()[:40]}" if once else ""
    key = key or f"t:{uuid.uuid4().hex}"
    contact, at = _contact(to, actor), clock.now()
    draft = Draft(
        key=key,
        contact_id=contact.pk,
        channel="email",
        klass="transactional",
        stream_id=set_stream("api", "messages").pk,
        template_version_id=held.version_id,
        content={"event": data},
        due_at=at,
        planned_at=at,
        lane=-1,
    )
    queue([draft])
    message = Message.objects.select_related("contact", "stream", "template_version__template").get(key=key)
    if (message.contact_id, message.template_version_id, message.content.get("event")) != (
        contact.pk,
        held.version_id,
        data,
    ):
        raise refuse("", "This Idempotency-Key was used for another message.", 409)
    return message


def _contact(to: str, actor: audit.Actor) -> Contact:
    """Return the contact that is meant; an email address nobody has makes one."""
    email = to.removeprefix("email:") if "@" in to and not to.startswith("user:") else ""
    found = people.find_contact(f"email:{email}" if email else to)
    if found is not None:
        return found
    try:
        address = normal_email(email) if email else ""
    except BadAddress as error:
        raise refuse("to", str(error)) from error
    if not address:
        raise refuse("to", "There is no such contact; name one by id, user:<user id> or an email address.")
    return people.create_contact(document={"email": address}, actor=actor)
