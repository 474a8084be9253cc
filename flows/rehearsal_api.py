"""The API of trying one contact: /api/v1/flows/{id}/simulate/."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api import find as find_contact
from flows.api import Door, find
from flows.rehearsing import Wish, rehearse
from flows.wire import ANYTHING
from segmentation.wire import Strict


class SimulateInput(Strict):
    """Whom to try, from when, and what is known beforehand of what nobody can know."""

    contact = serializers.CharField(
        required=False, max_length=300, help_text='"con_42", "user:17", "email:ana@example.com"'
    )
    made_up = serializers.DictField(
        required=False,
        help_text="A contact that does not exist, as the document of one: {userId, email, customProperties}.",
    )
    at = serializers.DateTimeField(required=False, help_text="The clock at the beginning; now.")
    trigger = serializers.DictField(required=False, default=dict, help_text="What the event that starts it carries.")
    ways = serializers.DictField(
        child=serializers.CharField(max_length=63),
        required=False,
        default=dict,
        help_text='By which way out a step that waits is left: {"approve": "refused"}.',
    )
    answers = serializers.DictField(
        required=False, default=dict, help_text='What webhooks answer: {"call": {"status": 200, "body": {}}}.'
    )
    published = serializers.BooleanField(required=False, default=False, help_text="Try what runs, not the draft.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Somebody who is there, or somebody made up."""
        if ("contact" in attrs) == ("made_up" in attrs):
            raise serializers.ValidationError({"contact": "Send either contact or made_up."})
        return attrs


class SimulateView(Door):
    """Trying one contact."""

    serializer_class = SimulateInput
    write_scope = "read"
    write_permission = "flows.view_flow"

    @extend_schema(request=SimulateInput, responses=ANYTHING)
    def post(self, request: Request, ref: str) -> Response:
        """Walk one contact through the flow: each step with what its decision saw and what it would say.

        Nothing is sent, nothing is stored. A draft with faults answers 409 with them.
        """
        flow, said = find(ref), self.said(request)
        wish = Wish(
            contact=find_contact(said["contact"]) if "contact" in said else None,
            document=said.get("made_up"),
            at=said.get("at"),
            trigger=said["trigger"],
            ways=said["ways"],
            answers=said["answers"],
            published=said["published"],
        )
        return Response(rehearse(flow, wish).as_json())
