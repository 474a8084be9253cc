"""The API of reviews: /api/v1/reviews/."""

import re
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.wire import Strict
from workspace import reviews
from workspace.api import actor_of
from workspace.approval import kind_of, propose
from workspace.door import Door
from workspace.models import Key, Review, ReviewNote
from workspace.problems import refuse
from workspace.tags import refuse_stale, tag

ID = re.compile(r"^(?:rev_)?([0-9]{1,18})$")
DECIDING = 41_604  # the first half of the advisory lock under which the API decides about a review
WHO = ("requested_by", "requested_key", "changed_by", "changed_key", "reviewed_by", "reviewed_key")


class ReviewInput(Strict):
    """What is asked for: in words, as a change, or both."""

    kind = serializers.CharField(default="segment", max_length=20)
    verb = serializers.CharField(
        required=False,
        help_text="create, change, archive, unarchive, delete, duplicate, freeze, personas; none: words.",
    )
    subject = serializers.CharField(required=False, allow_blank=True, max_length=120, help_text="seg_7, or its slug.")
    change = serializers.JSONField(required=False, help_text="The body that the change itself would take.")
    words = serializers.CharField(required=False, allow_blank=True, max_length=reviews.LONGEST)
    submit = serializers.BooleanField(default=True, help_text="false: a draft, put into the queue by submit/.")


class ReviewChange(Strict):
    """Another change, or other words, for the next round."""

    verb = serializers.CharField(required=False)
    change = serializers.JSONField(required=False)
    words = serializers.CharField(required=False, allow_blank=True, max_length=reviews.LONGEST)


class NoteInput(Strict):
    """Something said along."""

    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=reviews.LONGEST)


class SentBackInput(Strict):
    """What should be different."""

    note = serializers.CharField(max_length=reviews.LONGEST)


class ApprovalInput(NoteInput):
    """An approval, of exactly what was read."""

    state = serializers.CharField(
        required=False, default="", help_text="The state that was read; needed when the subject changed meanwhile."
    )
    fires = serializers.ChoiceField(
        ["none", "entries", "exits", "both"], required=False, help_text="What flows hear of; as requested unless said."
    )


class CommentInput(Strict):
    """A comment."""

    text = serializers.CharField(max_length=reviews.LONGEST)


class Who(serializers.Serializer[Any]):
    """A person of the staff or a key."""

    person = serializers.CharField(allow_null=True)
    key = serializers.CharField(allow_null=True, help_text="key_3")


class ReviewOutput(serializers.Serializer[Any]):
    """A review."""

    id = serializers.CharField(help_text="rev_3")
    kind = serializers.CharField()
    verb = serializers.CharField(help_text="Empty while there are only words.")
    subject = serializers.CharField(help_text="seg_7; empty for what is to be made.")
    title = serializers.CharField()
    status = serializers.ChoiceField(Review.Status.choices)
    words = serializers.CharField()
    note = serializers.CharField(help_text="What the reviewer said.")
    fault = serializers.CharField(help_text="Why it could not be applied.")
    round = serializers.IntegerField()
    requested_by = Who()
    changed_by = Who(allow_null=True)
    reviewed_by = Who(allow_null=True)
    created_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)


class ReviewStepOutput(serializers.Serializer[Any]):
    """One step."""

    step = serializers.CharField()
    text = serializers.CharField()
    round = serializers.IntegerField()
    by = Who(allow_null=True)
    at = serializers.DateTimeField()


class ReviewRead(ReviewOutput):
    """A review with what differs and what it would do."""

    change = serializers.JSONField()
    difference = serializers.JSONField(
        help_text="Before and after in words and as documents; who joins, leaves, stays."
    )
    state = serializers.CharField(help_text="Send it along with approve/.")
    moved = serializers.BooleanField(help_text="The subject changed since this was asked for.")
    gone = serializers.CharField(help_text="Why it cannot be applied at all.")
    steps = ReviewStepOutput(many=True)


def find(ref: str) -> Review:
    """Return the review of an id (rev_3), or answer 404."""
    match = ID.match(ref)
    found = Review.objects.select_related(*WHO).filter(pk=int(match[1])).first() if match else None
    if found is None:
        raise Http404
    return found


def out(review: Review) -> dict[str, Any]:
    """Return a review as it goes out."""
    plain = (
        "kind",
        "verb",
        "subject",
        "title",
        "status",
        "words",
        "note",
        "fault",
        "round",
        "created_at",
        "settled_at",
    )
    people = {f"{x}_by": who(getattr(review, f"{x}_by"), getattr(review, f"{x}_key_id")) for x in PARTS}
    return {"id": review.ref, **{name: getattr(review, name) for name in plain}, **people}


PARTS = ("requested", "changed", "reviewed")


def who(person: Any, key_id: int | None) -> dict[str, str | None] | None:
    """Return who somebody is; None for nobody."""
    if person is None and key_id is None:
        return None
    return {"person": person.get_username() if person else None, "key": f"key_{key_id}" if key_id else None}


def step_out(note: ReviewNote) -> dict[str, Any]:
    """Return a step as it goes out."""
    said = {"step": note.step, "text": note.text, "round": note.round, "at": note.at}
    return {**said, "by": who(note.actor, note.key_id)}


def changed(review: Review) -> list[Any]:
    """Return what names a state of the review itself."""
    return [review.pk, review.status, review.round]


def shown(ref: str, status: int = 200) -> Response:
    """Answer a review as it stands now, with what differs."""
    review = find(ref)
    stands = reviews.standing(review)
    steps = review.notes.select_related("actor").order_by("id")
    body = {
        **out(review),
        "change": review.request,
        "difference": kind_of(review.kind).difference(review) if review.verb else {},
        "state": stands.state,
        "moved": stands.moved,
        "gone": stands.gone,
        "steps": [step_out(one) for one in steps],
    }
    return Response(body, status=status, headers={"ETag": tag(changed(review), body)})


class ReviewDoor(Door):
    """What the views of reviews share: whoever may look may ask, speak and take back what is theirs."""

    queryset = Review.objects.none()
    write_permission = "workspace.view_review"
    serializer_class: Any = NoteInput

    def said(self, request: Request) -> dict[str, Any]:
        """Return the checked body."""
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        checked: dict[str, Any] = form.validated_data
        return checked

    def unchanged(self, request: Request, ref: str) -> Review:
        """Return the review unless it changed since the caller read it; one caller at a time."""
        pk = find(ref).pk
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [DECIDING, pk % 2**31])
        review = find(str(pk))
        refuse_stale(request, changed(review), "review")
        return review


def proposed(request: Request, kind: str, verb: str, subject: str, change: Any) -> Any:
    """Return the change that is asked for as a proposal, if the caller may make such changes at all."""
    right = kind_of(kind).right(verb)
    if not isinstance(request.auth, Key) and not request.user.has_perm(right):
        raise PermissionDenied
    if not isinstance(change, dict):
        raise refuse("change", "Send the change as an object: the body that the change itself would take.")
    return propose(kind, verb, subject, change, actor=actor_of(request))


class ReviewsView(ReviewDoor):
    """All reviews."""

    serializer_class = ReviewInput

    @extend_schema(
        parameters=[
            OpenApiParameter("status", str, enum=Review.Status.values),
            OpenApiParameter("subject", str, description="seg_7"),
        ],
        responses=ReviewOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the reviews, newest first; `status` and `subject` choose."""
        page = self.paginate_queryset(self.asked(request.query_params)) or []
        return self.get_paginated_response([out(one) for one in page])

    def asked(self, query: Any) -> QuerySet[Review]:
        """Return what the query asks for."""
        found = Review.objects.select_related("requested_by", "changed_by", "reviewed_by")
        if status := query.get("status", ""):
            if status not in Review.Status.values:
                raise refuse("status", f"status is one of {', '.join(Review.Status.values)}.")
            found = found.filter(status=status)
        subject = query.get("subject", "").replace("\x00", "")[:120]
        return found.filter(subject=subject) if subject else found

    @extend_schema(request=ReviewInput, responses={201: ReviewRead})
    def post(self, request: Request) -> Response:
        """Ask for a change, in words or as the change itself, whether or not the workspace asks for approval."""
        said = self.said(request)
        kind, verb, subject = said["kind"], said.get("verb", ""), said.get("subject", "")
        if "change" in said and not verb:
            raise refuse("verb", "Say what is to be done: create, change, archive, …")
        proposal = proposed(request, kind, verb, subject, said.get("change", {})) if verb else None
        filed = reviews.file(
            actor=actor_of(request),
            kind=kind,
            words=said.get("words", ""),
            subject="" if proposal else subject,
            proposal=proposal,
            submit=said["submit"],
        )
        return shown(filed.ref, status=201)


class ReviewView(ReviewDoor):
    """One review."""

    serializer_class = ReviewChange

    @extend_schema(responses=ReviewRead)
    def get(self, request: Request, ref: str) -> Response:
        """Read a review with what differs, who would join and leave, and every step."""
        return shown(ref)

    @extend_schema(request=ReviewChange, responses=ReviewRead)
    def patch(self, request: Request, ref: str) -> Response:
        """Give the review its change, or another one: it is requested again, and its author cannot approve it."""
        said = self.said(request)
        with transaction.atomic():
            review = self.unchanged(request, ref)
            verb = said.get("verb", review.verb)
            if "change" in said and not verb:
                raise refuse("verb", "Say what is to be done: create, change, archive, …")
            wanted = "change" in said or "verb" in said
            change = said.get("change", {})
            proposal = proposed(request, review.kind, verb, review.subject, change) if wanted else None
            if proposal is None and not reviews.is_own(review, actor_of(request)):
                raise refuse("words", "Only whoever asked can put it in other words; comment instead.", 403)
            reviews.revise(review, actor=actor_of(request), proposal=proposal, words=said.get("words", ""))
        return shown(ref)


class SubmitView(ReviewDoor):
    """Into the queue."""

    @extend_schema(request=NoteInput, responses=ReviewRead)
    def post(self, request: Request, ref: str) -> Response:
        """Put a draft, or what was sent back, into the queue as it is."""
        with transaction.atomic():
            reviews.submit(self.unchanged(request, ref), actor=actor_of(request), note=self.said(request)["note"])
        return shown(ref)


class WithdrawView(ReviewDoor):
    """Taking back."""

    @extend_schema(request=NoteInput, responses=ReviewRead)
    def post(self, request: Request, ref: str) -> Response:
        """Take a request back; only whoever asked can."""
        with transaction.atomic():
            reviews.withdraw(self.unchanged(request, ref), actor=actor_of(request), note=self.said(request)["note"])
        return shown(ref)


class CommentsView(ReviewDoor):
    """Saying something."""

    serializer_class = CommentInput

    @extend_schema(request=CommentInput, responses={201: ReviewRead})
    def post(self, request: Request, ref: str) -> Response:
        """Say something about the review."""
        reviews.comment(find(ref), actor=actor_of(request), text=self.said(request)["text"])
        return shown(ref, status=201)


class SendBackView(ReviewDoor):
    """Sending back."""

    serializer_class = SentBackInput
    write_permission = "workspace.change_review"

    @extend_schema(request=SentBackInput, responses=ReviewRead)
    def post(self, request: Request, ref: str) -> Response:
        """Send the request back with a note that says what should be different."""
        with transaction.atomic():
            reviews.send_back(self.unchanged(request, ref), actor=actor_of(request), note=self.said(request)["note"])
        return shown(ref)


class ApproveView(ReviewDoor):
    """Approving."""

    serializer_class = ApprovalInput
    write_permission = "workspace.change_review"

    @extend_schema(request=ApprovalInput, responses=ReviewRead)
    def post(self, request: Request, ref: str) -> Response:
        """Approve the change and apply it at once; nobody and no key approves what it asked for itself."""
        said = self.said(request)
        review = find(ref)
        refuse_stale(request, changed(review), "review")
        reviews.approve(
            review, actor=actor_of(request), seen=said["state"], note=said["note"], fires=said.get("fires", "")
        )
        return shown(ref)
