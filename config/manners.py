"""The manners of the API that no view has to think of: one answer per Idempotency-Key, 304, and the slash at the end."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils.cache import get_conditional_response
from psycopg_pool import PoolTimeout

from config.middleware import unavailable
from workspace import clean, once
from workspace.api import as_refused, secret_of
from workspace.keys import find_key
from workspace.problems import Refused

API = "/api/v1/"
READING = ("GET", "HEAD", "OPTIONS", "TRACE")
WITHOUT = ("ingest",)  # ingest takes each messageId once, whatever its headers say
Answerer = Callable[[HttpRequest], HttpResponseBase]


def manners(get_response: Answerer) -> Answerer:
    """Stand around every request to the API."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(API):
            return get_response(request)
        _complete(request)
        try:
            return _conditional(request, _answered(request, get_response))
        except (Refused, clean.Unclean) as error:
            return problem(as_refused(error) or Refused(str(error)))
        except RequestDataTooBig:
            return problem(Refused("The body is too large.", status=413))
        except UnreadablePostError:
            return problem(Refused("The body broke off."))
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            return unavailable(error) or problem(Refused("Please try again.", status=503))

    return middleware


def problem(refused: Refused) -> HttpResponse:
    """Answer a refusal outside of any view."""
    response = JsonResponse(refused.as_json(), status=refused.status, content_type="application/problem+json")
    if isinstance(refused, once.Busy):
        response["Retry-After"] = "1"
    return response


def _complete(request: HttpRequest) -> None:
    """Take an address without its last slash for the one with it: a redirect would lose the body."""
    if request.path_info.endswith("/") or _known(request.path_info) or not _known(f"{request.path_info}/"):
        return
    request.path_info += "/"
    request.path += "/"


def _known(path: str) -> Any:
    try:
        return resolve(path)
    except Resolver404:
        return None


def _answered(request: HttpRequest, get_response: Answerer) -> HttpResponseBase:
    if request.method in READING or not request.headers.get("Idempotency-Key"):
        return get_response(request)
    found, who = _known(request.path_info), _who(request)
    if who is None or found is None or found.url_name in WITHOUT:
        return get_response(request)
    return once.answer_once(once.Asked.of(request, **who), lambda: get_response(request))


def _who(request: HttpRequest) -> dict[str, int | None] | None:
    """Name who asks, or None when nobody known does: the view says so."""
    if secret := secret_of(request):
        key = find_key(secret)
        return {"key_id": key.pk, "user_id": None} if key else None
    user = request.user
    return {"key_id": None, "user_id": user.pk} if user.is_authenticated else None


def _conditional(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Answer 304 to If-None-Match while the thing is still as the caller has it."""
    if request.method not in ("GET", "HEAD") or response.status_code != 200 or "If-None-Match" not in request.headers:
        return response
    if not response.has_header("ETag") or not isinstance(response, HttpResponse):
        return response
    kept: HttpResponseBase | None = get_conditional_response(request, etag=response["ETag"], response=response)
    return kept or response
