"""What becomes of a change that needs approval, at each way in: it is filed as a review, and whoever asked is told so."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from rest_framework import serializers
from rest_framework.response import Response

from workspace import reviews
from workspace.approval import NeedsApproval
from workspace.models import Review
from workspace.problems import Refused


class FiledReview(serializers.Serializer[Any]):
    """The review in which a change waits."""

    id = serializers.CharField(help_text="rev_3")
    url = serializers.CharField()
    status = serializers.CharField()
    detail = serializers.CharField()


class Filed(serializers.Serializer[Any]):
    """Where the workspace asks for approval: nothing is changed yet, the change waits in this review."""

    review = FiledReview()


WAITS = "Nothing is changed yet: another person must approve it first."


def file_it(needed: NeedsApproval, *, words: str = "", into: str = "") -> Review:
    """File what was not done as a review, or give it to the open review that it was made for."""
    proposal, actor = needed.proposal, needed.actor
    review = Review.objects.filter(pk=int(into)).first() if into.isdecimal() and len(into) < 19 else None
    if review is not None:
        return reviews.revise(review, actor=actor, proposal=proposal, words=words)
    return reviews.file(actor=actor, kind=proposal.kind, words=words, proposal=proposal)


def to_program(needed: NeedsApproval) -> Response:
    """Answer a program 202 with the review that its change waits in."""
    review = file_it(needed)
    url = reverse("api_review", args=[review.ref])
    said = {"id": review.ref, "url": url, "status": review.status, "detail": WAITS}
    return Response({"review": said}, status=202, headers={"Location": url})


def to_person(request: HttpRequest, needed: NeedsApproval) -> HttpResponse:
    """Take a person to the review that their change waits in."""
    try:
        review = file_it(needed, words=request.POST.get("why", ""), into=request.GET.get("review", ""))
    except Refused as refused:
        messages.error(request, refused.detail)
        return redirect("reviews")
    messages.info(request, WAITS)
    where = reverse("review", args=[review.pk])
    return HttpResponse(headers={"HX-Redirect": where}) if request.headers.get("HX-Request") else redirect(where)
