"""Putting the contact on lists and into static segments, and what they agree to hear."""

from typing import Any, Literal

from flows.nodes.base import Decision, Go, Node, Scene, StepSettings, Surroundings, setting
from flows.nodes.effects import ChangeList, ChangeSegment, SetConsent

CHANNELS = {"email": "email", "sms": "SMS", "whatsapp": "WhatsApp", "push": "push messages"}


class ListSettings(StepSettings):
    """Which list."""

    list: str = setting("", "List", "list", max_length=63)


class _ListNode(Node[ListSettings]):
    group = "action"
    Settings = ListSettings
    example = {"list": "newsletter"}
    add: bool

    @classmethod
    def decide(cls, settings: ListSettings, scene: Scene) -> Decision:
        return Go(effects=(ChangeList(settings.list, cls.add),))

    @classmethod
    def words(cls, settings: ListSettings) -> str:
        return f"{cls.label} “{settings.list or '…'}”"

    @classmethod
    def faults(cls, settings: ListSettings, near: Surroundings) -> list[tuple[str, str]]:
        if not settings.list:
            return [("list", "Choose the list.")]
        return [] if settings.list in near.lists else [("list", f"There is no list “{settings.list}”; choose another.")]

    @classmethod
    def uses(cls, settings: ListSettings) -> list[str]:
        return [f"list:{settings.list}"] if settings.list else []


class AddToList(_ListNode):
    """Put the contact on a list."""

    kind = "add_to_list"
    label = "Add to list"
    icon = "list-add"
    description = "Puts the contact on a list."
    add = True


class RemoveFromList(_ListNode):
    """Take the contact off a list."""

    kind = "remove_from_list"
    label = "Remove from list"
    icon = "list-remove"
    description = "Takes the contact off a list."
    add = False


class SegmentSettings(StepSettings):
    """Which static segment."""

    segment: str = setting("", "Segment", "static_segment", max_length=63)


class _SegmentNode(Node[SegmentSettings]):
    group = "action"
    Settings = SegmentSettings
    example = {"segment": "vip"}
    add: bool

    @classmethod
    def decide(cls, settings: SegmentSettings, scene: Scene) -> Decision:
        return Go(effects=(ChangeSegment(settings.segment, cls.add),))

    @classmethod
    def words(cls, settings: SegmentSettings) -> str:
        return f"{cls.label} “{settings.segment or '…'}”"

    @classmethod
    def faults(cls, settings: SegmentSettings, near: Surroundings) -> list[tuple[str, str]]:
        if not settings.segment:
            return [("segment", "Choose the segment.")]
        kind = near.segments.get(settings.segment)
        if kind is None:
            return [("segment", f"There is no segment “{settings.segment}”; choose another.")]
        if kind != "static":
            return [
                ("segment", f"“{settings.segment}” is dynamic: its criteria alone say who is in. Choose a static one.")
            ]
        return []

    @classmethod
    def uses(cls, settings: SegmentSettings) -> list[str]:
        return [f"segment:{settings.segment}"] if settings.segment else []


class AddToSegment(_SegmentNode):
    """Put the contact into a static segment."""

    kind = "add_to_segment"
    label = "Add to segment"
    icon = "segment-add"
    description = "Puts the contact into a static segment."
    add = True


class RemoveFromSegment(_SegmentNode):
    """Take the contact out of a static segment."""

    kind = "remove_from_segment"
    label = "Remove from segment"
    icon = "segment-remove"
    description = "Takes the contact out of a static segment."
    add = False


class ConsentSettings(StepSettings):
    """On which channel, about what."""

    channel: Literal["email", "sms", "whatsapp", "push"] = setting("email", "Channel", "choice", choices=CHANNELS)
    topic: str = setting("", "Topic", "topic", "Empty: the whole channel.", max_length=63)


class SubscribeSettings(ConsentSettings):
    """And whether an unsubscribe may be undone."""

    again: bool = setting(
        False,
        "Also those who unsubscribed",
        "switch",
        "Only when the contact has asked for it again, as in a double opt-in.",
    )


class _ConsentNode(Node[Any]):
    group = "action"
    example = {"channel": "email"}

    @classmethod
    def words(cls, settings: Any) -> str:
        about = f" about “{settings.topic}”" if settings.topic else ""
        return f"{cls.label} {'to' if cls is Subscribe else 'from'} {CHANNELS[settings.channel]}{about}"

    @classmethod
    def faults(cls, settings: Any, near: Surroundings) -> list[tuple[str, str]]:
        known = not settings.topic or settings.topic in near.topics
        return [] if known else [("topic", f"There is no topic “{settings.topic}”.")]

    @classmethod
    def uses(cls, settings: Any) -> list[str]:
        return [f"topic:{settings.topic}"] if settings.topic else []


class Subscribe(_ConsentNode):
    """Write down that the contact wants to hear of something."""

    kind = "subscribe"
    label = "Subscribe"
    icon = "subscribe"
    description = "Adds evidence that the contact agrees to a topic on a channel."
    Settings = SubscribeSettings

    @classmethod
    def decide(cls, settings: SubscribeSettings, scene: Scene) -> Decision:
        """Write it down and go on."""
        return Go(effects=(SetConsent(settings.channel, settings.topic, True, settings.again),))


class Unsubscribe(_ConsentNode):
    """Write down that the contact wants to hear no more of something."""

    kind = "unsubscribe"
    label = "Unsubscribe"
    icon = "unsubscribe"
    description = "Adds evidence that the contact wants no more of a topic, or of a whole channel."
    Settings = ConsentSettings

    @classmethod
    def decide(cls, settings: ConsentSettings, scene: Scene) -> Decision:
        """Write it down and go on."""
        return Go(effects=(SetConsent(settings.channel, settings.topic, False),))
