"""The API of messages and suppressions: /api/v1/messages/ and suppressions/."""

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import saying
from contacts.api import find
from contacts.models import Suppression
from contacts.searching import selves
from contacts.services import find_contact
from messaging import by_hand, listing, transacting, wire
from messaging.api import ANYTHING, Door
from messaging.models import Message
from messaging.sent_pages import gates_of
from workspace import clean
from workspace.api import actor_of
from workspace.models import Audit

FILTERS = ("status", "flow", "broadcast", "template", "gate", "contact")


class MessagesView(Door):
    """All messages."""

    write_permission = "messaging.add_message"

    @extend_schema(
        operation_id="messages_list", parameters=[OpenApiParameter(name, str) for name in FILTERS], responses=ANYTHING
    )
    def get(self, request: Request) -> Response:
        """List messages, newest first."""
        asked = {name: request.query_params.get(name, "") for name in FILTERS}
        if contact := asked["contact"]:
            held = find_contact(contact)
            asked["contact"] = held.ref if held else "con_0"
        return self.page(listing.filtered(asked), lambda page: [wire.message_out(one) for one in page])

    @extend_schema(request=wire.MessageInput, responses={202: ANYTHING})
    def post(self, request: Request) -> Response:
        """Send one transactional message; a repeated Idempotency-Key sends it once."""
        said = self.said(request, wire.MessageInput)
        once = clean.check(request.headers.get("Idempotency-Key", "")[:200], "Idempotency-Key")
        message = transacting.send_transactional(**said, actor=actor_of(request), once=once)
        return Response(wire.message_out(message), status=202)


class ContactMessagesView(Door):
    """What was said to a contact."""

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """List the messages of a contact, and of those who were merged into it, newest first."""
        contact = find(ref)
        found = MESSAGES.filter(contact__in=selves(contact))
        return self.page(found, lambda page: [wire.message_out(one) for one in page])


MESSAGES = Message.objects.select_related("contact", "stream", "template_version__template")


def message_of(ref: str) -> Message:
    """Return the message of an id (msg_9), or answer 404."""
    number = listing.number_of(ref, "msg_")
    message = MESSAGES.filter(pk=number).first() if number is not None else None
    if message is None:
        raise Http404
    return message


class MessageView(Door):
    """One message, by msg_9."""

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request, ref: str) -> Response:
        """Read a message with its gates and what was done to it by hand."""
        message = message_of(ref)
        history = Audit.objects.filter(subject=message.ref).order_by("id").values("verb", "at")[:100]
        return Response({**wire.message_out(message), "gates": gates_of(message), "history": list(history)})


class MessageVerbView(Door):
    """Hold, release, retry or cancel."""

    write_permission = "messaging.change_message"
    verb = ""

    @extend_schema(request=None, responses=ANYTHING)
    def post(self, request: Request, ref: str) -> Response:
        """Do to a message what the path says; 409 when its state does not allow it."""
        by_hand.VERBS[self.verb][1](message_of(ref), actor=actor_of(request))
        return Response(wire.message_out(message_of(ref)))


class SuppressionsView(Door):
    """All suppressions."""

    write_permission = "contacts.add_suppression"

    @extend_schema(responses=ANYTHING)
    def get(self, request: Request) -> Response:
        """List suppressions; addresses are kept as digests only."""
        return self.page(Suppression.objects.all(), lambda page: [wire.suppression_out(one) for one in page])

    @extend_schema(request=wire.SuppressionInput, responses={201: ANYTHING})
    def post(self, request: Request) -> Response:
        """See to it that nothing goes to an address any more."""
        said = self.said(request, wire.SuppressionInput)
        return Response(wire.suppression_out(saying.suppress(**said, actor=actor_of(request))), status=201)


class SuppressionsLiftView(Door):
    """Lifting."""

    write_permission = "contacts.delete_suppression"

    @extend_schema(request=wire.SuppressionInput, responses=ANYTHING)
    def post(self, request: Request) -> Response:
        """Let an address be written to again."""
        said = self.said(request, wire.SuppressionInput)
        lifted = saying.lift_suppression(channel=said["channel"], address=said["address"], actor=actor_of(request))
        return Response({"lifted": lifted})
