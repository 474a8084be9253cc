"""What goes over the wire about messaging: strictly in, plainly out."""

from typing import Any

from rest_framework import serializers

from contacts.models import Suppression, Topic
from contacts.saying import CHANNELS
from contacts.wire import Slug, Strict
from messaging.models import Message, Sender, Template


class TemplateChange(Strict):
    """What may change of a template."""

    name = serializers.CharField(required=False, max_length=120)
    subject = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    preheader = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    body = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    transactional = serializers.BooleanField(required=False)
    topic = serializers.CharField(required=False, allow_blank=True, allow_null=True, max_length=63)


class TemplateInput(TemplateChange):
    """A template to be made."""

    name = serializers.CharField(max_length=120)
    slug = serializers.CharField(required=False, allow_blank=True, max_length=63)
    channel = serializers.CharField(required=False, max_length=12, default="email")


class TemplatePreviewInput(Strict):
    """For whom to render, and with which event."""

    contact = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")
    event = serializers.DictField(required=False, default=dict)


class TestInput(Strict):
    """Where a test goes."""

    address = serializers.CharField(max_length=254)
    contact = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")


class SenderChange(Strict):
    """What may change of a sender."""

    name = serializers.CharField(required=False, max_length=120)
    address = serializers.CharField(required=False, max_length=254)
    display_name = serializers.CharField(required=False, allow_blank=True, max_length=120)
    reply_to = serializers.CharField(required=False, allow_blank=True, max_length=254)
    is_default = serializers.BooleanField(required=False)


class SenderInput(SenderChange):
    """A sender to be made."""

    name = serializers.CharField(max_length=120)
    slug = Slug()
    address = serializers.CharField(max_length=254)


class TopicChange(Strict):
    """What may change of a topic."""

    name = serializers.CharField(required=False, max_length=120)
    description = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class TopicInput(TopicChange):
    """A topic to be made."""

    name = serializers.CharField(max_length=120)
    slug = Slug()


class MessageInput(Strict):
    """One transactional message."""

    template = serializers.CharField(max_length=63)
    to = serializers.CharField(max_length=300)
    data = serializers.DictField(required=False, default=dict)  # type: ignore[assignment] # a property of the document


class SuppressionInput(Strict):
    """An address that must not be written to."""

    channel = serializers.ChoiceField(choices=CHANNELS, default="email")
    address = serializers.CharField(max_length=254)
    reason = serializers.ChoiceField(choices=Suppression.Reason.values, default="manual")


def template_out(one: Template) -> dict[str, Any]:
    """Write a template."""
    return {
        "id": one.ref,
        "name": one.name,
        "slug": one.slug,
        "channel": one.channel,
        "subject": one.subject,
        "preheader": one.preheader,
        "body": one.body,
        "transactional": one.transactional,
        "topic": one.topic.slug if one.topic else None,
        "version": one.version.number if one.version else None,
        "archived_at": one.archived_at,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }


def sender_out(one: Sender) -> dict[str, Any]:
    """Write a sender."""
    names = ("name", "slug", "channel", "address", "display_name", "reply_to", "is_default")
    return {"id": f"snd_{one.pk}", **{name: getattr(one, name) for name in names}}


def topic_out(one: Topic) -> dict[str, Any]:
    """Write a topic."""
    return {"id": f"top_{one.pk}", "name": one.name, "slug": one.slug, "description": one.description}


def message_out(one: Message) -> dict[str, Any]:
    """Write a message."""
    return {
        "id": one.ref,
        "key": one.key,
        "contact": one.contact.ref,
        "user_id": one.contact.user_id,
        "email": one.contact.email or None,
        "channel": one.channel,
        "class": one.klass,
        "topic": one.topic or None,
        "template": one.template_version.template.slug if one.template_version else None,
        one.stream.kind: one.stream.slug,
        "address": one.address or None,
        "status": one.status,
        "gate": one.gate or None,
        "reason": one.reason or None,
        "attempts": one.attempts,
        "provider_id": one.provider_id or None,
        "due_at": one.due_at,
        "planned_at": one.planned_at,
        "created_at": one.created_at,
        "calling_at": one.calling_at,
        "settled_at": one.settled_at,
    }


def suppression_out(one: Suppression) -> dict[str, Any]:
    """Write a suppression: its address is kept as a digest only."""
    names = ("channel", "digest", "reason", "created_at")
    return {"id": f"sup_{one.pk}", **{name: getattr(one, name) for name in names}}
