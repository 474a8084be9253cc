"""What starts a journey."""

from flows.nodes.triggers.base import AnyTrigger, Trigger, trigger_of
from flows.nodes.triggers.events import EventTrigger, WebhookReceived
from flows.nodes.triggers.facts import AttributeChanged, FlowFinished, ListAdded, ListRemoved, Manual
from flows.nodes.triggers.segments import ContactSegment
from flows.nodes.triggers.times import DateAttribute, Schedule

TRIGGERS: tuple[AnyTrigger, ...] = (
    ContactSegment,
    EventTrigger,
    ListAdded,
    ListRemoved,
    AttributeChanged,
    DateAttribute,
    Schedule,
    WebhookReceived,
    FlowFinished,
    Manual,
)

__all__ = ["TRIGGERS", "AnyTrigger", "ContactSegment", "EventTrigger", "Trigger", "trigger_of"]
