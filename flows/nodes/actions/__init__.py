"""What is done for a contact on the way: the kinds of the palette's first group, in its order."""

from flows.nodes.actions.contact import DeleteContactNode, RecordEventNode, UpdateContactNode
from flows.nodes.actions.elsewhere import ExportNode, NotifyStaff, Webhook
from flows.nodes.actions.messages import SendEmail, SendOnsite, SendPush, SendSms, SendWhatsapp
from flows.nodes.actions.moving import LeaveFlowNode, StartFlowNode
from flows.nodes.actions.placing import (
    AddToList,
    AddToSegment,
    RemoveFromList,
    RemoveFromSegment,
    Subscribe,
    Unsubscribe,
)
from flows.nodes.base import AnyNode

ACTIONS: tuple[AnyNode, ...] = (
    SendEmail,
    SendSms,
    SendWhatsapp,
    SendPush,
    SendOnsite,
    NotifyStaff,
    UpdateContactNode,
    AddToList,
    RemoveFromList,
    AddToSegment,
    RemoveFromSegment,
    Subscribe,
    Unsubscribe,
    RecordEventNode,
    StartFlowNode,
    LeaveFlowNode,
    Webhook,
    ExportNode,
    DeleteContactNode,
)

__all__ = ["ACTIONS"]
