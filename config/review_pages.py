"""The pages of reviews: the queue, one review, and asking in words."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from config import navigation
from workspace import reviews
from workspace.approval import kind_of, kinds
from workspace.audit import Actor
from workspace.models import Review
from workspace.problems import Refused
from workspace.uses import InUse

PAGE = 50
WHO = ("requested_by", "requested_key", "changed_by", "changed_key", "reviewed_by", "reviewed_key")
STEPS = {
    "draft": ("began a draft", "sand", "file-text"),
    "requested": ("asked for it", "blue", "send"),
    "revised": ("revised it", "blue", "pencil"),
    "sent_back": ("sent it back", "amber", "undo-2"),
    "approved": ("approved it", "moss", "check"),
    "applied": ("it was applied", "moss", "circle-check"),
    "failed": ("approved it, and it could not be applied", "coral", "triangle-alert"),
    "withdrawn": ("withdrew it", "sand", "x"),
    "commented": ("said", "slate", "message-circle"),
}
VERBS = {
    "": "Wish",
    "create": "Make",
    "change": "Change",
    "archive": "Archive",
    "unarchive": "Take out of the archive",
    "delete": "Delete",
    "duplicate": "Duplicate",
    "freeze": "Keep a copy of",
    "personas": "Make",
}
TABS = [("waiting", "Waiting for me"), ("mine", "Mine"), ("all", "All")]


@login_required
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """List the reviews: what waits for this person, what they asked for, and all."""
    show = next((name for name, _ in TABS if name == request.GET.get("show")), "waiting")
    sets = {"waiting": reviews.waiting_for(request.user), "mine": reviews.of(request.user), "all": Review.objects.all()}
    status = request.GET.get("status", "")
    found = sets[show].filter(status=status) if status in Review.Status.values else sets[show]
    page = list(before(found, request.GET.get("before", ""))[: PAGE + 1])
    context = {
        "rows": [row(one) for one in page[:PAGE]],
        "tabs": [(name, label, sets[name].count() if name != "all" else None) for name, label in TABS],
        "show": show,
        "status": status,
        "statuses": Review.Status.choices,
        "older": here(show=show, status=status, before=page[PAGE - 1].pk) if len(page) > PAGE else "",
        "newer": here(show=show, status=status) if request.GET.get("before") else "",
        "live_url": request.get_full_path(),
    }
    live = request.headers.get("X-Live")
    return render(request, "config/_reviews.html" if live else "config/reviews.html", context)


@login_required
@require_safe
def badge(request: HttpRequest) -> HttpResponse:
    """Answer how many reviews wait for this person, as it stands in the navigation."""
    said = {"badge": navigation.badge(request), "url": reverse("reviews_badge")}
    return render(request, "config/_badge.html", said)


def before(found: QuerySet[Review], mark: str) -> QuerySet[Review]:
    """Begin after the review of this number, newest first."""
    found = found.select_related(*WHO).order_by("-id")
    return found.filter(pk__lt=int(mark)) if mark.isdecimal() and len(mark) < 19 else found


def here(**query: object) -> str:
    """Return the queue with a query, without its empty parts."""
    return f"{reverse('reviews')}?{urlencode({key: value for key, value in query.items() if value})}"


def row(review: Review) -> dict[str, Any]:
    """Return a review as the queue shows it."""
    return {
        "review": review,
        "heading": heading(review),
        "asked": who(review, "requested"),
        "by": who(review, "reviewed"),
    }


def heading(review: Review) -> str:
    """Say what it is about in a few words."""
    if not review.verb:
        return f"A wish about {review.title}" if review.title else "A wish in words"
    return f"{VERBS.get(review.verb, review.verb.capitalize())} {review.title or review.subject}"


def who(review: Review, part: str) -> str:
    """Name who asked, changed or reviewed."""
    person, key = getattr(review, f"{part}_by"), getattr(review, f"{part}_key")
    return "" if person is None and key is None else reviews.named(person, key)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one review with what differs, or do what a button says."""
    found = get_object_or_404(Review.objects.select_related(*WHO), pk=pk)
    if request.method == "POST":
        return press(request, found)
    return show(request, found)


def show(request: HttpRequest, found: Review, *, problem: str = "", status: int = 200) -> HttpResponse:
    """Render a review."""
    context = {**parts(found), **rights(request, found), "problem": problem, "note": request.POST.get("note", "")}
    return render(request, "config/review.html", context, status=status)


def parts(found: Review) -> dict[str, Any]:
    """Return what everybody sees of a review."""
    known = {kind.kind: kind for kind in kinds()}
    kind = known.get(found.kind)
    named = kind.named(found.subject) if kind and found.subject else None
    return {
        "review": found,
        "heading": heading(found),
        "template": kind.template if kind else "",
        "told": kind.told(found) if kind and found.verb else {},
        "subject_url": named[2] if named else "",
        "standing": reviews.standing(found) if kind else reviews.Standing(),
        "asked": who(found, "requested"),
        "made": who(found, "changed"),
        "decided": who(found, "reviewed"),
        "steps": steps(found),
        "crumbs": [{"label": "Reviews", "url": reverse("reviews")}, {"label": heading(found)}],
    }


def rights(request: HttpRequest, found: Review) -> dict[str, Any]:
    """Return what this person may do with a review as it stands."""
    actor = Actor.of(user=request.user)
    own, open_ = reviews.is_own(found, actor), found.status in reviews.OPEN
    kind = next((one for one in kinds() if one.kind == found.kind), None)
    makes = kind is not None and request.user.has_perm(kind.right(found.verb or "change"))
    asked = found.status == Review.Status.REQUESTED
    decides = asked and not own and request.user.has_perm("workspace.change_review")
    return {
        "own": own,
        "may_approve": decides and bool(found.verb),
        "may_send_back": decides,
        "may_submit": own and found.status in ("draft", "sent_back"),
        "may_withdraw": own and open_,
        "editor": kind.editor(found) if kind is not None and makes and open_ else "",
        "waits_for_others": own and asked,
    }


def steps(found: Review) -> list[dict[str, Any]]:
    """Return the steps of a review, newest first, as a timeline shows them."""
    notes = found.notes.select_related("actor", "key").order_by("-id")
    return [
        {
            "note": one,
            "who": reviews.named(one.actor, one.key),
            **dict(zip(("did", "tone", "icon"), STEPS.get(one.step, (one.step, "slate", "info")), strict=True)),
        }
        for one in notes
    ]


def press(request: HttpRequest, found: Review) -> HttpResponse:
    """Do what the pressed button names, and say what came of it; what is refused is shown with the note kept."""
    verb = next((BUTTONS[name] for name in BUTTONS if name in request.POST), None)
    if verb is None:
        return show(request, found, problem="That button is not known here. Reload the page.", status=422)
    try:
        messages.success(request, verb(request, found))
    except (Refused, InUse) as refused:
        fresh = Review.objects.select_related(*WHO).get(pk=found.pk)
        return show(request, fresh, problem=str(refused), status=409)
    return redirect("review", found.pk)


def approve(request: HttpRequest, found: Review) -> str:
    """Approve and apply."""
    may_review(request)
    said = {name: request.POST.get(name, "") for name in ("seen", "note", "fires")}
    if said["fires"] not in ("", "none", "entries", "exits", "both"):
        raise Refused("Choose what flows hear of.")
    reviews.approve(found, actor=Actor.of(user=request.user), **said)
    return f"{heading(found)}: approved and applied."


def send_back(request: HttpRequest, found: Review) -> str:
    """Send back with a note."""
    may_review(request)
    reviews.send_back(found, actor=Actor.of(user=request.user), note=request.POST.get("note", ""))
    return f"{heading(found)}: sent back."


def may_review(request: HttpRequest) -> None:
    """Refuse who may not review."""
    if not request.user.has_perm("workspace.change_review"):
        raise PermissionDenied


def submit(request: HttpRequest, found: Review) -> str:
    """Put it into the queue."""
    reviews.submit(found, actor=Actor.of(user=request.user), note=request.POST.get("note", ""))
    return "It waits for approval."


def withdraw(request: HttpRequest, found: Review) -> str:
    """Take it back."""
    reviews.withdraw(found, actor=Actor.of(user=request.user), note=request.POST.get("note", ""))
    return "It is withdrawn."


def comment(request: HttpRequest, found: Review) -> str:
    """Say something."""
    reviews.comment(found, actor=Actor.of(user=request.user), text=request.POST.get("text", ""))
    return "Your comment is added."


BUTTONS = {
    "approve": approve,
    "send_back": send_back,
    "submit": submit,
    "withdraw": withdraw,
    "comment": comment,
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for a change in words; whoever may look may ask."""
    kind, subject = request.GET.get("kind", "segment"), request.GET.get("about", "")
    try:
        named = kind_of(kind).named(subject) if subject else None
        if request.method == "POST":
            words = request.POST.get("words", "")
            filed = reviews.file(actor=Actor.of(user=request.user), kind=kind, subject=subject, words=words)
            messages.success(request, "Your wish is filed: somebody who may change it will take it up.")
            return redirect("review", filed.pk)
        problem, status = "", 200
    except Refused as refused:
        named, problem, status = None, refused.detail, 422
    context: dict[str, Any] = {"named": named, "problem": problem, "words": request.POST.get("words", "")}
    context["crumbs"] = [{"label": "Reviews", "url": reverse("reviews")}, {"label": "Ask for a change"}]
    return render(request, "config/review_ask.html", context, status=status)
