"""Segments as they go over the wire: what comes in, strictly; what goes out, in a handful of queries."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rest_framework import serializers

from segmentation.listing import state_of
from segmentation.models import Evaluation, Membership, Segment, Transition
from segmentation.sentences import sentences
from segmentation.services import sizes
from workspace.problems import Fault, Refused

SLUG = r"^[a-z][a-z0-9-]{0,62}$"
FIRES = ("none", "entries", "exits", "both")
STATUS = {
    "ready": "done",
    "muted": "done",
    "archived": "done",
    "waiting": "waiting",
    "evaluating": "running",
    "stopped": "cancelled",
}


class Strict(serializers.Serializer[Any]):
    """Refuses properties that it does not know."""

    def to_internal_value(self, data: Any) -> Any:
        """Look for unknown names before anything else."""
        if isinstance(data, Mapping):
            unknown = sorted(set(map(str, data)) - set(self.fields))
            if unknown:
                raise serializers.ValidationError(dict.fromkeys(unknown, self.unknown(data)))
        return super().to_internal_value(data)

    def unknown(self, data: Any) -> str:
        """Say what to do about an unknown name."""
        return f"There is no such property; remove it. Known are {', '.join(self.fields)}."


class SegmentInput(Strict):
    """A segment to be made."""

    name = serializers.CharField(max_length=120)
    slug = serializers.RegexField(
        SLUG,
        required=False,
        allow_blank=True,
        error_messages={"invalid": "Write a slug as a small letter, then at most 62 small letters, digits and dashes."},
    )
    kind = serializers.CharField(default=Segment.Kind.STATIC, help_text='"static" (default) or "dynamic", in any case.')
    description = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    color = serializers.CharField(required=False, allow_blank=True, max_length=20)
    labels = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=20)
    criteria = serializers.JSONField(required=False, allow_null=True)

    def validate_kind(self, kind: str) -> str:
        """Take the kind in any case."""
        if kind.lower() not in Segment.Kind.values:
            raise serializers.ValidationError('kind is "static" or "dynamic".')
        return kind.lower()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Criteria belong to dynamic segments, which cannot be without."""
        given = attrs.get("criteria") is not None
        if attrs.get("kind") == Segment.Kind.STATIC and given:
            message = 'A static segment has no criteria: its members are put there. Send kind "dynamic", or leave criteria out.'
            raise serializers.ValidationError({"criteria": message})
        if attrs.get("kind") == Segment.Kind.DYNAMIC and not given:
            raise serializers.ValidationError({"criteria": "A dynamic segment needs criteria."})
        return attrs


class SegmentChange(Strict):
    """What may be changed of a segment."""

    name = serializers.CharField(max_length=120, required=False)
    description = serializers.CharField(required=False, allow_blank=True, max_length=2000)
    color = serializers.CharField(required=False, allow_blank=True, max_length=20)
    labels = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=20)
    criteria = serializers.JSONField(required=False)
    fires = serializers.ChoiceField(
        FIRES, required=False, help_text="What flows hear of when criteria change the members."
    )

    def unknown(self, data: Any) -> str:
        """Slug and kind have a sentence of their own."""
        if {"slug", "kind"} & set(data):
            return "slug and kind never change; make another segment (duplicate/) instead."
        return super().unknown(data)


class CriteriaInput(Strict):
    """A criteria document."""

    criteria = serializers.JSONField()


class PreviewInput(CriteriaInput):
    """A criteria document, and whether to wait for the exact number."""

    exact = serializers.BooleanField(
        default=False, help_text="Otherwise a count that takes long is an estimate, and the answer says so."
    )


class ContactsInput(Strict):
    """Contacts by name."""

    contacts = serializers.ListField(
        child=serializers.CharField(), help_text='"con_42", "user:17", "email:ana@example.com"'
    )


class EvaluationState(serializers.Serializer[Any]):
    """How the evaluation of a segment stands."""

    status = serializers.ChoiceField(["done", "waiting", "running", "failed", "cancelled"])
    progress = serializers.FloatField(help_text="From 0 to 1.")
    error = serializers.CharField(allow_blank=True)


class SegmentOutput(serializers.Serializer[Any]):
    """A segment."""

    id = serializers.CharField(help_text="seg_7")
    slug = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(Segment.Kind.choices)
    description = serializers.CharField()
    color = serializers.CharField()
    labels = serializers.ListField(child=serializers.CharField())
    criteria = serializers.JSONField(allow_null=True)
    words = serializers.CharField(help_text="The criteria as an English sentence.")
    size = serializers.IntegerField()
    muted = serializers.BooleanField(help_text="Moves are written and nothing fires.")
    muted_at = serializers.DateTimeField(allow_null=True)
    evaluated_at = serializers.DateTimeField(allow_null=True)
    evaluation = EvaluationState(allow_null=True)
    archived_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class MemberOutput(serializers.ModelSerializer[Membership]):
    """A member."""

    contact = serializers.CharField(source="contact.ref")
    user_id = serializers.CharField(source="contact.user_id", allow_null=True)
    email = serializers.CharField(source="contact.email")

    class Meta:
        model = Membership
        fields = ["contact", "user_id", "email", "since"]


class TransitionOutput(serializers.ModelSerializer[Transition]):
    """An entry or exit."""

    contact = serializers.SerializerMethodField()
    by = serializers.SerializerMethodField()

    class Meta:
        model = Transition
        fields = ["id", "contact", "seq", "kind", "cause", "inner_cause", "by", "fires", "at"]

    def get_contact(self, move: Transition) -> str:
        """Return con_42."""
        return f"con_{move.contact_id}"

    def get_by(self, move: Transition) -> dict[str, str] | None:
        """Return the person, key, flow or file whose doing it is, when that is known."""
        found = self.context.get("origins", {}).get(move.origin)
        return found.as_json() if found else None


class EvaluationOutput(serializers.ModelSerializer[Evaluation]):
    """One look at a segment, or the looks of a minute."""

    segment = serializers.SerializerMethodField()

    class Meta:
        model = Evaluation
        fields = ["id", "segment", "cause", "full", "status", "at", "looks", "size", "entered", "exited", "ms", "error"]

    def get_segment(self, look: Evaluation) -> str:
        """Return seg_7."""
        return f"seg_{look.segment_id}"


def segments_out(segments: Sequence[Segment]) -> list[dict[str, Any]]:
    """Return segments (read `with_state`) as they go out."""
    now = sizes([segment.pk for segment in segments])
    words = sentences(segments)
    return [_out(one, now.get(one.pk, 0), words.get(one.pk, "")) for one in segments]


def _out(segment: Segment, size: int, words: str) -> dict[str, Any]:
    plain = ("slug", "name", "kind", "description", "color", "labels", "muted")
    dates = ("muted_at", "evaluated_at", "archived_at", "created_at", "updated_at")
    return {
        "id": segment.ref,
        **{name: getattr(segment, name) for name in plain},
        "criteria": segment.rule.document if segment.rule else None,
        "words": words,
        "size": size,
        "evaluation": evaluation_out(segment),
        **{name: getattr(segment, name) for name in dates},
    }


def evaluation_out(segment: Any) -> dict[str, Any] | None:
    """Return how the evaluation of a dynamic segment stands, or the making of a static copy; None for other static ones."""
    if segment.kind == Segment.Kind.STATIC and not segment.last_look:
        return None
    state, note = state_of(segment)
    last = segment.last_look or {}
    running = state == "evaluating" and last.get("total")
    progress = last["done"] / last["total"] if running else float(state not in ("waiting", "evaluating"))
    return {
        "status": STATUS.get(state, state),
        "progress": progress,
        "error": note if state in ("failed", "stopped") else "",
    }


def changed(segment: Segment) -> list[Any]:
    """Return what changes whenever somebody changes the segment, and not when it is evaluated."""
    return [
        segment.pk,
        segment.name,
        segment.description,
        segment.color,
        segment.labels,
        segment.rule_id,
        segment.muted,
        segment.archived_at,
    ]


@contextmanager
def criteria_paths() -> Iterator[None]:
    """Let the faults of a criteria document name their place in the request: criteria.conditions[0].value."""
    try:
        yield
    except Refused as refused:
        faults = [Fault(_placed(fault.path), fault.message) for fault in refused.faults]
        raise Refused(refused.detail, faults, refused.status) from refused


def _placed(path: str) -> str:
    first = path.partition(".")[0].partition("[")[0]
    if first in {"criteria", "contacts", "name", "slug", "kind", "color", "labels", "description", "fires"}:
        return path
    return f"criteria.{path}" if path else "criteria"
