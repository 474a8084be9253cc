"""The door of flows' own addresses: /v1/hooks/<token>/ and /in/<token>."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from flows import hooks
from flows.models import Flow
from workspace import clean, clock, throttling
from workspace.problems import Refused

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 500
PROBLEM = "application/problem+json"


@csrf_exempt
def hear(request: HttpRequest, token: str) -> HttpResponse:
    """Take one call to a flow's own address; who does not know it is told that there is nothing."""
    address = hooks.named(token)
    if address and (seconds := throttling.wait_for(f"hook:{address[0]}", settings.HOOK_CALLS_A_MINUTE)):
        return _too_many(seconds)  # before the database hears of it
    flow = hooks.find(token, clock.now())
    try:
        if flow is None:
            raise Refused("There is no such address.", status=404)
        if request.method != "POST":
            raise Refused("Send what you have to tell as POST.", status=405)
        body, size = _body(request, flow)
        heard = hooks.hear(flow, body, size, request.headers)
    except Refused as error:
        return _problem(error)
    kept = heard.outcome == hooks.Outcome.KEPT
    said = {"success": True, **({"detail": "Kept as a sample: the flow does not run."} if kept else {})}
    return JsonResponse(said, status=202 if kept else 200)


def _body(request: HttpRequest, flow: Flow) -> tuple[Any, int]:
    """Return the body as clean JSON and its size; what cannot be read is noted beside the samples."""
    raw = b""
    try:
        if request.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
            raise clean.Unclean("Send the body without compression.", status=415)
        raw = request.read(hooks.LIMIT + 1)
        if len(raw) > hooks.LIMIT:
            raise clean.Unclean(f"The body is larger than {hooks.LIMIT:,} bytes, the most that is taken.", status=413)
        body = _form(raw) if request.content_type == FORM else clean.read(raw, limit=hooks.LIMIT)
        if not isinstance(body, dict):
            raise clean.Unclean("The body must be a JSON object.")
    except UnreadablePostError as error:
        raise Refused("The body broke off.") from error
    except clean.Unclean as error:
        hooks.refused(flow, len(raw), error.message)
        raise Refused(f"{error.path}: {error.message}" if error.path else error.message, status=error.status) from error
    return body, len(raw)


def _form(raw: bytes) -> Any:
    try:
        form = QueryDict(raw, encoding="utf-8")
    except (UnicodeDecodeError, ValueError) as error:
        raise clean.Unclean("The form cannot be read.") from error
    if len(form) > MOST_FIELDS:
        raise clean.Unclean(f"A form has at most {MOST_FIELDS} entries.", status=413)
    return clean.check(form.dict())


def _too_many(seconds: int) -> HttpResponse:
    """Ask to come back; nothing is kept, so what sends it must send it again."""
    most = settings.HOOK_CALLS_A_MINUTE
    sentence = f"This address takes {most:,} calls a minute; send this one again in {seconds} seconds."
    answer = _problem(Refused(sentence, status=429))
    answer["Retry-After"] = str(seconds)
    return answer


def _problem(error: Refused) -> HttpResponse:
    answer = JsonResponse(error.as_json(), status=error.status, content_type=PROBLEM)
    if error.status == 405:
        answer["Allow"] = "POST"
    return answer
