"""Topics: what marketing may be about."""

from typing import Any

from django.db import transaction

from contacts.models import Topic
from workspace import audit
from workspace.audit import Actor
from workspace.uses import refuse_if_used


@transaction.atomic
def save_topic(topic: Topic, *, actor: Actor, **said: Any) -> Topic:
    """Make a topic, or change what it is called; its slug never changes."""
    made = topic.pk is None
    for name, value in said.items():
        setattr(topic, name, value)
    topic.save()
    audit.record(actor, "topic.created" if made else "topic.changed", f"top_{topic.pk}", slug=topic.slug)
    return topic


@transaction.atomic
def delete_topic(topic: Topic, *, actor: Actor) -> None:
    """Delete a topic that nothing uses; the evidence of consent stays."""
    refuse_if_used(f"topic:{topic.slug}")
    audit.record(actor, "topic.deleted", f"top_{topic.pk}", slug=topic.slug)
    topic.delete()
