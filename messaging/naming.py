"""The verbs on senders and topics: in whose name, and about what."""

import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError

from contacts.addresses import BadAddress, normal_email
from contacts.models import Topic
from messaging.models import Channel, Sender
from messaging.rendering import one_line
from workspace import audit
from workspace.problems import Refused, refuse
from workspace.taken import refuse_taken
from workspace.uses import refuse_if_used

_SLUG = re.compile(r"^[a-z][a-z0-9-]{0,62}\Z")


@transaction.atomic
def create_sender(*, actor: audit.Actor, slug: str, **parts: Any) -> Sender:
    """Make a sender of email."""
    _refuse_bad(slug)
    refuse_taken(Sender, "slug", slug)
    sender = Sender(slug=slug, channel=Channel.EMAIL)
    _put_sender(sender, parts)
    audit.record(actor, "sender.created", f"snd_{sender.pk}", slug=slug)
    return sender


@transaction.atomic
def change_sender(sender: Sender, *, actor: audit.Actor, **parts: Any) -> Sender:
    """Change a sender; messages not yet sent go in its new name."""
    _put_sender(sender, parts)
    audit.record(actor, "sender.changed", f"snd_{sender.pk}", parts=sorted(parts))
    return sender


def _put_sender(sender: Sender, parts: Mapping[str, Any]) -> None:
    for name, value in parts.items():
        if name in ("address", "reply_to") and value:
            value = _email(name, value)
        setattr(sender, name, one_line(value) if isinstance(value, str) else value)
    if sender.is_default:
        Sender.objects.filter(channel=sender.channel, is_default=True).exclude(pk=sender.pk).update(is_default=False)
    sender.save()


def _email(name: str, value: str) -> str:
    try:
        return normal_email(value)
    except BadAddress as error:
        raise refuse(name, str(error)) from error


@transaction.atomic
def delete_sender(sender: Sender, *, actor: audit.Actor) -> None:
    """Delete a sender that nothing was sent by and that is not the default."""
    refuse_if_used(f"sender:{sender.slug}")
    if sender.is_default:
        raise refuse("is_default", "This is the default sender; make another the default first.", 409)
    audit.record(actor, "sender.deleted", f"snd_{sender.pk}", slug=sender.slug)
    _delete(sender, "Messages were sent by this sender, so it stays.")


@transaction.atomic
def create_topic(*, actor: audit.Actor, name: str, slug: str, description: str = "") -> Topic:
    """Make a topic that contacts can agree to."""
    _refuse_bad(slug)
    refuse_taken(Topic, "slug", slug)
    topic = Topic.objects.create(name=name, slug=slug, description=description)
    audit.record(actor, "topic.created", f"top_{topic.pk}", slug=slug)
    return topic


@transaction.atomic
def change_topic(topic: Topic, *, actor: audit.Actor, **parts: Any) -> Topic:
    """Change how a topic is called; its slug, which consent refers to, stays."""
    for name, value in parts.items():
        setattr(topic, name, value)
    topic.save()
    audit.record(actor, "topic.changed", f"top_{topic.pk}", parts=sorted(parts))
    return topic


@transaction.atomic
def delete_topic(topic: Topic, *, actor: audit.Actor) -> None:
    """Delete a topic that nothing uses; the evidence of consent to it stays."""
    refuse_if_used(f"topic:{topic.slug}")
    audit.record(actor, "topic.deleted", f"top_{topic.pk}", slug=topic.slug)
    _delete(topic, "Templates are about this topic, so it stays.")


def _delete(row: Sender | Topic, words: str) -> None:
    try:
        with transaction.atomic():
            row.delete()
    except ProtectedError as error:
        raise Refused(words, status=409) from error


def _refuse_bad(slug: str) -> None:
    if not _SLUG.match(slug):
        raise refuse("slug", "A slug starts with a letter and has only a-z, 0-9 and hyphens, at most 63 characters.")
