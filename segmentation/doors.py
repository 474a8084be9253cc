"""The doors of the criteria builder: what there is to choose from, and who matches now."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_POST

from contacts.suggesting import of_attribute, of_event, sampled_attributes, sampled_event
from segmentation import reach
from segmentation.scenarios.making import fill
from segmentation.sight import preview
from segmentation.vocabulary import choices
from workspace import clean, clock
from workspace.problems import Refused

LIMIT = 256 * 1024


@login_required
@require_GET
def catalogue(request: HttpRequest) -> HttpResponse:
    """Answer what the builder offers to choose from."""
    return JsonResponse(choices())


@login_required
@require_GET
def values(request: HttpRequest) -> HttpResponse:
    """Answer values that stand in the newest facts: of an attribute, or (event=…) of a parameter of an event."""
    name, event = (request.GET.get(one, "").replace("\x00", "")[:300] for one in ("name", "event"))
    return JsonResponse({"values": of_event(event, name) if "event" in request.GET else of_attribute(name)})


@login_required
@require_GET
def samples(request: HttpRequest) -> HttpResponse:
    """Answer how often attributes, or (event=…) parameters of an event, have a value, and a few of those."""
    event = request.GET.get("event", "").replace("\x00", "")[:300]
    return JsonResponse({"samples": sampled_event(event) if "event" in request.GET else sampled_attributes()})


@login_required
@require_POST
def preview_door(request: HttpRequest) -> HttpResponse:
    """Answer who matches a document now."""
    return answer(
        request,
        "criteria",
        lambda said: preview(said["criteria"], at=clock.now(), link=True, exact=said.get("exact") is True),
    )


@login_required
@require_POST
def reach_door(request: HttpRequest) -> HttpResponse:
    """Answer how many of those who match can be reached, by channel."""
    return answer(request, "criteria", lambda said: reach.of_document(said["criteria"], clock.now()))


@login_required
@require_POST
def scenario_door(request: HttpRequest) -> HttpResponse:
    """Answer the criteria of a scenario with what was filled in, in words, and how many match now."""
    return answer(request, "scenario", filled)


def filled(said: dict[str, Any]) -> dict[str, Any]:
    """Return a scenario filled in."""
    slug, parameters = said["scenario"], said.get("parameters") or {}
    if not isinstance(slug, str) or not isinstance(parameters, dict):
        raise Refused("Name a scenario, and its parameters as an object.")
    done = fill(slug, {name: str(value)[:100] for name, value in parameters.items()}, clock.now())
    return {"criteria": done.document, "words": done.words, "count": done.size, "parameters": done.parameters}


def answer(request: HttpRequest, needed: str, work: Callable[[dict[str, Any]], dict[str, Any]]) -> HttpResponse:
    """Read the body through the gate and answer what comes of it, or what is wrong with it."""
    try:
        body = clean.read(request.body, limit=LIMIT)
        if not isinstance(body, dict) or needed not in body:
            raise Refused(f'Send {{"{needed}": …}}.')
        return JsonResponse(work(body))
    except clean.Unclean as error:
        refused = Refused(error.message, status=error.status)
    except Refused as error:
        if error.faults:  # what is not filled in yet is an answer of its own, not a failure
            return JsonResponse(error.as_json())
        refused = error
    return JsonResponse(refused.as_json(), status=refused.status, content_type="application/problem+json")
