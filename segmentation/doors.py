"""The doors of the criteria builder: what there is to choose from, and who matches now."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_POST

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
@require_POST
def preview_door(request: HttpRequest) -> HttpResponse:
    """Answer who matches a document now."""
    try:
        body = clean.read(request.body, limit=LIMIT)
        if not isinstance(body, dict) or "criteria" not in body:
            raise Refused('Send {"criteria": {…}}.')
        return JsonResponse(preview(body["criteria"], at=clock.now(), link=True))
    except clean.Unclean as error:
        refused = Refused(error.message, status=error.status)
    except Refused as error:
        if error.faults:  # what is not filled in yet is an answer of its own, not a failure
            return JsonResponse(error.as_json())
        refused = error
    return JsonResponse(refused.as_json(), status=refused.status, content_type="application/problem+json")
