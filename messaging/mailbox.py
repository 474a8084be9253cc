"""The mailbox of the embedded default: what would have been delivered, to be read here."""

import email
import email.policy
from email.message import EmailMessage
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from messaging import listing
from messaging.models import CaughtMail, Channel, Message
from messaging.pages import framed

TABS = [("email", "Mail"), ("sms", "SMS"), ("whatsapp", "WhatsApp"), ("push", "Push"), ("onsite", "On-site")]
HEADERS = (
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "X-Tributary-Key",
)


@login_required
@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    """List caught mail, newest first, by subject or recipient."""
    asked = {name: listing.clean_text(request.GET.get(name)) for name in ("q", "before", "after", "channel")}
    channel = asked["channel"] = asked["channel"] if asked["channel"] in dict(TABS) else Channel.EMAIL.value
    found = CaughtMail.objects.defer("raw").filter(channel=channel)
    if q := asked["q"]:
        found = found.filter(Q(recipient__icontains=q) | Q(subject__icontains=q) | Q(message_key=q))
    context = {**listing.page(found, asked), "asked": asked, "tabs": TABS, "channel": channel}
    fragment = request.headers.get("X-Live") or request.headers.get("HX-Target") == "mails"
    return render(request, "messaging/_mails.html" if fragment else "messaging/mailbox.html", context)


@login_required
@require_safe
def mail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one mail: as it looks, its text, its headers and all of it raw."""
    one = get_object_or_404(CaughtMail, pk=pk)
    near = CaughtMail.objects.filter(channel=one.channel)
    read = parsed(one)
    context = {
        "mail": one,
        "headers": [(name, shown(read, name)) for name in HEADERS if read.get(name) is not None],
        "text": part(read, "plain") if one.channel == Channel.EMAIL else bytes(one.raw).decode("utf-8", "replace"),
        "has_html": one.channel == Channel.EMAIL and bool(part(read, "html")),
        "raw": bytes(one.raw)[:100_000].decode("utf-8", "replace"),
        "message": Message.objects.filter(key=one.message_key).first() if one.message_key else None,
        "newer": near.filter(pk__gt=pk).order_by("pk").values_list("pk", flat=True).first(),
        "older": near.filter(pk__lt=pk).order_by("-pk").values_list("pk", flat=True).first(),
    }
    return render(request, "messaging/mail.html", context)


@login_required
@require_safe
def mail_html(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer the HTML of a mail for the sandboxed frame."""
    one = get_object_or_404(CaughtMail, pk=pk)
    # Links open outside the frame, in a window of their own, when the reader asks for it.
    return framed('<base target="_blank" rel="noopener">' + part(parsed(one), "html"), links=True)


def parsed(one: CaughtMail) -> Any:
    """Read a mail."""
    return email.message_from_bytes(bytes(one.raw), policy=email.policy.default)


def shown(read: Any, name: str) -> str:
    """Return a header's text, whatever is wrong with it."""
    try:
        return str(read.get(name, ""))[:1000]
    except (ValueError, LookupError, AttributeError):
        return ""


def part(read: Any, kind: str) -> str:
    """Return the text or the HTML of a mail, or ""."""
    try:
        body = read.get_body((kind,)) if isinstance(read, EmailMessage) else None
        return str(body.get_content()) if body is not None else ""
    except (LookupError, ValueError, KeyError, AttributeError):
        return ""
