"""The short way to the doors of ingest: what stands before pages (sessions, sign-in, CSRF, themes) is nothing to them."""

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from psycopg_pool import PoolTimeout

from config.middleware import Answerer, unavailable
from contacts.doors import ingest
from contacts.spec import KINDS

DOORS = {f"{base}/v1/{kind}": kind for base in ("", "/api") for kind in (*KINDS, "batch")}


def straight_to_ingest(get_response: Answerer) -> Answerer:
    """Answer calls to the doors of ingest here, and let everything else go on."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        kind = _door(request)
        return _answer(request, kind) if kind else get_response(request)

    return middleware


def _door(request: HttpRequest) -> str | None:
    """Name the door of a call; one that must first be sent to https goes the long way, which does so."""
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return None
    return DOORS.get(request.path_info)


def _answer(request: HttpRequest, kind: str) -> HttpResponseBase:
    response: HttpResponseBase | None
    try:
        response = ingest(request, kind)
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        response = unavailable(error)
        if response is None:
            raise
    response["X-Content-Type-Options"] = "nosniff"
    return response
