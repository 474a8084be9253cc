"""What a new workspace begins with."""

from email.utils import parseaddr

from django.conf import settings
from django.db import transaction

from contacts.models import Topic
from messaging.models import Channel, Sender


@transaction.atomic
def ensure_defaults() -> tuple[Sender, Topic]:
    """Make the first sender and the first topic where there are none; change nothing otherwise."""
    sender = Sender.objects.filter(channel=Channel.EMAIL, is_default=True).first()
    if sender is None:
        name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
        sender, _ = Sender.objects.get_or_create(
            slug="default",
            defaults={
                "name": "Default",
                "channel": Channel.EMAIL,
                "address": address,
                "display_name": name,
                "is_default": True,
            },
        )
    topic = Topic.objects.order_by("pk").first()
    if topic is None:
        topic = Topic.objects.create(
            name="News and offers", slug="news", description="What is new, and what is on offer."
        )
    return sender, topic
