"""The pages of why: one contact in one segment, one contact in all of them, and until when."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from contacts.models import Contact
from contacts.searching import search
from contacts.services import find_contact
from segmentation.explaining import Explanation, explain, explain_all
from segmentation.listing import tone_of
from segmentation.models import Membership, Segment, Transition
from segmentation.pages import address, clean_text
from segmentation.segment_pages import find, frame
from segmentation.telling import because, reason
from workspace import clock

FEW = 6
MANY = 20
SHOWS = [("", "All segments"), ("in", "In it now"), ("out", "Not in it")]


def shown(told: Explanation) -> dict[str, Any]:
    """Return an explanation with what a page says of it."""
    return {
        "told": told,
        "segment": told.segment,
        "tone": tone_of(told.segment) if told.segment else "",
        "reason": reason(told.root),
        "because": because(told.last, told.by) if told.last else "",
    }


@login_required
@require_GET
def why(request: HttpRequest, pk: int) -> HttpResponse:
    """Say why a contact is in a segment or not, or help to find the contact."""
    found = find(pk)
    q, ref = clean_text(request.GET.get("q", "")), clean_text(request.GET.get("contact", ""))
    contact = find_contact(ref) if ref else None
    context: dict[str, Any] = {"q": q, "contact": contact, "unknown": bool(ref) and contact is None}
    if contact is not None:
        context |= shown(explain(found, contact, clock.now()))
    elif q:
        context["matches"] = list(search(q)[:FEW])
    else:
        context["came"], context["went"] = lately(found)
    return render(request, "segmentation/why.html", {**context, **frame(found, "segment_why")})


def lately(segment: Segment) -> tuple[list[Contact], list[Contact]]:
    """Return a few who came last and are in it, and a few who left last."""
    inside = Membership.objects.filter(segment=segment).select_related("contact").order_by("-since")[:FEW]
    member = Exists(Membership.objects.filter(segment=segment, contact=OuterRef("contact")))
    left = Transition.objects.filter(segment=segment, kind=Transition.Kind.EXITED).exclude(member)
    left = left.filter(contact__erased_at=None, contact__merged_into=None).select_related("contact")
    gone = {one.contact_id: one.contact for one in left.order_by("-at", "-id")[: FEW * 2]}
    return [one.contact for one in inside], list(gone.values())[:FEW]


@login_required
@require_GET
def segments_of(request: HttpRequest, pk: int) -> HttpResponse:
    """Explain one contact in every segment, a page of them at a time."""
    contact = get_object_or_404(Contact, pk=pk)
    show, after = request.GET.get("show", ""), request.GET.get("after", "")
    first = int(after) if after.isdecimal() and len(after) < 6 else 0
    page = list(chosen(contact, show)[first : first + MANY + 1])
    context = {
        "contact": contact,
        "explained": [shown(one) for one in explain_all(page[:MANY], contact, clock.now())],
        "show": show,
        "shows": SHOWS,
        "crumbs": crumbs(contact),
        "older": address("contact_why", pk, show=show, after=first + MANY) if len(page) > MANY else "",
        "newer": address("contact_why", pk, show=show) if first else "",
    }
    return render(request, "segmentation/of_contact.html", context)


def crumbs(contact: Contact) -> list[dict[str, str]]:
    """Return the way to the page."""
    return [
        {"label": "Contacts", "url": reverse("contacts")},
        {"label": contact.display, "url": reverse("contact", args=[contact.pk])},
        {"label": "Segments"},
    ]


def chosen(contact: Contact, show: str) -> QuerySet[Segment]:
    """Return the segments to explain, those that the contact is in first."""
    member = Exists(Membership.objects.filter(segment=OuterRef("pk"), contact=contact))
    found = Segment.objects.filter(archived_at=None).select_related("rule").annotate(inside=member)
    if show in ("in", "out"):
        found = found.filter(inside=show == "in")
    return found.order_by("-inside", "name", "id")


@login_required
@require_GET
def until(request: HttpRequest, pk: int) -> HttpResponse:
    """Say of the segments that a contact is in until when that lasts, the nearest first."""
    contact = get_object_or_404(Contact, pk=pk)
    page = list(chosen(contact, "in").filter(rule__clock=True)[:MANY])
    turning = [shown(one) for one in explain_all(page, contact, clock.now()) if one.turn and not one.turn.becomes]
    turning.sort(key=lambda one: one["told"].turn.at)
    return render(request, "segmentation/_until.html", {"turning": turning, "contact": contact})
