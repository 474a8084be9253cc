"""Flows as they go over the wire: what comes in, strictly; what goes out."""

from typing import Any

from rest_framework import serializers

from flows import activation, drafts, publishing
from flows.models import Enrollment, Flow, Step, Version
from segmentation.wire import ContactsInput, Strict
from workspace.models import Job

__all__ = ["ContactsInput"]
ANYTHING = {"200": {"type": "object"}}


class FlowInput(Strict):
    """A flow to be made."""

    name = serializers.CharField(max_length=200)
    slug = serializers.CharField(required=False, allow_blank=True, max_length=63)
    description = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    labels = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=20)
    draft = serializers.JSONField(
        required=False, help_text="{nodes: [{id, kind, name, settings}], edges: [{from, port, to}]}"
    )
    settings = serializers.DictField(required=False, help_text="Activation settings.")


class FlowChange(Strict):
    """What may be changed of a flow; a draft replaces the whole draft."""

    name = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    labels = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=20)
    draft = serializers.JSONField(required=False)
    settings = serializers.DictField(required=False)

    def unknown(self, data: Any) -> str:
        """The slug has a sentence of its own."""
        return "A slug never changes; duplicate the flow instead." if "slug" in data else super().unknown(data)


class SettingsInput(Strict):
    """Activation settings; without them those of the draft stay."""

    settings = serializers.DictField(required=False, allow_null=True)


class ResumeInput(SettingsInput):
    """How to go on after a pause."""

    take_in = serializers.BooleanField(required=False, default=False)


class PauseInput(Strict):
    """What becomes of waits."""

    mode = serializers.ChoiceField(["hold_clock", "hold_due", "drain"], required=False, default="hold_clock")


class PublishInput(Strict):
    """What becomes of those inside."""

    inside = serializers.ChoiceField(["finish", "move", "exit"], required=False, default="finish")
    nodes = serializers.DictField(
        required=False, help_text='Other than `inside` for those at a node: {"mail": {"do": "move", "to": "sms"}}.'
    )
    waits = serializers.BooleanField(
        required=False, default=False, help_text="Whether waits under way take the new version's length (with move)."
    )


class RollbackInput(PublishInput):
    """Which version to publish again."""

    version = serializers.IntegerField(min_value=1, max_value=10**9)


class AtOnceInput(Strict):
    """Which verb, and for which flows."""

    verb = serializers.ChoiceField(["activate", "pause", "resume", "drain", "archive"])
    flows = serializers.ListField(child=serializers.CharField(max_length=63), min_length=1, max_length=200)


class DuplicateInput(Strict):
    """What the copy is called."""

    name = serializers.CharField(required=False, allow_blank=True, max_length=200, default="")


class EnrolInput(Strict):
    """Whom to enrol: contacts by name, or the members of a segment."""

    contacts = serializers.ListField(
        child=serializers.CharField(), required=False, help_text='"con_42", "user:17", "email:ana@example.com"'
    )
    segment = serializers.CharField(required=False, max_length=63, help_text="A segment's slug; taken in as a job.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the two, not both."""
        if ("contacts" in attrs) == ("segment" in attrs):
            raise serializers.ValidationError({"contacts": "Send either contacts or segment."})
        return attrs


class MoveInput(Strict):
    """Where to."""

    to = serializers.CharField(max_length=63, help_text="A node of the version that the contact is on.")


class SweepInput(Strict):
    """Which verb for which journeys: some by name, or all that a query finds."""

    verb = serializers.ChoiceField(["retry", "skip", "move", "exit"])
    to = serializers.CharField(required=False, max_length=63, default="", help_text="With move: the node.")
    enrollments = serializers.ListField(
        child=serializers.CharField(max_length=24), required=False, max_length=10_000, help_text='"enr_12"'
    )
    stuck = serializers.CharField(
        required=False, max_length=20, help_text="any, overdue, held, failed, quarantined, blocked or retrying."
    )
    flow = serializers.CharField(required=False, max_length=63, help_text="A flow's slug or id.")
    node = serializers.CharField(required=False, max_length=63)
    status = serializers.CharField(required=False, max_length=9)
    q = serializers.CharField(required=False, max_length=120)
    minutes = serializers.IntegerField(required=False, min_value=0, help_text="How late counts as overdue; 5.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """By name or by what they have in common, not both; everybody of the house is never meant by leaving all out."""
        by_query = attrs.keys() & {"stuck", "flow"}
        if ("enrollments" in attrs) == bool(by_query):
            raise serializers.ValidationError({"enrollments": "Send either enrollments, or stuck or flow."})
        return attrs


class RotateInput(Strict):
    """How long the address before is still heard."""

    overlap_hours = serializers.IntegerField(required=False, default=24, min_value=0, max_value=720)


class Nothing(Strict):
    """An empty body."""


class FlowOutput(serializers.Serializer[Any]):
    """A flow; its draft only where it is read alone."""

    id = serializers.CharField(help_text="flo_4")
    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    labels = serializers.ListField(child=serializers.CharField())
    status = serializers.ChoiceField(Flow.Status.choices)
    revision = serializers.IntegerField(help_text="Counts changes of the draft.")
    version = serializers.IntegerField(allow_null=True, help_text="The number of the published version.")
    settings = serializers.JSONField()
    draft = serializers.JSONField(required=False)
    unpublished_changes = serializers.BooleanField(required=False)
    pause = serializers.CharField(allow_blank=True)
    paused_at = serializers.DateTimeField(allow_null=True)
    activated_at = serializers.DateTimeField(allow_null=True)
    archived_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class VersionOutput(serializers.ModelSerializer[Version]):
    """A published version."""

    class Meta:
        model = Version
        fields = ["number", "graph", "settings", "digest", "published_at"]


class EnrollmentOutput(serializers.Serializer[Enrollment]):
    """A contact on the way."""

    id = serializers.CharField(source="ref", help_text="enr_12")
    flow = serializers.CharField(source="flow.ref")
    version = serializers.IntegerField(source="version.number")
    contact = serializers.CharField(source="contact.ref")
    user_id = serializers.CharField(source="contact.user_id", allow_null=True)
    email = serializers.CharField(source="contact.email")
    entry_key = serializers.CharField()
    status = serializers.CharField()
    reason = serializers.CharField()
    error = serializers.CharField()
    node = serializers.CharField()
    visit = serializers.IntegerField()
    waiting = serializers.BooleanField()
    parked = serializers.CharField()
    due_at = serializers.DateTimeField(allow_null=True)
    attempts = serializers.IntegerField()
    entered_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class StepOutput(serializers.ModelSerializer[Step]):
    """A node passed, with what the decision saw."""

    class Meta:
        model = Step
        fields = ["visit", "node", "kind", "port", "next", "saw", "at"]


def job_out(job: Job) -> dict[str, Any]:
    """Return a job that takes contacts in, as it goes out."""
    return {
        "id": f"job_{job.pk}",
        "status": job.status,
        "done": job.done,
        "total": job.total,
        "segment": job.request.get("segment", ""),
        "source": job.request.get("kind", ""),
        "created_at": job.created_at,
        "ended_at": job.ended_at,
    }


def flow_out(flow: Flow, *, draft: bool = False) -> dict[str, Any]:
    """Return a flow as it goes out."""
    plain = ("slug", "name", "description", "labels", "status", "revision", "pause")
    dates = ("paused_at", "activated_at", "archived_at", "created_at", "updated_at")
    found: dict[str, Any] = {
        "id": flow.ref,
        **{name: getattr(flow, name) for name in plain},
        "version": flow.version.number if flow.version else None,
        "settings": activation.read(flow.settings).model_dump(mode="json"),
        **{name: getattr(flow, name) for name in dates},
    }
    if draft:
        found |= {"draft": drafts.document(flow), "unpublished_changes": publishing.differs(flow)}
    return found


def changed(flow: Flow) -> list[Any]:
    """Return what changes whenever somebody changes the draft or what the flow is called."""
    return [flow.pk, flow.revision, flow.name, flow.description, flow.labels, flow.settings]
