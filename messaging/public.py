"""Pages that anybody with a link may open: no sign-in, no cookies, no JavaScript, and reading changes nothing."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from messaging.models import Message
from messaging.tokens import message_of
from messaging.unsubscribing import subject_of, unsubscribe
from workspace.models import Workspace


# A mail reader posts here without having read any page (RFC 8058): the token is the proof, and no cookie is involved.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show what would be ended; end it on POST, by the page's buttons or by a mail reader's one click."""
    message = message_of(token)
    if message is None:
        raise Http404("This link is not known here.")
    if request.method != "POST":
        return _page(request, message, "ask")
    everything = request.POST.get("scope") == "everything"
    unsubscribe(message, everything=everything, source="one-click" if _one_click(request) else "unsubscribe page")
    return _page(request, message, "everything" if everything or not message.topic else "topic")


def _one_click(request: HttpRequest) -> bool:
    return request.POST.get("List-Unsubscribe") == "One-Click"


def _page(request: HttpRequest, message: Message, state: str) -> HttpResponse:
    house = Workspace.objects.get(pk=1)
    context = {"state": state, "topic": subject_of(message), "house": house}
    response = render(request, "messaging/unsubscribe.html", context)
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response
