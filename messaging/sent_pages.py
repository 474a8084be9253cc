"""The pages of what was said, and of addresses that nothing is sent to."""

from collections.abc import Iterable

from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from contacts import saying
from contacts.models import Suppression
from messaging import by_hand, composing, listing
from messaging.forms import SuppressionForm
from messaging.models import TEXTS, Message, Stream, Template
from messaging.pages import actor, framed
from messaging.policy import GATE_NAMES, QUESTIONS
from workspace.models import Audit, Workspace
from workspace.problems import Refused
from workspace.uses import names_of

Source = tuple[str, str]  # what it is called, and its page


@login_required
@require_safe
def messages(request: HttpRequest) -> HttpResponse:
    """List what was said, newest first."""
    asked = {
        name: request.GET.get(name, "") for name in ("status", "flow", "template", "gate", "contact", "before", "after")
    }
    shown = listing.page(listing.filtered(asked), asked)
    named = sources(one.stream for one in shown["rows"])
    context = {
        **shown,
        "rows": [(one, named[one.stream_id][0]) for one in shown["rows"]],
        "asked": asked,
        "statuses": Message.Status.choices,
        "gates": [(one, one.capitalize()) for one in GATE_NAMES],
        "flows": flow_names(),
        "templates": Template.objects.order_by("name")[:200],
    }
    fragment = request.headers.get("X-Live") or request.headers.get("HX-Target") == "messages"
    return render(request, "messaging/_messages.html" if fragment else "messaging/messages.html", context)


def flow_names() -> list[tuple[str, str]]:
    """Return slug and name of the flows that ever said something, for the filter."""
    slugs = list(Stream.objects.filter(kind="flow").order_by("slug").values_list("slug", flat=True)[:200])
    named = names_of("flow", slugs)
    return sorted(((slug, named.get(slug, (slug, ""))[0]) for slug in slugs), key=lambda one: one[1].lower())


def sources(streams: Iterable[Stream]) -> dict[int, Source]:
    """Say by name where messages come from, by the id of their stream."""
    found = {one.pk: one for one in streams}
    named = names_of("flow", {one.slug for one in found.values() if one.kind == "flow"})
    return {pk: _source(one, named) for pk, one in found.items()}


def _source(stream: Stream, named: dict[str, Source]) -> Source:
    if stream.kind == "flow":
        return named.get(stream.slug, (stream.slug, ""))
    return ("API" if stream.kind == "api" else f"{stream.kind} {stream.slug}".capitalize(), "")


@login_required
def message(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one message's whole history; hold, release, retry or call it off."""
    one = get_object_or_404(Message.objects.select_related("contact", "stream", "template_version__template"), pk=pk)
    if request.method == "POST":
        return _change_message(request, one)
    context = {
        "message": one,
        "source": sources([one.stream])[one.stream_id],
        "gates": gates_of(one),
        "history": Audit.objects.filter(subject=one.ref).select_related("actor").order_by("id")[:50],
        "can": [name for name, (statuses, _) in by_hand.VERBS.items() if one.status in statuses],
        "answer": one.content.get("answer"),
        "says": composing.rendered(one, Workspace.objects.get(pk=1)) if one.channel in TEXTS else None,
    }
    return render(request, "messaging/message.html", context)


def gates_of(one: Message) -> list[dict[str, str]]:
    """Say of each gate whether the message passed it, was stopped at it, or never came to it."""
    if not one.gate and one.calling_at is None:
        return []
    names = list(QUESTIONS)
    at = names.index(one.gate) if one.gate in QUESTIONS else len(names)
    states = ["passed"] * at + ["stopped"] + ["not asked"] * len(names)
    return [
        {"name": name, "question": QUESTIONS[name], "state": state} for name, state in zip(names, states, strict=False)
    ]


@permission_required("messaging.change_message", raise_exception=True)
def _change_message(request: HttpRequest, one: Message) -> HttpResponse:
    action = next((name for name in by_hand.VERBS if name in request.POST), None)
    try:
        if action is not None:
            by_hand.VERBS[action][1](one, actor=actor(request))
    except Refused as error:
        notes.error(request, error.detail)
    return redirect("message", one.pk)


@login_required
@require_safe
def message_copy(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer an email as it renders now, for the sandboxed frame."""
    one = get_object_or_404(Message.objects.select_related("contact", "template_version", "sender"), pk=pk)
    email = composing.rendered(one, Workspace.objects.get(pk=1)) if one.channel in ("email", "staff") else None
    return framed(email.html if email else "<p>There is nothing to show.</p>")


@login_required
def suppressions(request: HttpRequest) -> HttpResponse:
    """List addresses that are never written to, as digests; add or lift one."""
    form = SuppressionForm(request.POST or None)
    if request.method == "POST":
        return _change_suppressions(request, form)
    context = {**listing.page(Suppression.objects.all(), request.GET.dict()), "form": form}
    return render(request, "messaging/suppressions.html", context)


@permission_required("contacts.add_suppression", raise_exception=True)
@require_POST
def _change_suppressions(request: HttpRequest, form: SuppressionForm) -> HttpResponse:
    address = request.POST.get("address", "")
    try:
        if "lift" in request.POST:
            lifted = saying.lift_suppression(channel="email", address=address, actor=actor(request))
            notes.success(request, f"{address} may be written to." if lifted else f"{address} was not suppressed.")
        else:
            reason = request.POST.get("reason", "manual")
            saying.suppress(channel="email", address=address, reason=reason, actor=actor(request))
            notes.success(request, f"Nothing goes to {address} any more.")
    except Refused as error:
        notes.error(request, error.detail)
    return redirect("suppressions")
