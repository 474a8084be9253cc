"""What stands around every request."""

from collections.abc import Callable

import structlog
from csp.middleware import CSPMiddleware
from django.contrib import messages
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from psycopg import errors
from psycopg_pool import PoolTimeout

from contacts.labels import in_words
from workspace.approval import NeedsApproval, proposing
from workspace.filing import to_person
from workspace.taken import as_taken

log = structlog.get_logger()
Answerer = Callable[[HttpRequest], HttpResponseBase]

# The admin's theme and the API page evaluate expressions; they get a policy of their own.
LOOSER = {
    "script-src": ["'self'", "'unsafe-eval'", "'unsafe-inline'"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "img-src": ["'self'", "data:"],
    "worker-src": ["'self'", "blob:"],
}


class ContentSecurityPolicy(CSPMiddleware):
    """The policy of the house, with a looser one for the admin and the API's own page."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Choose the policy by path before the header is written."""
        if request.path.startswith(("/admin/", "/api/v1/docs/")):
            response._csp_update = LOOSER  # type: ignore[attr-defined]
        answer: HttpResponseBase = super().process_response(request, response)
        return answer


def database_trouble(get_response: Answerer) -> Answerer:
    """Answer 503 with Retry-After, never 500, while the database cannot be reached or is too busy."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return get_response(request)

    def process_exception(request: HttpRequest, error: Exception) -> HttpResponse | None:
        return unavailable(error) or already_there(request, error)

    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware


def speaking(get_response: Answerer) -> Answerer:
    """Call attributes by the labels that people declared, in all that a request says in words."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        with in_words():
            return get_response(request)

    return middleware


def approvals(get_response: Answerer) -> Answerer:
    """File what a person's page asked for and needs approval as a review; what is sent for a review goes into that one."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.method == "POST" and "review" in request.GET and not request.path.startswith("/api/"):
            with proposing():
                return get_response(request)
        return get_response(request)

    def process_exception(request: HttpRequest, error: Exception) -> HttpResponse | None:
        return to_person(request, error) if isinstance(error, NeedsApproval) else None

    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware


def already_there(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """Tell a person whose page came second at the same moment what is taken and by whom; None for any other error."""
    refused = as_taken(error)
    if refused is None:
        return None
    if request.headers.get("HX-Request"):
        return HttpResponse(refused.detail, status=409, content_type="text/plain; charset=utf-8")
    messages.error(request, refused.detail)
    return redirect(request.get_full_path())


def unavailable(error: Exception) -> HttpResponse | None:
    """Return the 503 (507 when the disk is full) that stands for a database error, or None for any other error."""
    if not isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        return None
    full = isinstance(error.__cause__, errors.DiskFull)
    log.error("database.unavailable", error=str(error))
    body = {
        "type": "about:blank",
        "title": "The disk is full" if full else "The database cannot be reached",
        "status": 507 if full else 503,
        "detail": "Nothing was stored. Please try again in a few seconds.",
    }
    response = JsonResponse(body, status=body["status"], content_type="application/problem+json")
    response["Retry-After"] = "5"
    return response
